import Dispatch
package import IntakeCore
import IntakeSystem
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the next line goes and what it is chained to.
package struct LedgerTip: Sendable, Equatable {
  /// Lines so far: the number of the next one.
  package private(set) var count = 0
  /// The checksum of the last line.
  package private(set) var checksum: UInt32 = 0
  /// Bytes so far.
  package private(set) var end = 0

  package init() {}

  /// The tip after a line that ends there, by what the line says of itself; nil when it is no line.
  init?(after line: Span<UInt8>, endingAt end: Int) {
    var parser = LineParser()
    guard parser.parse(line), let number = parser.number(parser.fields.number, line),
      let digits = parser.word(parser.fields.checksum, line),
      let checksum = UInt32(digits, radix: 16)
    else { return nil }
    (count, self.checksum, self.end) = (number + 1, checksum, end)
  }

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
/// ledger is refused: what it no longer says may be that a row was sent.
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

  private init(_ file: any JournalFile, between tip: LedgerTip, and end: LedgerTip) {
    self.file = file
    self.tip = tip
    reader = LineReader(file, from: tip.end, upTo: end.end)
  }

  /// Hands every good line on, with its offset.
  ///
  /// - Returns: the end of the good lines; less than the size of the file when the end is torn.
  /// - Throws: `JournalError` that names line and offset of the damage.
  package mutating func run(
    _ visit: (LedgerRecord, Int) throws(JournalError) -> Void
  ) throws(JournalError) -> LedgerTip {
    try run(reading: LedgerRecord.self, visit)
  }

  /// The same, reading only as much of each line as `Line` needs.
  mutating func run<Line: LedgerLine>(
    reading: Line.Type, _ visit: (Line, Int) throws(JournalError) -> Void
  ) throws(JournalError) -> LedgerTip {
    try runSideBySide(visit)
    while let line = try nextLine() {
      guard let taken: Taken<Line> = take(line) else {
        try examine(line)
        return tip
      }
      try visit(taken.line, taken.offset)
    }
    return tip
  }

  private typealias Taken<Line> = (line: Line, offset: Int)

  /// What a line says and where it begins; nil when anything about it isn't as it was written.
  private mutating func take<Line: LedgerLine>(_ line: LineReader.Line) -> Taken<Line>? {
    let buffer = reader.buffer
    let bytes = buffer.span.extracting(line.range)
    guard line.isTerminated, parser.parse(bytes),
      let version = parser.number(parser.fields.version, bytes),
      LineFormat.versions.contains(version),
      parser.number(parser.fields.number, bytes) == tip.count,
      let digits = parser.text(parser.fields.checksum),
      digits == bytes.count - 10..<bytes.count - 2
    else { return nil }
    let body = bytes.extracting(0..<bytes.count - LineFormat.checksumSize)
    let checksum = LineFormat.checksum(body, after: tip.checksum)
    guard LineFormat.matches(checksum, bytes, digits), let taken = Line(parser, bytes) else {
      return nil
    }
    let offset = tip.end
    tip.advance(by: bytes.count + 1, checksum: checksum)
    return (taken, offset)
  }

  private mutating func nextLine() throws(JournalError) -> LineReader.Line? {
    try JournalError.explaining("ledger \(file.path) cannot be read", try reader.next())
  }
}

// A large ledger is checked by all processors: each line names its number and its predecessor's checksum stands in
// the file, so a part can be checked by itself when it begins where the part before it was found to end.
extension LedgerScan {
  /// Bytes of a part: some 900 lines, which outweigh handing it to a thread and stay in its cache.
  private static let partSize = 1 << 18

  /// Hands on the lines of whole parts, in order, up to the first part that isn't good or near the end of the file.
  ///
  /// While the lines of one part are handed on, those of the next ones are checked.
  private mutating func runSideBySide<Line: LedgerLine>(
    _ visit: (Line, Int) throws(JournalError) -> Void
  ) throws(JournalError) {
    let threads = min(ProcessorCount.usable, 8)
    guard threads > 1, let size = try? file.size(),
      size - tip.end > 2 * threads * LedgerScan.partSize
    else { return }
    var ahead: [Part<Line>] = []
    defer {
      for part in ahead { part.wait() }
      reader = LineReader(file, from: tip.end)
    }
    while true {
      while ahead.count < 2 * threads {
        let start = ahead.last?.end ?? tip
        guard let end = self.end(ofPartFrom: start, in: size) else { break }
        ahead.append(Part(of: file, between: start, and: end))
      }
      guard let part = ahead.first else { return }
      part.wait()
      guard let lines = part.lines else { return }
      for (line, offset) in lines { try visit(line, offset) }
      tip = part.end
      ahead.removeFirst()
    }
  }

  /// The end of the first line that ends a part's size behind `start`; nil near the end of the file.
  private func end(ofPartFrom start: LedgerTip, in size: Int) -> LedgerTip? {
    let middle = start.end + LedgerScan.partSize
    let from = middle - LineFormat.limit
    guard middle + LineFormat.limit < size,
      let bytes = try? file.read(at: from, count: 2 * LineFormat.limit)
    else { return nil }
    let newline = UInt8(ascii: "\n")
    guard bytes.count > LineFormat.limit,
      let end = bytes[LineFormat.limit...].firstIndex(of: newline),
      let before = bytes[..<end].lastIndex(of: newline)
    else { return nil }
    return LedgerTip(after: bytes.span.extracting(before + 1..<end), endingAt: from + end + 1)
  }

