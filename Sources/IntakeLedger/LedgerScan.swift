package import IntakeCore
import IntakeSystem

/// Where the next line goes and what it is chained to.
package struct LedgerTip: Sendable, Equatable {
  /// Lines so far: the number of the next one.
  package private(set) var count = 0
  /// The checksum of the last line.
  package private(set) var checksum: UInt32 = 0
  /// Bytes so far.
  package private(set) var end = 0

  package init() {}

  mutating func advance(by size: Int, checksum: UInt32) {
    count += 1
    end += size
    self.checksum = checksum
  }
}

/// Reads a ledger from its first byte, checks every line, and distinguishes a torn end from damage.
///
/// A line that isn't whole at the end of the file is what a crash or a power cut leaves; nobody was promised
/// that it is on disk, so it can be cut. Everything else that isn't as it was written is damage, and a damaged
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

  /// What a line says, nil when anything about it isn't as it was written.
  private mutating func check(_ line: LineReader.Line) -> (LedgerRecord, UInt32)? {
    let bytes = reader.buffer
    let range = line.range
    guard parser.parse(bytes, range), let version = parser.number(.version, bytes),
      LineFormat.versions.contains(version),
      parser.number(.number, bytes) == tip.count,
      let digits = parser.text(.checksum), digits == range.upperBound - 10..<range.upperBound - 2
    else { return nil }
    let body = range.lowerBound..<range.upperBound - LineFormat.checksumSize
    let checksum = LineFormat.checksum(bytes.span.extracting(body), after: tip.checksum)
    guard LineFormat.matches(checksum, bytes, digits), let record = LedgerRecord(parser, bytes)
    else { return nil }
    return (record, checksum)
  }

  private mutating func nextLine() throws(JournalError) -> LineReader.Line? {
    try JournalError.explaining("ledger \(file.path) cannot be read", try reader.next())
  }
}

// What the first line that isn't good means.
extension LedgerScan {
  /// Returns when everything from this line on was never promised to be on disk.
  private mutating func examine(_ first: LineReader.Line) throws(JournalError) {
    try refuseNewerVersion(first)
    let hole = reader.buffer[first.range].firstIndex(of: 0)
    guard beginsWell(first, upTo: hole), hole != nil || !first.isTerminated else {
      try LedgerFile.checkKind(of: file)
      throw damage(first)
    }
    // Lines that were written after the hole without anybody waiting for them may be lost with it. But one
    // that knew this line to be on disk proves that it was, and that the disk has lost it since.
    while let line = try nextLine() {
      if let synced = synced(line), synced > tip.count { throw damage(first) }
    }
  }

  /// Whether the bytes before the hole, or before the end, are the beginning of the line that belongs here.
  private func beginsWell(_ line: LineReader.Line, upTo hole: Int?) -> Bool {
    let bytes = reader.buffer[line.range.lowerBound..<(hole ?? line.range.upperBound)]
    let isBeginning = LineFormat.versions.contains {
      zip(bytes, LineFormat.prefix($0) + Array("\(tip.count),\"s\":".utf8)).allSatisfy(==)
    }
    guard bytes.count < LineFormat.limit, isBeginning else { return false }
    // A brace closes a line: bytes behind it are not those of a line that was cut short.
    return bytes.dropLast().allSatisfy { $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "\n") }
  }

  /// How many lines a line behind the hole knew to be on disk; it isn't checked, because its predecessor is lost.
  private func synced(_ line: LineReader.Line) -> Int? {
    let rest = reader.buffer[line.range].drop { $0 == 0 }
    for version in LineFormat.versions {
      guard let (_, behind) = number(in: rest, after: LineFormat.prefix(version)) else { continue }
      return number(in: behind, after: Array(",\"s\":".utf8))?.value
    }
    return nil
  }

  private func refuseNewerVersion(_ line: LineReader.Line) throws(JournalError) {
    let start = Array("{\"v\":".utf8)
    guard let (version, rest) = number(in: reader.buffer[line.range], after: start),
      version > LineFormat.version, rest.first == UInt8(ascii: ",")
    else { return }
    throw JournalError(
      "ledger \(file.path), line \(tip.count + 1) (byte \(tip.end)) has format version \(version), and this "
        + "program reads versions up to \(LineFormat.version): use the version of the program that wrote it",
      line: tip.count + 1)
  }

  /// The number of up to 18 digits that follows a beginning, and what stands behind it.
  private func number(
    in bytes: ArraySlice<UInt8>, after beginning: [UInt8]
  ) -> (value: Int, rest: ArraySlice<UInt8>)? {
    guard bytes.starts(with: beginning) else { return nil }
    let digits = bytes.dropFirst(beginning.count).prefix(18).prefix { $0.isASCIIDigit }
    guard !digits.isEmpty else { return nil }
    return (digits.reduce(0) { $0 * 10 + Int($1 & 15) }, bytes[digits.endIndex...])
  }

  private func damage(_ line: LineReader.Line) -> JournalError {
    JournalError(
      "ledger \(file.path) is damaged at line \(tip.count + 1) (byte \(line.offset)): it was changed after "
        + "it had been written; nothing was sent. Restore it from a backup", line: tip.count + 1)
  }
}

/// Reads a file line by line, a megabyte at a time.
struct LineReader {
  /// A line, or what stands where one should.
  struct Line {
    /// Where its bytes are in `buffer`, without the newline.
    let range: Range<Int>
    /// Where it begins in the file.
    let offset: Int
    /// Whether a newline ends it; if not it is the rest of the file, or a piece of an overlong line.
    let isTerminated: Bool
  }

  private let file: any JournalFile
  private(set) var buffer: [UInt8] = []
  private var position = 0
  /// Where `buffer` begins in the file.
  private var base = 0
  private var isAtEnd = false

  static let chunk = 1 << 20

  init(_ file: any JournalFile) { self.file = file }

  /// The next line, nil at the end of the file.
  mutating func next() throws(SystemCallFailure) -> Line? {
    while true {
      if let newline = newline() {
        defer { position = newline + 1 }
        return Line(range: position..<newline, offset: base + position, isTerminated: true)
      }
      let rest = buffer.count - position
      if isAtEnd || rest > LineReader.chunk {
        guard rest > 0 else { return nil }
        defer { position = buffer.count }
        return Line(
          range: position..<buffer.count, offset: base + position, isTerminated: false)
      }
      try refill()
    }
  }

  private func newline() -> Int? {
    buffer.withUnsafeBufferPointer { bytes in
      bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
    }
  }

  private mutating func refill() throws(SystemCallFailure) {
    let rest = Array(buffer[position...])
    let chunk = try file.read(at: base + buffer.count, count: LineReader.chunk)
    base += position
    position = 0
    isAtEnd = chunk.count < LineReader.chunk
    buffer = rest.isEmpty ? chunk : rest + chunk
  }
}
