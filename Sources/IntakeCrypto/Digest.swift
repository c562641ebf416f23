import CCrypto

/// The library that digests and signs, for `--version`.
public enum CryptoLibrary {
  /// The version that is loaded, such as `3.0.17`; a security update changes it without a new build.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}

/// A failure inside libcrypto: no memory, or a provider that does not offer the algorithm.
public struct CryptoError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What failed.
  public let description: String

  init(_ call: String) {
    description = "libcrypto failed in \(call); check the installation of OpenSSL 3"
  }
}

/// Digests of bytes that are at hand.
public enum Digest {
  /// Bytes of a SHA-256 digest.
  public static let sha256Size = 32

  /// SHA-256 (FIPS 180-4); 32 bytes.
  public static func sha256(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    var stream = try SHA256Stream()
    try stream.update(bytes)
    return try stream.finish()
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

/// SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
public struct SHA256Stream: ~Copyable {
  private let context: OpaquePointer

  /// Starts a digest.
  public init() throws(CryptoError) {
    guard let context = EVP_MD_CTX_new() else { throw CryptoError("EVP_MD_CTX_new") }
    guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      EVP_MD_CTX_free(context)
      throw CryptoError("EVP_DigestInit_ex")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Takes the next piece.
  public mutating func update(_ bytes: [UInt8]) throws(CryptoError) {
    guard EVP_DigestUpdate(context, bytes, bytes.count) == 1 else {
      throw CryptoError("EVP_DigestUpdate")
    }
  }

  /// The digest of all pieces; 32 bytes.
  public consuming func finish() throws(CryptoError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: Digest.sha256Size)
    guard EVP_DigestFinal_ex(context, &result, nil) == 1 else {
      throw CryptoError("EVP_DigestFinal_ex")
    }
    return result
  }
}
