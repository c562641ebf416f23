package import IntakeCore
import IntakeSystem

/// Reads a ledger from its first byte, checks every line, and tells a torn end from damage.
///
/// A line that is not whole at the end of the file is what a crash or a power cut leaves; nobody was told
/// that it is on disk, so it can be cut. Everything else that is not as it was written is damage, and a damaged
/// ledger is not worked with: what it no longer says may be that a row was sent.
package struct LedgerScan {
  let file: any JournalFile
  private var reader: LineReader
  private var parser = LineParser()
  /// How far the file is good.
  private(set) var tip = LedgerTip()

  package init(_ file: any JournalFile) {
    self.file = file
    reader = LineReader(file)
  }

  /// Hands every good line on, with its offset.
  ///
  /// - Returns: the end of the good lines; less than the size of the file when the end is torn.
  /// - Throws: `JournalError` that names line and offset of the damage.
  package mutating func run(
    _ visit: (LedgerRecord, Int) throws(JournalError) -> Void
  ) throws(JournalError) -> LedgerTip {
    while let line = try nextLine() {
      guard line.isTerminated, let (record, checksum) = check(line) else {
        try examine(line)
        return tip
      }
      let offset = tip.end
      tip.advance(by: line.range.count + 1, checksum: checksum)
      try visit(record, offset)
    }
    return tip
  }

  /// What a line says, nil when anything about it is not as it was written.
  private mutating func check(_ line: LineReader.Line) -> (LedgerRecord, UInt32)? {
    let bytes = reader.buffer
    let range = line.range
    guard parser.parse(bytes, range), parser.number(.version, bytes) == LineFormat.version,
      parser.number(.number, bytes) == tip.count,
      let digits = parser.text(.checksum), digits == range.upperBound - 10..<range.upperBound - 2
    else { return nil }
    let body = range.lowerBound..<range.upperBound - LineFormat.checksumSize
    let checksum = LineFormat.checksum(bytes, body, after: tip.checksum)
    guard LineFormat.matches(checksum, bytes, digits), let record = LedgerRecord(parser, bytes)
    else { return nil }
    return (record, checksum)
  }

  private mutating func nextLine() throws(JournalError) -> LineReader.Line? {
    do throws(SystemCallFailure) {
      return try reader.next()
    } catch {
      throw JournalError(
        "ledger \(file.path) cannot be read (\(error)): check the disk and run again")
    }
  }
}

// What the first line that is not good means.
extension LedgerScan {
  /// Returns when everything from this line on was never promised to be on disk.
  private mutating func examine(_ first: LineReader.Line) throws(JournalError) {
    var line = first
    try refuseNewerVersion(line)
    let hole = reader.buffer[line.range].firstIndex(of: 0)
    guard beginsWell(line, upTo: hole), hole != nil || !line.isTerminated else {
      try LedgerKind.check(file)
      throw damage(first)
    }
    // Lines that were written after the hole without anybody waiting for them may be lost with it. But one
    // that knew this line to be on disk proves that it was, and that the disk has lost it since.
    while let next = try nextLine() {
      line = next
      if let synced = synced(line), synced > tip.count { throw damage(first) }
    }
  }

  /// Whether the bytes before the hole, or before the end, are the beginning of the line that belongs here.
  private func beginsWell(_ line: LineReader.Line, upTo hole: Int?) -> Bool {
    let bytes = reader.buffer[line.range.lowerBound..<(hole ?? line.range.upperBound)]
    let expected = LineFormat.prefix + Array("\(tip.count),\"s\":".utf8)
    guard bytes.count < LineFormat.limit, zip(bytes, expected).allSatisfy(==) else { return false }
    // A brace closes a line: bytes behind it are not those of a line that was cut short.
    return bytes.dropLast().allSatisfy { $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "\n") }
  }

  /// How many lines a line behind the hole knew to be on disk; it is not checked, for its predecessor is lost.
  private func synced(_ line: LineReader.Line) -> Int? {
    var rest = reader.buffer[line.range].drop { $0 == 0 }
    guard rest.starts(with: LineFormat.prefix) else { return nil }
    rest = rest.dropFirst(LineFormat.prefix.count).drop { (0x30...0x39).contains($0) }
    let name = Array(",\"s\":".utf8)
    guard rest.starts(with: name) else { return nil }
    let digits = rest.dropFirst(name.count).prefix { (0x30...0x39).contains($0) }
    return Int(String(decoding: digits, as: UTF8.self))
  }

  private func refuseNewerVersion(_ line: LineReader.Line) throws(JournalError) {
    let start = Array("{\"v\":".utf8)
    let bytes = reader.buffer[line.range]
    guard bytes.starts(with: start) else { return }
    let digits = bytes.dropFirst(start.count).prefix { (0x30...0x39).contains($0) }
    guard let version = Int(String(decoding: digits.prefix(9), as: UTF8.self)),
      version > LineFormat.version, bytes.dropFirst(start.count + digits.count).first == 0x2C
    else { return }
    throw JournalError(
      "ledger \(file.path), line \(tip.count + 1) (byte \(tip.end)) has format version \(version), and this "
        + "program reads version \(LineFormat.version): use the version of the program that wrote it",
      line: tip.count + 1)
  }

  private func damage(_ line: LineReader.Line) -> JournalError {
    JournalError(
      "ledger \(file.path) is damaged at line \(tip.count + 1) (byte \(line.offset)): it was changed after "
        + "it had been written; nothing was sent. Restore it from a backup", line: tip.count + 1)
  }
}
