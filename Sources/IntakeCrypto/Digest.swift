import CCrypto
public import IntakeCore
import Synchronization

/// The library that digests and signs, for `--version`.
public enum CryptoLibrary {
  /// The version that is loaded, such as `3.0.17`; a security update changes it without a new build.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}

/// A failure inside libcrypto: no memory, or a provider that does not offer the algorithm.
public struct CryptoError: PrintableError, Equatable {
  /// What failed.
  public let description: String

  init(_ call: String) {
    description = "libcrypto failed in \(call); check the installation of OpenSSL 3"
  }

  /// Throws where a call did not succeed, which libcrypto says with a 1.
  static func check(_ result: Int32, _ call: String) throws(CryptoError) {
    guard result == 1 else { throw CryptoError(call) }
  }

  /// What a call made; throws where it made nothing.
  static func check(_ made: OpaquePointer?, _ call: String) throws(CryptoError) -> OpaquePointer {
    guard let made else { throw CryptoError(call) }
    return made
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
}

/// HMAC-SHA256 (RFC 2104) under one key, which is set up once: that takes longer than a short message does.
public final class MessageAuthentication: Sendable {
  private let context: Mutex<OpaquePointer>

  /// Takes a key of any length.
  public init(key: [UInt8]) throws(CryptoError) {
    guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil) else {
      throw CryptoError("EVP_MAC_fetch")
    }
    let new = EVP_MAC_CTX_new(algorithm)
    EVP_MAC_free(algorithm)
    guard let new else { throw CryptoError("EVP_MAC_CTX_new") }
    // A null key means "the key from before", so an empty key is passed as one zero byte: HMAC pads it with zeros anyway.
    let padded = key.isEmpty ? [0] : key
    var digest = Array("SHA256".utf8CString)
    let isKeyed = digest.withUnsafeMutableBufferPointer { digest in
      let parameters = [
        OSSL_PARAM_construct_utf8_string("digest", digest.baseAddress, 0),
        OSSL_PARAM_construct_end(),
      ]
      return EVP_MAC_init(new, padded, padded.count, parameters) == 1
    }
    guard isKeyed else {
      EVP_MAC_CTX_free(new)
      throw CryptoError("EVP_MAC_init")
    }
    context = Mutex(new)
  }

  deinit { context.withLock { EVP_MAC_CTX_free($0) } }

  /// The code of a message; 32 bytes.
  public func code(of message: [UInt8]) throws(CryptoError) -> [UInt8] {
    let result = context.withLock { context in
      [UInt8](unsafeUninitializedCapacity: Digest.sha256Size) { result, count in
        let isMade =
          EVP_MAC_init(context, nil, 0, nil) == 1
          && EVP_MAC_update(context, message, message.count) == 1
          && EVP_MAC_final(context, result.baseAddress, nil, result.count) == 1
        count = isMade ? Digest.sha256Size : 0
      }
    }
    guard !result.isEmpty else { throw CryptoError("EVP_MAC") }
    return result
  }
}

/// SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
public struct SHA256Stream: ~Copyable {
  private let context: OpaquePointer

  /// Starts a digest.
  public init() throws(CryptoError) {
    let context = try CryptoError.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
    guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      EVP_MD_CTX_free(context)
      throw CryptoError("EVP_DigestInit_ex")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Takes the next piece.
  public mutating func update(_ bytes: [UInt8]) throws(CryptoError) {
    try CryptoError.check(EVP_DigestUpdate(context, bytes, bytes.count), "EVP_DigestUpdate")
  }

  /// The digest of all pieces; 32 bytes.
  public consuming func finish() throws(CryptoError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: Digest.sha256Size)
    try CryptoError.check(EVP_DigestFinal_ex(context, &result, nil), "EVP_DigestFinal_ex")
    return result
  }
}

extension Secret {
  /// Draws a new key from libcrypto's generator, which the kernel seeds.
  public static func random(bytes count: Int) throws(CryptoError) -> Secret {
    var bytes = [UInt8](repeating: 0, count: count)
    try CryptoError.check(RAND_bytes(&bytes, Int32(clamping: count)), "RAND_bytes")
    return Secret(bytes)
  }
}
