/// The frame of a line: `{"v":1,"n":12,"s":12,"t":"intent",…,"c":"5d41402a"}` and a newline.
///
/// - `v` version of the format; `n` number of the line, consecutive from 0;
/// - `s` how many lines were known to be on disk when this one was written: what tells lines that a power cut
///   may have lost from lines that were promised to be there;
/// - `t` kind; the fields of the kind; and last
/// - `c` CRC-32, eight hexadecimal digits, of the eight digits of the line before (`00000000` for the first)
///   followed by this line's bytes up to the comma before `"c"`.
enum LineFormat {
  /// The version that is written and read.
  static let version = 1
  /// Most bytes of a line with its newline.
  static let limit = 4096
  /// Bytes of `,"c":"5d41402a"}`.
  static let checksumSize = 16
  /// Fewest bytes that frame alone takes.
  static let minimum = 40
  /// What every line begins with.
  static let prefix = Array("{\"v\":\(version),\"n\":".utf8)

  /// The checksum of a line that follows one with the checksum `previous`.
  static func checksum(_ bytes: [UInt8], _ body: Range<Int>, after previous: UInt32) -> UInt32 {
    CRC32.checksum(of: bytes, body, after: CRC32.checksum(ofDigits: previous))
  }

  /// Eight small hexadecimal digits.
  static func hex(_ value: UInt32) -> [UInt8] {
    (0..<8).map { digit(value, $0) }
  }

  /// One of the eight digits, counted from the left.
  static func digit(_ value: UInt32, _ position: Int) -> UInt8 {
    let digit = UInt8(truncatingIfNeeded: value >> UInt32(28 - 4 * position) & 15)
    return digit < 10 ? 0x30 + digit : 0x57 + digit
  }

  /// Whether `bytes[range]` are the eight digits of a checksum.
  static func matches(_ checksum: UInt32, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    range.count == 8
      && (0..<8).allSatisfy { bytes[range.lowerBound + $0] == digit(checksum, $0) }
  }
}

extension FieldName {
  static let version = FieldName("v")
  static let number = FieldName("n")
  static let synced = FieldName("s")
  static let kind = FieldName("t")
  static let checksum = FieldName("c")
  static let time = FieldName("at")
  static let key = FieldName("k")
  static let customer = FieldName("i")
  static let digest = FieldName("d")
  static let source = FieldName("src")
  static let attempt = FieldName("a")
  static let operation = FieldName("op")
  static let step = FieldName("f")
  static let part = FieldName("part")
  static let verdict = FieldName("r")
  static let stage = FieldName("stage")
  static let code = FieldName("code")
  static let column = FieldName("column")
  static let side = FieldName("side")
  static let http = FieldName("http")
  static let status = FieldName("status")
  static let type = FieldName("type")
  static let bytes = FieldName("bytes")
  static let milliseconds = FieldName("ms")
  static let row = FieldName("row")
  static let author = FieldName("by")
  static let tool = FieldName("tool")
  static let target = FieldName("target")
  static let shard = FieldName("shard")
  static let host = FieldName("host")
  static let process = FieldName("pid")
  static let keyProof = FieldName("key")
}
