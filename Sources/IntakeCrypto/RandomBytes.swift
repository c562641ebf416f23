import CCrypto

/// Bytes that nobody can guess.
public enum RandomBytes {
  /// Draws bytes from libcrypto's generator, which the kernel seeds; at most 64 KiB.
  public static func make(_ count: Int) throws(CryptoError) -> [UInt8] {
    guard (0...65_536).contains(count) else { throw CryptoError("RAND_bytes: \(count) bytes") }
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw CryptoError("RAND_bytes") }
    return bytes
  }
}
