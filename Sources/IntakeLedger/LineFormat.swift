import IntakeCore
import IntakeSystem

/// The frame of a line: `{"v":2,"n":12,"s":12,"t":"intent",…,"at":"…","c":"5d41402a"}` and a newline.
///
/// - `v` version of the format, which may rise within a file that a newer program continues; `n` number of the
///   line, consecutive from 0;
/// - `s` how many lines were known to be on disk when this one was written: it tells lines that a power cut may
///   have lost from lines that were promised to be there;
/// - `t` kind; the fields of the kind, which `LedgerFields` lists; `at` when it was written; and last
/// - `c` CRC-32, eight hexadecimal digits, of the eight digits of the line before (`00000000` for the first)
///   followed by this line's bytes up to the comma before `"c"`.
enum LineFormat {
  /// The version that is written.
  static let version = 2
  /// The versions that are read.
  ///
  /// In the first a row goes by what the loader tells rows apart by, in the second by what the target knows the
  /// customer by.
  static let versions = 1...version
  /// Most bytes of a line with its newline.
  static let limit = 4096
  /// The size of `,"c":"5d41402a"}`.
  static let checksumSize = 16
  /// What every line of a version begins with.
  static func prefix(_ version: Int = version) -> [UInt8] { Array("{\"v\":\(version),\"n\":".utf8) }

  /// The checksum of a line that follows one with the checksum `previous`.
  static func checksum(_ body: Span<UInt8>, after previous: UInt32) -> UInt32 {
    let digits = digits(of: previous)
    return Checksums.crc32(body, after: Checksums.crc32(digits.span))
  }

  /// Eight lower-case hexadecimal digits.
  static func digits(of checksum: UInt32) -> [8 of UInt8] {
    [8 of UInt8] { Hex.digit(UInt8(truncatingIfNeeded: checksum >> UInt32(28 - 4 * $0))) }
  }

  /// Whether `line[range]` are the eight digits of a checksum.
  static func matches(_ checksum: UInt32, _ line: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let digits = digits(of: checksum)
    guard range.count == 8 else { return false }
    for index in 0..<8 where line[range.lowerBound + index] != digits[index] { return false }
    return true
  }
}

/// The name of a field: one to eight small letters, packed into a number for comparison.
struct FieldName: Sendable, Hashable {
  let packed: UInt64

  init(_ text: StaticString) {
    packed = text.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt64($1) } }
  }

  init(_ letters: Span<UInt8>) {
    var packed: UInt64 = 0
    for index in letters.indices { packed = packed << 8 | UInt64(letters[index]) }
    self.packed = packed
  }

  init(packed: UInt64) { self.packed = packed }
}

/// Splits a line of a ledger into its fields: one flat JSON object of words and whole numbers.
///
/// It reads what `LedgerRecord` writes and no other JSON; a program that adds fields within the same version keeps
/// to that. The list of fields is reused, so a line costs no allocation.
struct LineParser {
  /// A field as it stands in the line.
  struct Field {
    let name: FieldName
    let value: Range<Int>
    let isText: Bool

    /// The number that the digits make.
    func number(_ line: Span<UInt8>) -> Int {
      var number = 0
      for index in value { number = number * 10 + Int(line[index] & 15) }
      return number
    }
  }

  private var found: [Field] = []
  /// One reference to the tables: each static one would cost a check of its initialisation whenever it is read.
  let tables = Tables.shared
  private let allowed = Tables.shared.allowed

  init() { found.reserveCapacity(24) }

  /// Reads a line without its newline; false when it isn't a line of a ledger.
  mutating func parse(_ line: Span<UInt8>) -> Bool {
    found.removeAll(keepingCapacity: true)
    guard 1..<LineFormat.limit ~= line.count, line[0] == UInt8(ascii: "{") else {
      return false
    }
    var index = 1
    while index < line.count {
      guard let end = parseField(line, index), end < line.count else { return false }
      if line[end] == UInt8(ascii: "}") { return end + 1 == line.count }
      guard line[end] == UInt8(ascii: ",") else { return false }
      index = end + 1
    }
    return false
  }

  /// Reads `"name":value`; where it ends, nil when it isn't one.
  private mutating func parseField(_ line: Span<UInt8>, _ start: Int) -> Int? {
    guard line.count - start >= 5, line[start] == UInt8(ascii: "\"") else { return nil }
    var name: UInt64 = 0
    var index = start + 1
    while index < line.count, line[index].isASCIILowercase, index - start <= 8 {
      name = name << 8 | UInt64(line[index])
      index += 1
    }
    guard name != 0, line.count - index >= 3, line[index] == UInt8(ascii: "\""),
      line[index + 1] == UInt8(ascii: ":")
    else { return nil }
    return parseValue(line, index + 2, FieldName(packed: name))
  }

