import CCrypto

/// One-shot digests.
public enum Digest {
  /// Bytes of a SHA-256 digest.
  public static let sha256Size = 32

  /// SHA-256 (FIPS 180-4) of bytes that are at hand; 32 bytes.
  public static func sha256(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    var stream = try SHA256Stream()
    try stream.update(bytes)
    return try stream.finish()
  }

  /// HMAC-SHA256 (RFC 2104) of a message; 32 bytes.
  public static func hmacSHA256(_ message: [UInt8], key: Secret256) throws(CryptoError) -> [UInt8] {
    try hmacSHA256(message, key: key.bytes)
  }

  /// HMAC-SHA256 (RFC 2104) of a message with a key of any length; 32 bytes.
  public static func hmacSHA256(_ message: [UInt8], key: [UInt8]) throws(CryptoError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: sha256Size)
    // A null key means "the key of before" to HMAC(), so an empty one is handed over as one zero byte, to
    // which HMAC pads it anyway.
    let padded = key.isEmpty ? [0] : key
    let made = HMAC(
      EVP_sha256(), padded, Int32(padded.count), message, message.count, &result, nil)
    guard made != nil else { throw CryptoError("HMAC") }
    return result
  }
}
