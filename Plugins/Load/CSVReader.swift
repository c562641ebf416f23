import IntakeCore

/// The rows of a CSV manifest, read through one window of memory; recovers after a broken row.
struct CSVReader: RowReader, ~Copyable {
  var window: ByteWindow
  private var parser: CSVParser
  private let limit: Int
  private let cleaner: CellCleaner
  private var header = Header()
  /// Where the record at the window's front ends.
  private var recordEnd = 0
  private var table = SourceTable(delimiter: 0, columns: [])
  /// Whether the last columns are the notes on rows that were not accepted, which are not the row's own.
  private var hasNotes = false
  private var hasRows = false
  /// How many empty cells the rows have beyond the header, or lack at its end, as the first of them shows.
  private var extraCells: Int?

  /// Reads the header.
  ///
  /// - Throws: `StageFailure` of class fatal when there is none, or one that cannot be used.
  init(
    _ window: consuming ByteWindow, delimiter: Delimiter, names: ColumnNames, limit: Int,
    cleaner: CellCleaner
  ) throws {
    self.window = window
    self.limit = limit
    self.cleaner = cleaner
    parser = CSVParser(delimiter: UInt8(ascii: ","))
    let search = HeaderSearch(names: names, limit: limit, notes: cleaner.notes)
    parser = CSVParser(delimiter: try search.run(&self.window, delimiter))
    let cells = try headerCells()
    header = Header(cells, names)
    try header.check()
    hasNotes = cells.suffix(3).map { $0.lowercased() } == SourceTable.notes
    table = SourceTable(
      delimiter: parser.delimiter, columns: [record], meanings: header.places.map(\.column)
    ) { [notes = cleaner.notes] in notes.isMarked }
    takeRecord()
    for notice in header.notices { cleaner.notes.say(notice) }
  }

  var sharedHeader: Header? { header }
  var linesLeft: Int? { window.linesLeft }

  private mutating func headerCells() throws -> [String] {
    switch try findRecord() {
    case nil:
      throw unusable(
        "the manifest is empty", hint: "a CSV manifest starts with a line that names its columns")
    case .fault:
      throw unusable(
        "the header cannot be read: its quotes do not match or it is too long",
        hint: "the first line must name the columns, separated by commas")
    case .record: break
    }
    guard parser.cells.count == parser.cellCount else {
      throw unusable(
        "the header has \(parser.cellCount) columns, \(parser.cells.count) are allowed",
        hint: "export the columns of the manifest only")
    }
    return try parser.cells.map { cell throws(StageFailure) in
      guard let text = window.text(of: cell) else {
        throw unusable(
          "the header is not valid UTF-8 at byte \(window.invalidOffset(in: cell))",
          hint: "save the file as CSV UTF-8")
      }
      return text
    }
  }

  mutating func next() throws -> RawRow? {
    guard let found = try findRecord() else {
      if !hasRows { cleaner.notes.say("the manifest has a header and no rows", .warning) }
      return nil
    }
    hasRows = true
    if case .fault(let fault) = found { return try broken(fault) }
    if let swallowedRows { return try broken(swallowedRows) }
    let row = isRow ? try row() : try miscounted()
    takeRecord()
    return row
  }

  /// A row whose end isn't known.
  private mutating func broken(_ fault: StageFailure) throws -> RawRow {
    try window.checkReading()
    let evidence = try window.lineStart(atMost: RawRow.evidenceLimit)
    var row = RawRow(line: window.line, problems: [fault], evidence: evidence)
    let line = try window.lineStart(atMost: limit)
    row.source = SourceRow(SourceTable.cell(line, delimiter: table.delimiter), in: table)
    // The next row is looked for on the next line, not behind the broken one: a quote that is never closed
    // would silently hide up to 1 MiB of good rows. The other lines of a broken row are read as rows; they
    // have too few cells and say so.
    try window.skipLine()
    return row
  }

  private enum Found {
    case record
    case fault(StageFailure)
  }

  /// Looks for the next record that is not blank; nil at the end of the manifest.
  private mutating func findRecord() throws -> Found? {
    while try window.reachNext() {
      let found = try parseRecord()
      guard case .record = found, isBlank else { return found }
      // An empty line is none; rows of blanks and commas are what spreadsheets leave below the last one.
      if recordEnd > window.start { cleaner.notes.count(.blankRow, line: window.line) }
      takeRecord()
    }
    return nil
  }

