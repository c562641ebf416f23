import IntakeCore

/// The rows of a CSV manifest, read through one window of memory; finds its feet again after a broken row.
struct CSVReader: RowReader, ~Copyable {
  private var window: ByteWindow
  private var parser: CSVParser
  private let limit: Int
  private var header = Header()
  /// Where the record that was found last ends, until it is taken.
  private var recordEnd: Int?
  /// What was found by one who didn't want to wait for more of it.
  private var found: Found?
  private var table = SourceTable(delimiter: 0, columns: [])
  /// Whether the last columns are the notes on rows that were not accepted, which are not the row's own.
  private var hasNotes = false
  private(set) var notices: [String] = []
  var warnings: [String] { header.warnings }

  /// Reads the header.
  ///
  /// - Throws: `StageFailure` of class fatal when there is none, or one that cannot be used.
  init(
    _ window: consuming ByteWindow, delimiter: Delimiter, names: ColumnNames, limit: Int
  ) throws {
    self.window = window
    self.limit = limit
    parser = CSVParser(delimiter: delimiter.byte)
    // Blank lines before the header are passed over here because the header shows what the delimiter is.
    while try self.window.reachNext(), self.window.bytes[self.window.start].isLineEnd {
      self.window.takeLine(upTo: self.window.start)
    }
    if delimiter == .auto {
      let found = try Delimiter.recognised(in: &self.window, names: names, limit: limit)
      parser = CSVParser(delimiter: found.byte)
      if found != .comma {
        notices = ["the manifest's cells are separated by a \(found), as its header shows"]
      }
    }
    let cells = try headerCells()
    header = try Header(cells, names: names)
    hasNotes = cells.suffix(3).map { $0.lowercased() } == SourceTable.notes
    table = SourceTable(delimiter: parser.delimiter, columns: [record])
    notices += header.notices
  }

