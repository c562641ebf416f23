import CCrypto

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