  private mutating func parseRecord() throws -> Found {
    while true {
      do throws(CSVStop) {
        recordEnd = try parser.parse(window.bytes, from: window.start, isLast: window.isLast)
        return recordEnd - window.start <= limit ? .record : .fault(.rowTooLong(limit))
      } catch {
        switch error {
        case .fault(let fault): return .fault(parser.lines > 1 ? spanning("") : fault)
        case .needsMore(let insideQuotes) where window.isLast || window.count > limit:
          return .fault(insideQuotes ? unclosedQuote(isAll: window.isLast) : .rowTooLong(limit))
        case .needsMore: _ = try window.grow()
        }
      }
    }
  }

  private mutating func takeRecord() { window.takeLine(upTo: recordEnd, lines: parser.lines) }

  /// A quote that the rest of the manifest does not close, or not as much of it as a row may have.
  private func unclosedQuote(isAll: Bool) -> StageFailure {
    let detail = "a quote that opens in the row at line \(window.line) is not closed"
    let step = "close the quote"
    return StageFailure(
      .malformedRow,
      isAll ? detail : "\(detail), or not within the \(limit) bytes that a row may have",
      hint: (isAll ? step : "\(step) or, if its cell is really that long, raise load.max-row-bytes")
        + "; the following lines were read as rows of their own")
  }

  /// A cell that begins in a row and ends in another.
  private func spanning(_ rest: String) -> StageFailure {
    StageFailure(
      .malformedRow,
      "a cell spans lines \(window.line)–\(window.line + parser.lines - 1)\(rest); is a quote not closed?",
      hint: "close the quote; the following lines were read as rows of their own")
  }

  /// What is wrong with a record in which a cell holds what looks like whole rows; nil for any other.
  ///
  /// A quote that opens in one row and closes in the same column of a later one gives a record with the right number
  /// of cells. Such a cell holds the delimiters of at least one row; in a narrow table an address may have as many,
  /// so there it needs an e-mail address or a file name as well.
  private var swallowedRows: StageFailure? {
    let needed = header.places.count - 1
    guard parser.lines > 1, needed > 0 else { return nil }
    for cell in parser.cells where cell.lineEnds > 0 {
      let bytes = window.bytes[cell.range]
      guard bytes.count(where: { $0 == parser.delimiter }) >= needed,
        needed >= 5 || CSVReader.namesMailboxOrFile(bytes)
      else { continue }
      let rows = cell.lineEnds == 1 ? "1 further row" : "\(cell.lineEnds) further rows"
      return spanning(" and holds what looks like \(rows)")
    }
    return nil
  }

