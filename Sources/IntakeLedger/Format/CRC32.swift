/// CRC-32 (ISO-HDLC, the one of zlib and PNG), eight bytes a step.
package enum CRC32 {
  /// Eight tables of 256 entries: table k advances a byte that is followed by k zero bytes.
  private static let tables: [UInt32] = {
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

  /// The checksum of `bytes[range]` continued from the checksum of what came before (0 at the start).
  package static func checksum(
    of bytes: [UInt8], _ range: Range<Int>, after previous: UInt32 = 0
  ) -> UInt32 {
    let tables = tables
    var crc = ~previous
    var index = range.lowerBound
    while range.upperBound - index >= 8 {
      crc ^= word(bytes, index)
      let next = word(bytes, index + 4)
      crc =
        tables[0x700 + Int(crc & 0xFF)] ^ tables[0x600 + Int(crc >> 8 & 0xFF)]
        ^ tables[0x500 + Int(crc >> 16 & 0xFF)] ^ tables[0x400 + Int(crc >> 24)]
        ^ tables[0x300 + Int(next & 0xFF)] ^ tables[0x200 + Int(next >> 8 & 0xFF)]
        ^ tables[0x100 + Int(next >> 16 & 0xFF)] ^ tables[Int(next >> 24)]
      index += 8
    }
    while index < range.upperBound {
      crc = tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)] ^ (crc >> 8)
      index += 1
    }
    return ~crc
  }

  /// The checksum of the eight hexadecimal digits of a number.
  static func checksum(ofDigits value: UInt32) -> UInt32 {
    let tables = tables
    var crc = ~UInt32(0)
    for position in 0..<8 {
      crc = tables[Int((crc ^ UInt32(LineFormat.digit(value, position))) & 0xFF)] ^ (crc >> 8)
    }
    return ~crc
  }

  private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
    UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
      | UInt32(bytes[index + 3]) << 24
  }
}