  private mutating func parseValue(
    _ line: Span<UInt8>, _ start: Int, _ name: FieldName
  ) -> Int? {
    let isText = line[start] == UInt8(ascii: "\"")
    let first = isText ? start + 1 : start
    var index = first
    if isText {
      while index < line.count, allowed.contains(line[index]) { index += 1 }
      guard index < line.count, line[index] == UInt8(ascii: "\"") else { return nil }
    } else {
      while index < line.count, line[index].isASCIIDigit, index - first < 18 { index += 1 }
      guard index > first else { return nil }
    }
    found.append(Field(name: name, value: first..<index, isText: isText))
    return isText ? index + 1 : index
  }

  /// The first field of a name.
  func first(_ name: FieldName) -> Field? {
    for index in found.indices where found[index].name == name { return found[index] }
    return nil
  }

  /// Where the text of a field stands, nil when there is no such field or it is a number.
  func text(_ name: FieldName) -> Range<Int>? { first(name).flatMap { $0.isText ? $0.value : nil } }

  /// The text of a field, nil when there is no such field or it is a number.
  func word(_ name: FieldName, _ line: Span<UInt8>) -> String? {
    text(name).map { String(ascii: line.extracting($0)) }
  }

  /// The number of a field, nil when there is no such field or it is a text.
  func number(_ name: FieldName, _ line: Span<UInt8>) -> Int? {
    first(name).flatMap { $0.isText ? nil : $0.number(line) }
  }

  /// The fingerprint in a field, nil when there is no such field or it is something else.
  func fingerprint(_ name: FieldName, _ line: Span<UInt8>) -> Fingerprint? {
    guard let range = text(name) else { return nil }
    return Fingerprint(line.extracting(range), tables)
  }

  /// When the line was written.
  func time(_ line: Span<UInt8>) -> UTCTime? {
    text(fields.time).flatMap { UTCTime(rfc3339: line.extracting($0)) }
  }

  /// Where the layout of the line is in the table; nil for an unknown kind, and where a field that it needs is missing.
  func layout(_ line: Span<UInt8>) -> Int? {
    guard let range = text(fields.kind) else { return nil }
    let word = FieldName(line.extracting(range))
    for index in tables.layouts.indices where tables.layouts[index].word == word {
      return tables.layouts[index].fits(self, line) ? index : nil
    }
    return nil
  }
}

/// Some of the 128 bytes of ASCII, in two numbers: a table of 256 would be copied for each line.
private struct ByteSet {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init(where isMember: (UInt8) -> Bool) {
    for bit in UInt8(0)..<64 {
      if isMember(bit) { low |= 1 << UInt64(bit) }
      if isMember(bit + 64) { high |= 1 << UInt64(bit) }
    }
  }

  func contains(_ byte: UInt8) -> Bool {
    byte < 128 && (byte < 64 ? low : high) >> UInt64(byte & 63) & 1 == 1
  }
}

extension LineParser {
  /// What a parser looks up; mostly plain numbers, because threads that count references to the same arrays keep
  /// each other waiting.
  final class Tables: Sendable {
    static let shared = Tables()
    let fields = LedgerFields.all
    let layouts = LineLayout.all
    /// Which bytes may stand in a word.
    fileprivate let allowed = ByteSet(where: LedgerWord.allows)
    /// What the letters of a fingerprint stand for.
    let letters = [256 of UInt8] { Base64Text.urlSafeValues[$0] }
  }

  var fields: LedgerFields { tables.fields }
}

/// The only text in a ledger line: characters that need no escape in JSON, and neither space nor `@`.
///
/// So a line can be read without unescaping. And no single flipped bit turns one of these characters into NUL,
/// so NUL always means a block that was never written.
enum LedgerWord {
  /// Most characters of a text that comes from outside.
  static let limit = 64

  /// The text with every other byte as `%XX`, so that different texts stay different; cut to `limit` bytes.
  static func encoded(_ text: String, limit: Int = LedgerWord.limit) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      let isKept = allows(byte) && byte != UInt8(ascii: "%")
      let piece = isKept ? [byte] : PercentText.escape(byte)
      guard result.count + piece.count <= limit else { break }
      result += piece
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// A server's word such as `PASS`, or `other` for anything but a short plain word.
  ///
  /// A server could echo an e-mail address where a status belongs; that must not reach the disk.
  static func plain(_ text: String) -> String { text.isPlain(1...32, or: "-_") ? text : "other" }

  /// Whether a byte may stand in a word: letters, digits and `%+,-./:=_~`.
  static func allows(_ byte: UInt8) -> Bool {
    byte.isASCIIAlphanumeric || "%+,-./:=_~".utf8.contains(byte)
  }
}