  private mutating func headerCells() throws -> [String] {
    switch try findRecord() {
    case .end, nil:
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

  mutating func nextAtHand() throws -> RawRow? {
    found = try found ?? findRecord(mayRead: false)
    // The evidence of a broken row may have to be read.
    guard case .record = found, parser.cellCount == header.places.count else { return nil }
    found = nil
    return try row()
  }

  mutating func next() throws -> RawRow? {
    switch try found.take() ?? findRecord() {
    case .end, nil: return nil
    case .record: return parser.cellCount == header.places.count ? try row() : try miscounted()
    case .fault(let fault):
      var row = RawRow(line: window.line, problems: [fault], evidence: try evidence())
      let line = try window.lineStart(atMost: limit)
      row.source = SourceRow(SourceTable.cell(line, delimiter: table.delimiter), in: table)
      // The next row is looked for on the next line, not behind the broken one: a quote that nobody closed
      // would silently hide up to 1 MiB of good rows. The further lines of a broken row are looked at one
      // by one; they have too few cells and say so.
      try window.skipLine()
      return row
    }
  }

  private enum Found {
    case record
    case fault(StageFailure)
    case end
  }

  /// Looks for the next record that is not blank; nil where more would have to be read for it.
  private mutating func findRecord(mayRead: Bool = true) throws -> Found? {
    while true {
      if let end = recordEnd { window.takeLine(upTo: end, lines: parser.lines) }
      recordEnd = nil
      guard mayRead || window.hasNext else { return nil }
      guard try window.reachNext() else { return .end }
      guard let found = try parseRecord(mayRead) else { return nil }
      guard case .record = found, isBlank else { return found }
    }
  }

  private mutating func parseRecord(_ mayRead: Bool) throws -> Found? {
    while true {
      do throws(CSVStop) {
        let end = try parser.parse(window.bytes, from: window.start, isLast: window.isLast)
        guard end - window.start <= limit else { return .fault(.rowTooLong(limit)) }
        recordEnd = end
        return .record
      } catch {
        switch error {
        case .fault(let fault): return .fault(fault)
        case .needsMore(let insideQuotes) where window.isLast || window.count > limit:
          return .fault(insideQuotes ? unclosedQuote : .rowTooLong(limit))
        case .needsMore:
          guard mayRead else { return nil }
          _ = try window.grow()
        }
      }
    }
  }

  private var unclosedQuote: StageFailure {
    StageFailure(
      .malformedRow, "a quote that opens in the row at line \(window.line) is not closed",
      hint: "close the quote; the following lines were read as rows of their own")
  }

  /// Whether no cell of the record holds anything: an empty line, or the rows of mere commas that spreadsheets leave.
  private var isBlank: Bool {
    parser.cellCount == parser.cells.count
      && parser.cells.allSatisfy { window.bytes[$0.range].allSatisfy(\.isASCIISpace) }
  }

  /// The record that was found last as it stands in the manifest, without such notes of an earlier run.
  private var record: [UInt8] {
    let bytes = window.bytes[window.start..<(recordEnd ?? window.start)]
    guard hasNotes, let note = parser.cells.dropLast(2).last,
      header.places.isEmpty || parser.cellCount == header.places.count,
      let end = bytes[..<note.range.lowerBound].lastIndex(of: parser.delimiter)
    else { return Array(bytes) }
    return Array(bytes[..<end])
  }

  private mutating func evidence() throws -> [UInt8] {
    try window.lineStart(atMost: RawRow.evidenceLimit)
  }

  private mutating func row() throws -> RawRow {
    var row = RawRow(line: window.line)
    row.source = SourceRow(record, in: table)
    row.cells.reserveCapacity(header.places.count)
    for (index, place) in header.places.enumerated() where place != .ignored {
      read(index, place, into: &row)
    }
    if row.cells.isEmpty { row.evidence = try evidence() }
    return row
  }

  private func read(_ index: Int, _ place: Header.Place, into row: inout RawRow) {
    let cell = parser.cells[index]
    switch (window.text(of: cell), place) {
    case (""?, _), (_, .ignored): return
    case (let text?, .column(let name)): row.cells.append(RawCell(name: name, text: text))
    case (nil, .column(let name)):
      row.problems.append(
        StageFailure(
          .malformedRow,
          "\(name) is not valid UTF-8 at byte \(window.invalidOffset(in: cell)) of the manifest",
          hint: "save the manifest as CSV UTF-8", column: name))
    case (_, .unnamed):
      row.problems.append(
        StageFailure(
          .malformedRow, "cell \(index + 1) holds something, but its column has no name",
          hint: "name the column in the header or empty the cell"))
    }
  }

  /// A row with too few or too many cells; only the first is trusted because nobody knows which cell is whose.
  private mutating func miscounted() throws -> RawRow {
    let (found, wanted) = (parser.cellCount, header.places.count)
    var row = RawRow(line: window.line, evidence: try evidence())
    row.source = SourceRow(record, in: table)
    row.problems.append(
      StageFailure(
        .malformedRow,
        "the row has \(found) \(found == 1 ? "cell" : "cells"), the header has \(wanted)",
        hint: found > wanted
          ? "put a cell that holds the delimiter in quotes" : "add the cells that are missing"))
    if case .column(let name) = header.places[0], name.column == .id || name.column == .reference {
      read(0, header.places[0], into: &row)
    }
    return row
  }
}

extension String {
  /// The text of valid UTF-8, nil for other bytes.
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

enum Delimiter: String, CaseIterable {
  /// The one that the header shows.
  case auto
  case comma, semicolon, tab

  /// The byte itself; a comma until the header has been looked at.
  var byte: UInt8 {
    switch self {
    case .auto, .comma: return UInt8(ascii: ",")
    case .semicolon: return UInt8(ascii: ";")
    case .tab: return 0x09
    }
  }

  /// The one under which the header names the most columns; the comma where none stands out.
  ///
  /// Only the header decides: rows hold addresses with commas and notes with anything.
  static func recognised(
    in window: inout ByteWindow, names: ColumnNames, limit: Int
  ) throws -> Delimiter {
    var best = (delimiter: comma, known: 0)
    for delimiter in allCases where delimiter != .auto {
      let known = try cells(of: &window, delimiter, limit: limit).count {
        if case .unknown = names.meaning(of: $0) { return false }
        return true
      }
      if known > best.known { best = (delimiter, known) }
    }
    return best.delimiter
  }

  private static func cells(
    of window: inout ByteWindow, _ delimiter: Delimiter, limit: Int
  ) throws -> [String] {
    var parser = CSVParser(delimiter: delimiter.byte)
    while true {
      do throws(CSVStop) {
        _ = try parser.parse(window.bytes, from: window.start, isLast: window.isLast)
        return parser.cells.map { window.text(of: $0) ?? "" }
      } catch {
        guard case .needsMore = error, !window.isLast, window.count <= limit else { return [] }
      }
      _ = try window.grow()
    }
  }
}
