import IntakeCore

/// The rows of a CSV manifest.
struct CSVReader: RowReader, ~Copyable {
  private var scanner: CSVScanner
  private let header: Header
  private let limit: Int
  let notices: [String]
  var warnings: [String] { header.warnings }

  /// Reads the header.
  ///
  /// - Throws: `StageFailure` of class fatal when there is none, or one that cannot be used.
  init(
    _ window: consuming ByteWindow, delimiter: Delimiter?, names: ColumnNames, limit: Int
  ) throws {
    // Blank lines before the header are passed over here, for the delimiter is told from the header.
    while try window.reachNext(), isLineEnd(window.bytes[window.start]) {
      window.takeLine(upTo: window.start)
    }
    let chosen =
      try delimiter ?? Delimiter.recognised(in: &window, names: names, limit: limit)
    var scanner = CSVScanner(window, delimiter: chosen.byte, limit: limit)
    let header = try Header(CSVReader.headerCells(&scanner), names: names)
    self.scanner = scanner
    self.limit = limit
    self.header = header
    let isGuessed = delimiter == nil && chosen != .comma
    notices =
      (isGuessed ? ["the manifest's cells are separated by a \(chosen), as its header shows"] : [])
      + header.notices
  }

  private static func headerCells(_ scanner: inout CSVScanner) throws -> [String] {
    switch try scanner.next() {
    case .end:
      throw unusable(
        "the manifest is empty", hint: "a CSV manifest starts with a line that names its columns")
    case .fault:
      throw unusable(
        "the header cannot be read: its quotes do not match or it is too long",
        hint: "the first line must name the columns, separated by commas")
    case .record: break
    }
    return try (0..<scanner.cellCount).map { cell throws(StageFailure) in
      switch scanner.text(of: cell) {
      case .text(let text): return text
      case .invalid(let offset):
        throw unusable(
          "the header is not valid UTF-8 at byte \(offset)", hint: "save the file as CSV UTF-8")
      }
    }
  }

  mutating func next() throws -> RawRow? {
    switch try scanner.next() {
    case .end: return nil
    case .fault(let fault, let line, let evidence):
      return RawRow(line: line, problems: [failure(fault, line: line)], evidence: evidence)
    case .record(let line):
      guard scanner.cellCount == header.places.count else { return try miscounted(line) }
      return try row(line)
    }
  }

  private mutating func row(_ line: Int) throws -> RawRow {
    var row = RawRow(line: line)
    row.cells.reserveCapacity(header.places.count)
    for (index, place) in header.places.enumerated() where place != .ignored {
      read(index, place, into: &row)
    }
    if row.cells.isEmpty { row.evidence = try scanner.evidence() }
    return row
  }

  private func read(_ index: Int, _ place: Header.Place, into row: inout RawRow) {
    switch (scanner.text(of: index), place) {
    case (.text(""), _), (_, .ignored): return
    case (.text(let text), .column(let name)): row.cells.append(RawCell(name: name, text: text))
    case (.invalid(let offset), .column(let name)):
      row.problems.append(
        StageFailure(
          .malformedRow, "\(name) is not valid UTF-8 at byte \(offset) of the manifest",
          hint: "save the manifest as CSV UTF-8", column: name))
    case (_, .unnamed):
      row.problems.append(
        StageFailure(
          .malformedRow, "cell \(index + 1) holds something, but its column has no name",
          hint: "name the column in the header or empty the cell"))
    }
  }

  /// A row with too few or too many cells.
  ///
  /// Nobody knows which cell is whose, so only the first is trusted.
  private mutating func miscounted(_ line: Int) throws -> RawRow {
    let (found, wanted) = (scanner.cellCount, header.places.count)
    var row = RawRow(line: line, evidence: try scanner.evidence())
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

  private func failure(_ fault: CSVFault, line: Int) -> StageFailure {
    switch fault {
    case .quoteInsideCell(let cell):
      return StageFailure(
        .malformedRow, "a quote stands in the middle of cell \(cell)",
        hint: "put the whole cell in quotes and double the quote inside")
    case .textAfterQuote(let cell):
      return StageFailure(
        .malformedRow, "text follows the closing quote of cell \(cell)",
        hint: "double quotes that belong to the text, and check for a quote that is not closed")
    case .unclosedQuote:
      return StageFailure(
        .malformedRow, "a quote that opens in the row at line \(line) is not closed",
        hint: "close the quote; the following lines were read as rows of their own")
    case .tooLong:
      return StageFailure(
        .malformedRow, "the row is longer than \(limit) bytes",
        hint: "shorten it or raise load.max-row-bytes")
    }
  }
}
