import CCrypto
public import IntakeCore
import Synchronization

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
    // A null key means "the key of before", so an empty one is handed over as one zero byte, to which HMAC pads
    // it anyway.
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

/// A key of 256 bits: it prints as `[secret]`.
public struct Secret256: Sendable, Equatable {
  /// Bytes of a key.
  public static let size = 32
  /// The 32 bytes; reading them is the one way out of the wrapper.
  public let bytes: [UInt8]

  /// Takes 32 bytes; nil for any other number.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == Secret256.size else { return nil }
    self.bytes = bytes
  }

  private init(drawn bytes: [UInt8]) { self.bytes = bytes }

  /// Draws a new key from libcrypto's generator, which the kernel seeds.
  public static func random() throws(CryptoError) -> Secret256 {
    var bytes = [UInt8](repeating: 0, count: size)
    guard RAND_bytes(&bytes, Int32(size)) == 1 else { throw CryptoError("RAND_bytes") }
    return Secret256(drawn: bytes)
  }
}

extension Secret256: Redacted {
  /// Always `[secret]`.
  public var description: String { "[secret]" }
}
