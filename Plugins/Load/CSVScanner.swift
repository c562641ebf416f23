import IntakeSystem

/// Walks along a CSV manifest record by record with one window of memory, and finds its feet again after a broken one.
struct CSVScanner: ~Copyable {
  /// What the scanner found next.
  enum Found: Equatable {
    /// A record whose cells can be asked for, starting on that line.
    case record(line: Int)
    /// Something that starts on that line and is no record.
    case fault(CSVFault, line: Int, evidence: [UInt8])
    case end
  }

  private var window: ByteWindow
  private var parser: CSVParser
  private let limit: Int

  /// Starts with a window that stands on the first byte of a record; a record has at most `limit` bytes.
  init(_ window: consuming ByteWindow, delimiter: UInt8, limit: Int) {
    self.window = window
    parser = CSVParser(delimiter: delimiter)
    self.limit = limit
  }

  /// How many cells the record has.
  var cellCount: Int { parser.cellCount }
  private var pending: (end: Int, lines: Int, endsInCarriageReturn: Bool)?

  /// The next record that is not blank.
  mutating func next() throws -> Found {
    repeat {
      finishRecord()
      guard try window.reachNext() else { return .end }
      if let fault = try scan() {
        let line = window.line
        let start = try evidence()
        // The next record is looked for on the next line, not behind the broken one: a quote that nobody
        // closed would hide up to 1 MiB of good rows without a word. The further lines of a broken record
        // are looked at one by one; they have too few cells and say so.
        try window.skipLine()
        return .fault(fault, line: line, evidence: start)
      }
    } while isBlank
    return .record(line: window.line)
  }

  /// Whether no cell of the record holds anything: an empty line, or the rows of mere commas that spreadsheets leave.
  private var isBlank: Bool {
    guard parser.cellCount == parser.cells.count else { return false }
    for cell in parser.cells {
      for position in cell.range where !isSpace(window.bytes[position]) { return false }
    }
    return true
  }

  private mutating func scan() throws -> CSVFault? {
    while true {
      switch parser.parse(window.bytes, from: window.start, isLast: window.isLast) {
      case .record(let end, let lines, let endsInCarriageReturn):
        // Checked here as well, so that the limit does not depend on how the bytes came in.
        guard end - window.start <= limit + 2 else { return .tooLong }
        pending = (end, lines, endsInCarriageReturn)
        return nil
      case .needsMore(let insideQuotes):
        guard window.count <= limit else { return insideQuotes ? .unclosedQuote : .tooLong }
        _ = try window.grow()
      case .fault(let fault): return fault
      }
    }
  }

  private mutating func finishRecord() {
    guard let record = pending else { return }
    window.take(
      upTo: record.end, lines: record.lines, endsInCarriageReturn: record.endsInCarriageReturn)
    pending = nil
  }

  /// The content of a cell of the record.
  func text(of cell: Int) -> CellText { window.text(of: parser.cells[cell]) }

  /// The start of the record's first line.
  mutating func evidence() throws -> [UInt8] { try window.lineStart(atMost: evidenceLimit) }
}
