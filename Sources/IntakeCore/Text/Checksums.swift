/// Checksums that are quick and keep no secret; each continues from the one of what came before.
public enum Checksums {
  // MARK: CRC-32

  /// CRC-32 (ISO-HDLC, the one of zlib and PNG), eight bytes a step; 0 is the checksum of nothing.
  public static func crc32(_ bytes: Span<UInt8>, after previous: UInt32 = 0) -> UInt32 {
    crcTables.withUnsafeBufferPointer { tables in
      bytes.withUnsafeBytes { bytes in
        var crc = ~previous
        var index = 0
        while bytes.count - index >= 8 {
          let word = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
          let (low, high) = (crc ^ UInt32(truncatingIfNeeded: word), UInt32(word >> 32))
          crc =
            tables[0x700 + Int(low & 0xFF)] ^ tables[0x600 + Int(low >> 8 & 0xFF)]
            ^ tables[0x500 + Int(low >> 16 & 0xFF)] ^ tables[0x400 + Int(low >> 24)]
            ^ tables[0x300 + Int(high & 0xFF)] ^ tables[0x200 + Int(high >> 8 & 0xFF)]
            ^ tables[0x100 + Int(high >> 16 & 0xFF)] ^ tables[Int(high >> 24)]
          index += 8
        }
        while index < bytes.count {
          crc = tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)] ^ (crc >> 8)
          index += 1
        }
        return ~crc
      }
    }
  }

  /// CRC-32 of a whole array.
  public static func crc32(_ bytes: [UInt8], after previous: UInt32 = 0) -> UInt32 {
    crc32(bytes.span, after: previous)
  }

  /// Eight tables of 256 entries: table k advances a byte that is followed by k zero bytes.
  private static let crcTables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      tables[byte] = (0..<8).reduce(UInt32(byte)) { value, _ in
        value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
      }
    }
    for index in 256..<tables.count {
      let before = tables[index - 256]
      tables[index] = tables[Int(before & 0xFF)] ^ (before >> 8)
    }
    return tables
  }()

  // MARK: FNV-1a

  /// The FNV-1a hash of nothing, 32 bits.
  public static let fnv32Start: UInt32 = 0x811C_9DC5

  /// FNV-1a in 32 bits.
  @inlinable public static func fnv32(
    _ bytes: some Sequence<UInt8>, after previous: UInt32 = fnv32Start
  ) -> UInt32 {
    var hash = previous
    for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return hash
  }

  /// FNV-1a in 32 bits of bytes that lie side by side.
  @inlinable public static func fnv32(
    _ bytes: Span<UInt8>, after previous: UInt32 = fnv32Start
  ) -> UInt32 {
    bytes.withUnsafeBufferPointer { fnv32($0, after: previous) }
  }

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
  @inlinable public static func fnv64(_ bytes: Span<UInt8>) -> UInt64 {
    bytes.withUnsafeBufferPointer { fnv64($0) }
  }
}
