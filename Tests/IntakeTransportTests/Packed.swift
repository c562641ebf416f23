import IntakeCore
import IntakeSystem

/// Packed answers (RFC 1950 to 1952), made by hand so that the tests need no library for it.
enum Packed {
  /// gzip around one stored block of at most 65,535 bytes.
  static func gzip(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return gzipHeader + stored(bytes) + littleEndian(Checksums.crc32(bytes))
      + littleEndian(UInt32(bytes.count))
  }

  /// What HTTP calls deflate: the zlib form around the same.
  static func deflate(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      low = (low + UInt32(byte)) % 65_521
      high = (high + low) % 65_521
    }
    return [0x78, 0x01] + stored(bytes) + littleEndian(high << 16 | low).reversed()
  }

  /// 0.4 MB that unpack to 64 MB of one letter, without an end.
  static let bomb: [UInt8] = {
    var bits = BitWriter(gzipHeader)
    // The last block, with fixed codes: the letter, then the longest match at distance 1 over and over.
    bits.put(code: 0b110, length: 3)
    bits.put(code: 0x30 + 0x61, length: 8)
    for _ in 0..<260_000 { bits.put(code: 0b1100_0101 << 5, length: 13) }
    return bits.bytes
  }()

  private static let gzipHeader: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let size = UInt16(bytes.count)
    return [1, UInt8(size & 0xFF), UInt8(size >> 8), UInt8(~size & 0xFF), UInt8(~size >> 8)] + bytes
  }

  private static func littleEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(value >> (8 * $0) & 0xFF) }
  }

  /// Fills bytes from their lowest bit.
  private struct BitWriter {
    private(set) var bytes: [UInt8]
    private var used = 8

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// A code of Huffman's, its highest bit first.
    mutating func put(code: Int, length: Int) {
      for place in (0..<length).reversed() {
        if used == 8 {
          bytes.append(0)
          used = 0
        }
        bytes[bytes.count - 1] |= UInt8((code >> place & 1) << used)
        used += 1
      }
    }
  }
}
