/// Checksums that are quick and keep no secret; each can continue from that of the bytes before.
public enum Checksums {
  /// FNV-1a in 64 bits.
  @inlinable public static func fnv64(
    _ bytes: some Sequence<UInt8>, after previous: UInt64 = 0xCBF2_9CE4_8422_2325
  ) -> UInt64 {
    // Bytes that lie side by side, as those of nearly every text do, take a fifth of the time.
    let sideBySide = bytes.withContiguousStorageIfAvailable { bytes in
      bytes.reduce(previous) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
    return sideBySide ?? bytes.reduce(previous) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// FNV-1a in 64 bits of bytes that lie side by side.
  @inlinable public static func fnv64(
    _ bytes: Span<UInt8>, after previous: UInt64 = 0xCBF2_9CE4_8422_2325
  ) -> UInt64 {
    bytes.withUnsafeBufferPointer { fnv64($0, after: previous) }
  }
}
