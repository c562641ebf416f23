import CCrypto
public import IntakeCore

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