  /// Whether a text holds what hardly any row lacks: an e-mail address or the name of a scan.
  static func namesMailboxOrFile(_ bytes: ArraySlice<UInt8>) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    return ["@", ".jp", ".png", ".pdf", ".heic", ".tif"].contains(where: text.contains)
  }

  /// Whether the record has the cells of the header, and beyond them as many empty ones as the other rows.
  private var isRow: Bool {
    let (count, wanted) = (parser.cellCount, header.places.count)
    if count == wanted { return true }
    guard count > wanted else { return count >= header.namedCount }
    return count == parser.cells.count && extraCells.map { $0 == count - wanted } ?? true
      && parser.cells[wanted...].allSatisfy { isEmpty($0) }
  }

  private func isEmpty(_ cell: CSVCell) -> Bool {
    if window.bytes[cell.range].allSatisfy(\.isASCIISpace) { return true }
    guard cell.kinds.contains(.beyondASCII), let text = window.text(of: cell) else { return false }
    return text.unicodeScalars.allSatisfy { $0.isWhiteSpace || $0.isInvisible }
  }

  /// Whether no cell of the record holds anything.
  private var isBlank: Bool {
    parser.cellCount == parser.cells.count && parser.cells.allSatisfy { isEmpty($0) }
  }

  /// The record that was found last, with as many cells as the header and without the notes of an earlier run.
  private var record: [UInt8] {
    let bytes = window.bytes[window.start..<recordEnd]
    let wanted = header.places.count
    guard isRow else { return Array(bytes) }
    if hasNotes, parser.cellCount == wanted {
      return Array(self.bytes(before: wanted - 3, in: bytes))
    }
    return parser.cellCount > wanted
      ? Array(self.bytes(before: wanted, in: bytes))
      : bytes + [UInt8](repeating: parser.delimiter, count: wanted - parser.cellCount)
  }

  /// The cells before one of a record.
  private func bytes(before cell: Int, in record: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let start = parser.cells[cell].range.lowerBound
    return record[..<(record[..<start].lastIndex(of: parser.delimiter) ?? record.startIndex)]
  }

  private mutating func row() throws -> RawRow {
    var row = RawRow(line: window.line)
    row.source = SourceRow(record, in: table)
    row.cells.reserveCapacity(header.places.count)
    let extra = parser.cellCount - header.places.count
    if extra != 0 || extraCells ?? 0 != 0 { countCells(of: &row, extra) }
    if extraCells == nil { extraCells = extra }
    for index in 0..<min(parser.cellCount, header.places.count) {
      let place = header.places[index]
      if place != .ignored { read(index, place, into: &row) }
    }
    if row.cells.isEmpty { row.evidence = try window.lineStart(atMost: RawRow.evidenceLimit) }
    return row
  }

  /// A row with another number of cells than those before it is sound only if its values are: the extra empty cell may
  /// be due to a comma in an address.
  private func countCells(of row: inout RawRow, _ extra: Int) {
    if extra > 0 { cleaner.notes.count(.extraCells, line: row.line) }
    // In the first row only a column without a name may be left out.
    let usual = extraCells ?? min(0, extra)
    guard extra != usual else { return }
    let named = header.places.count
    row.miscount = CellCount(
      found: named + extra, wanted: extra == 0 ? named + usual : named, isOfHeader: extra != 0)
  }

  private func read(_ index: Int, _ place: Header.Place, into row: inout RawRow) {
    let cell = parser.cells[index]
    switch (window.text(of: cell), place) {
    case (""?, _), (_, .ignored): return
    case (let text?, .column(let name)):
      cleaner.add(name, text, cell.kinds, to: &row)
    case (nil, .column(let name)):
      row.problems.append(
        StageFailure(
          .malformedRow,
          "\(name) is not valid UTF-8 at byte \(window.invalidOffset(in: cell)) of the manifest",
          hint: "save the manifest as CSV UTF-8, or name its encoding with --encoding",
          column: name))
    case (_, .unnamed):
      row.problems.append(
        StageFailure(
          .malformedRow, "cell \(index + 1) holds something, but its column has no name",
          hint: "name the column in the header or empty the cell"))
    }
  }

  /// A row with too few or too many cells: nobody knows which cell is whose, so none is read.
  private mutating func miscounted() throws -> RawRow {
    let count = CellCount(found: parser.cellCount, wanted: header.places.count)
    let hint = otherDelimiter.map {
      "separate its cells as the header does, by \(Delimiter.name(parser.delimiter)) and not by \($0)"
    }
    return RawRow(
      line: window.line, problems: [count.failure(hint: hint)],
      evidence: try window.lineStart(atMost: RawRow.evidenceLimit),
      source: SourceRow(record, in: table))
  }

  /// The delimiter under which a record of one cell would have as many as the header.
  private var otherDelimiter: String? {
    guard parser.cellCount == 1, let cell = parser.cells.first, header.places.count > 1 else {
      return nil
    }
    return Delimiter.allCases.compactMap(\.byte).first { byte in
      window.bytes[cell.range].count { $0 == byte } == header.places.count - 1
    }.map(Delimiter.name)
  }
}

extension String {
  fileprivate init?(validating bytes: Span<UInt8>) {
    guard let text = try? UTF8Span(validating: bytes) else { return nil }
    self.init(copying: text)
  }
}

extension ByteWindow {
  /// The text of a cell without the white space around it, nil where it is not UTF-8.
  func text(of cell: CSVCell) -> String? {
    let range = trimmed(cell.range)
    guard cell.hasDoubledQuotes else {
      return String(validating: bytes.span.extracting(range))
    }
    var isSecond = false
    let single = bytes[range].filter { byte in
      isSecond = byte == UInt8(ascii: "\"") && !isSecond
      return !isSecond
    }
    return String(validating: single.span)
  }

  /// Bytes from the start of the manifest to the first one of the cell that is not UTF-8.
  func invalidOffset(in cell: CSVCell) -> Int {
    var decoder = UTF8()
    var rest = bytes[cell.range].makeIterator()
    var offset = passed + cell.range.lowerBound
    while case .scalarValue(let scalar) = decoder.decode(&rest) { offset += UTF8.width(scalar) }
    return offset
  }

  private func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, bytes[start].isASCIISpace { start += 1 }
    while start < end, bytes[end - 1].isASCIISpace { end -= 1 }
    return start..<end
  }
}
