public import IntakeCore
import IntakeSystem
public import IntakeTransport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The operator's files that say who is trusted and who we are; checked before anything is read or sent.
enum TrustFiles {
  /// A bundle of every public authority has 0.3 MB.
  private static let sizeLimit = 16 << 20

  /// The file of the only authorities to trust: the one that is named, or `SSL_CERT_FILE` as OpenSSL reads it.
  ///
  /// - Returns: nil for the system's authorities; the variable is left alone where no certificate is looked at.
  static func authorities(_ path: String?, for endpoint: Endpoint) throws(StageFailure) -> String? {
    let variable = endpoint.isEncrypted ? Environment.value("SSL_CERT_FILE") : nil
    guard let file = path ?? variable else { return nil }
    let name = path == nil ? "SSL_CERT_FILE" : "--ca-file"
    let bytes = try read(file, as: name)
    guard PEMText(bytes).holdsCertificate else {
      throw refusal(
        "\(name): \(Sanitizer.clean(file)) holds no certificate in PEM form",
        "give a file with -----BEGIN CERTIFICATE-----; openssl x509 -inform der turns DER into it")
    }
    return file
  }

  /// The certificate and the key that are shown to the target, nil when none is named.
  static func identity(certificate path: String?, key keyPath: String?) throws(StageFailure)
    -> ClientIdentity?
  {
    guard let path else {
      guard keyPath == nil else {
        throw refusal("--client-key without a certificate", "give --client-cert FILE too")
      }
      return nil
    }
    let keyName = keyPath == nil ? "--client-cert" : "--client-key"
    let certificate =
      keyPath == nil ? try secret(path, as: keyName) : try read(path, as: "--client-cert")
    guard PEMText(certificate).holdsCertificate else {
      throw refusal(
        "--client-cert: \(Sanitizer.clean(path)) holds no certificate in PEM form",
        "give a file with -----BEGIN CERTIFICATE-----")
    }
    let key =
      try keyPath.map { path throws(StageFailure) in try secret(path, as: keyName) } ?? certificate
    switch PEMText(key).key {
    case .plain: return ClientIdentity(certificate: certificate, key: Secret(key))
    case .encrypted:
      throw refusal(
        "\(keyName): \(Sanitizer.clean(keyPath ?? path)) is protected by a passphrase",
        "openssl pkey -in FILE -out NEW writes it without one; chmod 600 the new file")
    case .none:
      throw refusal(
        "\(keyName): \(Sanitizer.clean(keyPath ?? path)) holds no private key in PEM form",
        "give a file with -----BEGIN PRIVATE KEY-----"
          + (keyPath == nil ? ", or name the key's own file with --client-key" : ""))
    }
  }

  /// A file with a key in it: refused like the credentials when others can read it.
  private static func secret(_ path: String, as name: String) throws(StageFailure) -> [UInt8] {
    do throws(StageFailure) {
      return try SecretFile(path: path, role: "the file", missing: pemHint).read()
    } catch {
      throw refusal("\(name): " + error.detail, error.hint)
    }
  }

  private static func read(_ path: String, as name: String) throws(StageFailure) -> [UInt8] {
    do throws(FileFailure) {
      return try Descriptor.open(path).wholeFile(atMost: sizeLimit)
    } catch {
      throw refusal("\(name): \(Sanitizer.clean(path)): \(error)", pemHint)
    }
  }

  private static let pemHint = "give the path of a PEM file"

  private static func refusal(_ detail: String, _ hint: String) -> StageFailure {
    StageFailure(.tlsFailed, detail, hint: hint + "; nothing was sent", outcome: .fatal)
  }
}

extension Submit {
  /// The proxy for an address, as option and environment say; nil for none, as always for this machine.
  ///
  /// - Throws: `StageFailure` of class fatal for an address that isn't a proxy's, without repeating it.
  public static func proxy(_ option: String, for endpoint: Endpoint) throws(StageFailure)
    -> ProxyRoute?
  {
    // What the environment says about proxies is no concern of a run that needs none.
    guard !endpoint.isLoopback || !["env", "none"].contains(option) else { return nil }
    do throws(Endpoint.Refusal) {
      return try ProxyRoute(option, environment: Environment.value)
    } catch {
      throw StageFailure(
        .connectionFailed, error.description, hint: "correct --proxy; nothing was sent",
        outcome: .fatal)
    }
  }
}

enum Environment {
  /// The value, nil for none and for an empty one.
  static func value(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}

/// Text in the form of RFC 7468: what lies between its BEGIN and END lines.
struct PEMText {
  private let text: String

  /// Kinds of private keys by what their BEGIN line says.
  enum Key {
    case plain, encrypted, none
  }

  init(_ bytes: [UInt8]) { text = String(decoding: bytes, as: UTF8.self) }

  /// Whether there is a certificate whose base64 begins as every DER sequence does.
  var holdsCertificate: Bool {
    ["CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"].contains { label in
      guard let start = text.firstRange(of: "-----BEGIN \(label)-----")?.upperBound,
        let end = text[start...].firstRange(of: "-----END \(label)-----")?.lowerBound
      else { return false }
      let letters = String(text[start..<end].filter { !$0.isWhitespace })
      return Base64Text.decode(letters)?.first == 0x30
    }
  }

  var key: Key {
    guard text.contains("PRIVATE KEY-----") else { return .none }
    // PKCS #8 says it in the label, the older forms in a header line.
    return text.contains("BEGIN ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED")
      ? .encrypted : .plain
  }
}
