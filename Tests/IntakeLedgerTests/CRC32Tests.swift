import IntakeLedger
import Testing

struct CRC32Tests {
  /// The check value of the catalogue of CRCs, and values that zlib gives.
  @Test(
    arguments: [
      ("", 0), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926),
      ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
    ] as [(String, UInt32)])
  func checksumsAreTheKnownOnes(text: String, checksum: UInt32) {
    let bytes = Array(text.utf8)
    #expect(CRC32.checksum(of: bytes, 0..<bytes.count) == checksum)
  }

  @Test func piecesGiveTheChecksumOfTheWhole() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let whole = CRC32.checksum(of: bytes, 0..<1000)
    for cut in [0, 1, 7, 8, 9, 500, 1000] {
      let first = CRC32.checksum(of: bytes, 0..<cut)
      #expect(CRC32.checksum(of: bytes, cut..<1000, after: first) == whole)
    }
  }
}
