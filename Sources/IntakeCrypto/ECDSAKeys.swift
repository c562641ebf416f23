import CCrypto
import IntakeCore

/// The two curves of JSON Web Signatures that are used (RFC 7518 §3.4), each with its digest.
public enum ECDSACurve: Sendable {
  /// NIST P-256 with SHA-256: `ES256`, 64 bytes.
  case p256
  /// NIST P-384 with SHA-384: `ES384`, 96 bytes.
  case p384

  /// The `alg` of a token's header.
  public var algorithm: String { self == .p256 ? "ES256" : "ES384" }

  /// Bytes of one coordinate; a signature is two of them.
  var width: Int { self == .p256 ? 32 : 48 }

  /// The digest that RFC 7518 pairs with the curve.
  var digest: OpaquePointer? { self == .p256 ? EVP_sha256() : EVP_sha384() }

  /// The curve that a key lies on; nil for other curves and other kinds of keys.
  init?(of key: OpaquePointer) {
    switch ECDSACurve.groupName(of: key) {
    case "prime256v1": self = .p256
    case "secp384r1": self = .p384
    default: return nil
    }
  }

  /// libcrypto's name of the curve, nil for keys that lie on none.
  static func groupName(of key: OpaquePointer) -> String? {
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return nil }
    return String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// A private key on P-256 or P-384 that signs as JSON Web Signatures want it (RFC 7518 §3.4).
public struct ECDSAPrivateKey: Sendable {
  /// The curve that the key lies on.
  public let curve: ECDSACurve
  private let pem: [UInt8]

  /// A text that isn't a usable private key, and what it is instead; never its content.
  public struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, as a predicate: `is an RSA key; …`.
    public let description: String

    init(_ description: String) { self.description = description }
  }

  /// Reads a private key in PEM, PKCS #8 or SEC 1, without a passphrase.
  public init(pem: [UInt8]) throws(Refusal) {
    guard let key = ECDSAPrivateKey.load(pem) else { throw ECDSAPrivateKey.refusal(of: pem) }
    defer { EVP_PKEY_free(key) }
    guard let curve = ECDSACurve(of: key) else {
      throw Refusal("is \(ECDSAPrivateKey.kind(of: key)); it has to be of P-384 or P-256")
    }
    self.curve = curve
    self.pem = pem
  }

  /// The signature over a message: r and s side by side, big-endian, 64 or 96 bytes; new at each call.
  public func signature(of message: [UInt8]) throws(CryptoError) -> [UInt8] {
    let key = try CryptoError.check(ECDSAPrivateKey.load(pem), "PEM_read_bio_PrivateKey")
    defer { EVP_PKEY_free(key) }
    return try raw(try der(of: message, key))
  }

  private func der(of message: [UInt8], _ key: OpaquePointer) throws(CryptoError) -> [UInt8] {
    let context = try CryptoError.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
    defer { EVP_MD_CTX_free(context) }
    try CryptoError.check(
      EVP_DigestSignInit(context, nil, curve.digest, nil, key), "EVP_DigestSignInit")
    // SEQUENCE { INTEGER, INTEGER } of P-384 takes at most 104 bytes.
    var result = [UInt8](repeating: 0, count: 160)
    var size = result.count
    try CryptoError.check(
      EVP_DigestSign(context, &result, &size, message, message.count), "EVP_DigestSign")
    return Array(result.prefix(size))
  }

  /// libcrypto signs in DER, tokens hold the two numbers at their full width.
  private func raw(_ der: [UInt8]) throws(CryptoError) -> [UInt8] {
    let numbers = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var start = bytes.baseAddress
      return d2i_ECDSA_SIG(nil, &start, bytes.count)
    }
    guard let numbers else { throw CryptoError("d2i_ECDSA_SIG") }
    defer { ECDSA_SIG_free(numbers) }
    let width = Int32(curve.width)
    var r = [UInt8](repeating: 0, count: curve.width)
    var s = r
    guard BN_bn2binpad(ECDSA_SIG_get0_r(numbers), &r, width) == width,
      BN_bn2binpad(ECDSA_SIG_get0_s(numbers), &s, width) == width
    else { throw CryptoError("BN_bn2binpad") }
    return r + s
  }

  static func load(_ pem: [UInt8]) -> OpaquePointer? {
    // Without a callback of its own libcrypto asks for the passphrase on the terminal.
    loadKey(pem) { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in -1 }, nil) }
  }

  private static func kind(of key: OpaquePointer) -> String {
    if let curve = ECDSACurve.groupName(of: key) { return "an EC key of the curve \(curve)" }
    guard let name = EVP_PKEY_get0_type_name(key) else { return "a key of another kind" }
    return "a key of the kind \(String(cString: name))"
  }

  private static func refusal(of pem: [UInt8]) -> Refusal {
    let text = String(decoding: pem, as: UTF8.self)
    if text.contains("ENCRYPTED") {
      return Refusal("is protected by a passphrase; store it without one in a file of mode 0600")
    }
    if text.contains("BEGIN PUBLIC KEY") || text.contains("BEGIN CERTIFICATE") {
      return Refusal("is the public half; the private key is needed")
    }
    return Refusal("isn't a private key in PEM (-----BEGIN PRIVATE KEY----- or EC PRIVATE KEY)")
  }
}