  /// The lines between the ends of two lines, checked by a thread.
  private final class Part<Line: LedgerLine>: Sendable {
    let end: LedgerTip
    private let found = Mutex<[Taken<Line>]?>(nil)
    private let work = DispatchGroup()

    init(of file: any JournalFile, between start: LedgerTip, and end: LedgerTip) {
      self.end = end
      DispatchQueue.global().async(group: work) { [self] in
        var scan = LedgerScan(file, between: start, and: end)
        var lines: [Taken<Line>] = []
        lines.reserveCapacity(partSize / 256)
        while let line = try? scan.reader.next() {
          guard let taken: Taken<Line> = scan.take(line) else { return }
          lines.append(taken)
        }
        if scan.tip == end { found.withLock { [lines] in $0 = lines } }
      }
    }

    func wait() { work.wait() }

    /// In order; nil when one of them isn't good.
    var lines: [Taken<Line>]? { found.withLock(\.self) }
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
      throw damage
    }
    // Lines behind the hole that nobody waited for may be lost with it. But one that knew this line to be on disk
    // proves that it was, and that the disk has lost it since.
    while let line = try nextLine() {
      if let synced = synced(line), synced > tip.count { throw damage }
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
    let numbers = numbers(reader.buffer[line.range].drop { $0 == 0 })
    return numbers.count == 3 && LineFormat.versions.contains(numbers[0]) ? numbers[2] : nil
  }

  private func refuseNewerVersion(_ line: LineReader.Line) throws(JournalError) {
    let bytes = reader.buffer[line.range]
    guard let version = numbers(bytes).first, version > LineFormat.version,
      bytes.starts(with: "{\"v\":\(version),".utf8)
    else { return }
    throw JournalError(
      "ledger \(file.path), line \(tip.count + 1) (byte \(tip.end)) has format version \(version), and this "
        + "program reads versions up to \(LineFormat.version): use the version of the program that wrote it",
      line: tip.count + 1)
  }

  /// The numbers that a line begins with, as far as they are there: version, line, lines known to be on disk.
  private func numbers(_ line: ArraySlice<UInt8>) -> [Int] {
    var (rest, numbers) = (line, [Int]())
    for name in ["{\"v\":", ",\"n\":", ",\"s\":"] {
      let digits = rest.dropFirst(name.utf8.count).prefix(18).prefix { $0.isASCIIDigit }
      guard rest.starts(with: name.utf8), !digits.isEmpty else { break }
      numbers.append(digits.reduce(0) { $0 * 10 + Int($1 & 15) })
      rest = rest[digits.endIndex...]
    }
    return numbers
  }

  private var damage: JournalError {
    JournalError(
      "ledger \(file.path) is damaged at line \(tip.count + 1) (byte \(tip.end)): it was changed after "
        + "it had been written; nothing was sent. Restore it from a backup", line: tip.count + 1)
  }
}

/// Reads a file line by line, 64 KB at a time: the allocator would get larger pieces from the system each time.
struct LineReader {
  /// A line, or what stands where one should.
  struct Line {
    /// Where its bytes are in `buffer`, without the newline.
    let range: Range<Int>
    /// Whether a newline ends it; if not it is the rest of the file, or a piece of an overlong line.
    let isTerminated: Bool
  }

  private let file: any JournalFile
  private(set) var buffer: [UInt8] = []
  private var position = 0
  /// Where `buffer` begins in the file.
  private var base: Int
  private let end: Int
  private var isAtEnd = false

  static let chunk = 1 << 16

  /// Reads the lines of a file, or those that stand between two offsets.
  init(_ file: any JournalFile, from offset: Int = 0, upTo end: Int = .max) {
    self.file = file
    base = offset
    self.end = end
  }

  /// The next line, nil at the end of the file.
  mutating func next() throws(SystemCallFailure) -> Line? {
    while true {
      if let newline = LineReader.newline(in: buffer, from: position) {
        defer { position = newline + 1 }
        return Line(range: position..<newline, isTerminated: true)
      }
      let rest = buffer.count - position
      if isAtEnd || rest > LineReader.chunk {
        guard rest > 0 else { return nil }
        defer { position = buffer.count }
        return Line(range: position..<buffer.count, isTerminated: false)
      }
      try refill()
    }
  }

  /// The end of the line that begins at a position; nil when it is not in the buffer.
  static func newline(in buffer: [UInt8], from position: Int) -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard position < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + position, 0x0A, bytes.count - position)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Reads on from the start of the line that isn't whole yet.
  private mutating func refill() throws(SystemCallFailure) {
    base += position
    let count = min(buffer.count - position + LineReader.chunk, end - base)
    position = 0
    buffer = try file.read(at: base, count: count)
    isAtEnd = buffer.count < count || base + count == end
  }
}
