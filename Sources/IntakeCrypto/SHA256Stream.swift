import CCrypto

/// SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
public struct SHA256Stream: ~Copyable {
  private let context: OpaquePointer

  /// Starts a digest.
  public init() throws(CryptoError) {
    context = try SHA256Stream.started()
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

  private static func started() throws(CryptoError) -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { throw CryptoError("EVP_MD_CTX_new") }
    guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      EVP_MD_CTX_free(context)
      throw CryptoError("EVP_DigestInit_ex")
    }
    return context
  }
}
