import CCrypto
import IntakeCore

/// An elliptic-curve key pair made for a test, which signs the tokens that Noah checks.
final class SigningKey {
  private let key: OpaquePointer
  private let width: Int

  /// Makes a key on `P-384` or `P-256`.
  init(_ curve: String = "P-384") throws {
    let made = makeKey(curve)
    guard let made else { throw Failure() }
    key = made
    width = curve == "P-384" ? 48 : 32
  }

  struct Failure: Error {}

  deinit { EVP_PKEY_free(key) }

  /// The public half in PEM.
  var publicPEM: [UInt8] { pem { PEM_write_bio_PUBKEY($0, key) } }

  /// The whole key in PEM, not encrypted.
  var privatePEM: [UInt8] {
    pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
  }

  private func pem(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
    guard let memory = BIO_new(BIO_s_mem()) else { return [] }
    defer { BIO_free(memory) }
    _ = write(memory)
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    return Array(bytes.prefix(Int(max(0, count))))
  }

  /// A compact token over the given claims.
  func token(_ claims: [(String, JSONOutput)], alg: String? = nil) throws -> String {
    let name = alg ?? (width == 48 ? "ES384" : "ES256")
    let header = JSONOutput.object([("alg", .string(name)), ("typ", .string("JWT"))])
    let signed =
      Self.urlSafe(Array(header.text.utf8)) + "."
      + Self.urlSafe(Array(JSONOutput.object(claims).text.utf8))
    return signed + "." + Self.urlSafe(try signature(of: Array(signed.utf8)))
  }

  /// URL-safe base64 without padding.
  static func urlSafe(_ bytes: [UInt8]) -> String {
    String(
      Request.base64(bytes).compactMap { character -> Character? in
        switch character {
        case "+": return "-"
        case "/": return "_"
        case "=": return nil
        default: return character
        }
      })
  }

  /// r and s side by side, taken out of the DER that libcrypto writes.
  private func signature(of message: [UInt8]) throws -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw Failure() }
    defer { EVP_MD_CTX_free(context) }
    let digest = width == 48 ? EVP_sha384() : EVP_sha256()
    var der = [UInt8](repeating: 0, count: 200)
    var size = der.count
    guard EVP_DigestSignInit(context, nil, digest, nil, key) == 1,
      EVP_DigestSign(context, &der, &size, message, message.count) == 1
    else { throw Failure() }
    let first = 4
    let firstSize = Int(der[first - 1])
    let second = first + firstSize + 2
    return fixed(der[first..<(first + firstSize)]) + fixed(der[second..<size])
  }

  private func fixed(_ number: ArraySlice<UInt8>) -> [UInt8] {
    let digits = number.drop { $0 == 0 }
    return [UInt8](repeating: 0, count: width - digits.count) + digits
  }
}

/// Step by step: the one-call form takes a variable argument list, which Swift cannot call.
private func makeKey(_ curve: String) -> OpaquePointer? {
  guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
  defer { EVP_PKEY_CTX_free(context) }
  var key: OpaquePointer?
  guard EVP_PKEY_keygen_init(context) == 1,
    EVP_PKEY_CTX_set_group_name(context, curve) == 1, EVP_PKEY_keygen(context, &key) == 1
  else { return nil }
  return key
}