/// Parses a key at each use (20 µs): a libcrypto pointer is not `Sendable`, its text is.
func loadKey(_ pem: [UInt8], _ read: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
  guard let source = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
  defer {
    BIO_free(source)
    ERR_clear_error()
  }
  return read(source)
}

/// JSON Web Tokens in the compact form (RFC 7515 §3.1).
public enum CompactToken {
  /// `header.claims.signature`, signed with the key; the claims are the text of a JSON object.
  public static func sign(claims: String, with key: ECDSAPrivateKey) throws(CryptoError) -> String {
    let header = #"{"alg":"\#(key.curve.algorithm)","typ":"JWT"}"#
    let signed = [header, claims].map { Base64Text.urlSafeText(Array($0.utf8)) }
      .joined(separator: ".")
    return signed + "." + Base64Text.urlSafeText(try key.signature(of: Array(signed.utf8)))
  }
}

/// A public key on P-256 or P-384 that checks signatures as JSON Web Signatures carry them (RFC 7518 §3.4).
public struct ECDSAPublicKey: Sendable {
  /// The curve, which decides digest and length of a signature.
  public let curve: ECDSACurve
  private let pem: [UInt8]

  /// Reads a public key in PEM (`-----BEGIN PUBLIC KEY-----`); nil for other keys, curves and texts.
  public init?(pem: [UInt8]) {
    guard let key = ECDSAPublicKey.load(pem) else { return nil }
    defer { EVP_PKEY_free(key) }
    guard let curve = ECDSACurve(of: key) else { return nil }
    self.curve = curve
    self.pem = pem
  }

  /// Takes the public half of an unencrypted private key in PEM; nil for other keys, curves and texts.
  public init?(privatePEM: [UInt8]) {
    guard let key = ECDSAPrivateKey.load(privatePEM) else { return nil }
    defer { EVP_PKEY_free(key) }
    guard let memory = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(memory) }
    guard PEM_write_bio_PUBKEY(memory, key) == 1 else { return nil }
    // A public key on these curves takes some 220 bytes in PEM.
    var pem = [UInt8](repeating: 0, count: 1024)
    let count = BIO_read(memory, &pem, Int32(pem.count))
    self.init(pem: Array(pem.prefix(Int(max(0, count)))))
  }

  /// Whether `signature` (r and s side by side, big-endian) was made over `message` by this key's owner.
  public func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == curve.width * 2, let key = ECDSAPublicKey.load(pem) else {
      return false
    }
    defer { EVP_PKEY_free(key) }
    guard let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    guard EVP_DigestVerifyInit(context, nil, curve.digest, nil, key) == 1 else { return false }
    let der = ECDSAPublicKey.der(signature, width: curve.width)
    let result = EVP_DigestVerify(context, der, der.count, message, message.count)
    // A failed check leaves entries in the thread's error queue that a later caller would read.
    ERR_clear_error()
    return result == 1
  }

  private static func load(_ pem: [UInt8]) -> OpaquePointer? {
    loadKey(pem) { PEM_read_bio_PUBKEY($0, nil, nil, nil) }
  }

  /// The two numbers as `SEQUENCE { INTEGER, INTEGER }`, the form libcrypto takes.
  private static func der(_ signature: [UInt8], width: Int) -> [UInt8] {
    let numbers = integer(signature[..<width]) + integer(signature[width...])
    // At most 2 × 51 bytes: the short form of a length suffices.
    return [0x30, UInt8(numbers.count)] + numbers
  }

  private static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var digits = Array(bytes.drop { $0 == 0 })
    if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
    return [0x02, UInt8(digits.count)] + digits
  }
}
