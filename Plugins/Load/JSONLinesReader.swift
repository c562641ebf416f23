import IntakeCore

/// The rows of a JSON Lines manifest: one object a line, with the names of the columns.
struct JSONLinesReader: RowReader, ~Copyable {
  private var window: ByteWindow
  private let names: ColumnNames
  private let limit: Int
  private var otherNames = OtherNames(noun: "field")
  private var meanings: [String: ColumnNames.Meaning] = [:]
  private var first: RawRow?
  /// The columns in the order in which the rows bring them.
  private let table = SourceTable(delimiter: UInt8(ascii: ","), columns: [])

  /// Reads the first row: an unknown name there is as wrong as one in a header.
  ///
  /// - Throws: `StageFailure` of class fatal when the first row has names that nobody knows.
  init(_ window: consuming ByteWindow, names: ColumnNames, limit: Int) throws {
    self.window = window
    self.names = names
    self.limit = limit
    first = try read(isFirst: true)
  }

  var notices: [String] { otherNames.notices }

  /// None: a field that the first rows lack may come later.
  var warnings: [String] { [] }

  mutating func nextAtHand() throws -> RawRow? {
    while first == nil, window.hasLine {
      if let row = try readLine(isFirst: false) { return row }
    }
    return nil
  }

  mutating func next() throws -> RawRow? {
    guard let row = first.take() else { return try read(isFirst: false) }
    return row
  }

  private mutating func read(isFirst: Bool) throws -> RawRow? {
    while try window.reachNext() {
      if let row = try readLine(isFirst: isFirst) { return row }
    }
    return nil
  }

  /// The row of the line that comes next, nil for a blank one.
  private mutating func readLine(isFirst: Bool) throws -> RawRow? {
    guard try window.reachNext() else { return nil }
    let line = window.line
    let text = try window.lineStart(atMost: limit + 1)
    guard text.count <= limit else {
      let evidence = try window.lineStart(atMost: RawRow.evidenceLimit)
      try window.skipLine()
      return RawRow(
        line: line, problems: [.rowTooLong(limit)], evidence: evidence, source: whole(text))
    }
    window.takeLine(upTo: window.start + text.count)
    return text.allSatisfy(\.isASCIISpace) ? nil : try row(text, line: line, isFirst: isFirst)
  }

  private mutating func row(_ text: [UInt8], line: Int, isFirst: Bool) throws -> RawRow {
    var row = RawRow(line: line)
    switch Result(catching: { () throws(JSONParser.Failure) in try JSONParser.parse(text) }) {
    case .success(let value):
      for field in value.fields ?? [] { try read(field, of: text, into: &row, isFirst: isFirst) }
      if value.fields == nil {
        row.problems.append(
          StageFailure(.malformedRow, "a row is an object, not \(value.kindName)"))
      }
    case .failure(let failure):
      if isFirst { try checkIsOneLine(text) }
      row.problems.append(
        StageFailure(
          .malformedRow, "\(place(failure.offset, text, line)): \(failure.message)",
          hint: "write one JSON object a line"))
    }
    if row.cells.isEmpty { row.evidence = Array(text.prefix(RawRow.evidenceLimit)) }
    row.source = row.problems.isEmpty ? source(of: row) : whole(text)
    return row
  }

  /// The cells of a row as a CSV record.
  private func source(of row: RawRow) -> SourceRow {
    var cells: [[UInt8]] = []
    for cell in row.cells {
      let place = table.place(of: cell.name.description)
      while cells.count <= place { cells.append([]) }
      cells[place] = SourceTable.cell(Array(cell.text.utf8), delimiter: table.delimiter)
    }
    // Columns that this row lacks stand at its end as well as those that are yet to come.
    let record = cells.joined(separator: [table.delimiter])
    return SourceRow(Array(record), in: table, columns: max(1, cells.count))
  }

  /// A row that could not be read, or not to its end: its text is one cell, so that it is refused until it is corrected.
  private func whole(_ text: [UInt8]) -> SourceRow {
    SourceRow(SourceTable.cell(text, delimiter: table.delimiter), in: table)
  }

  /// Refuses a manifest whose first line is a lone brace: every further line would be a bad row.
  private func checkIsOneLine(_ text: [UInt8]) throws(StageFailure) {
    guard text.count <= 2, text.first(where: { !$0.isASCIISpace }) == UInt8(ascii: "{") else {
      return
    }
    throw unusable(
      "a row's object is spread over several lines",
      hint: "write one object a line: `jq -c . FILE`")
  }

  /// Where something is: the manifest's line, and the column in characters.
  private func place(_ offset: Int, _ text: [UInt8], _ line: Int) -> String {
    "line \(line), column \(TextPosition(offset: offset, in: text).column)"
  }

  private mutating func read(
    _ field: JSONField, of text: [UInt8], into row: inout RawRow, isFirst: Bool
  ) throws(StageFailure) {
    switch meaning(of: field.name) {
    case .ignored: return
    case .unknown(let reason):
      let place = place(field.offset, text, row.line)
      let detail = "\(place): \(ColumnNames.shown(field.name, column: nil)) \(reason)"
      guard !isFirst else { throw unusable(detail, hint: ColumnNames.hint) }
      row.problems.append(StageFailure(.malformedRow, detail, hint: ColumnNames.hint))
    case .column(let name) where row.cells.contains { $0.name == name }:
      row.problems.append(
        StageFailure(.malformedRow, "two fields stand for \(name)", column: name))
    case .column(let name):
      if let cell = JSONLinesReader.text(of: field.value, in: name.column) {
        if !cell.isEmpty { row.cells.append(RawCell(name: name, text: cell)) }
      } else {
        let place = place(field.value.offset, text, row.line)
        row.problems.append(
          StageFailure(
            .malformedRow, "\(place): \(name) is a text, not \(field.value.kindName)",
            hint: "write the value in quotes", column: name))
      }
    }
  }

  /// A value as a trimmed cell, empty for null; nil where it isn't a text.
  private static func text(of value: JSONValue, in column: Column) -> String? {
    switch value.kind {
    case .null: return ""
    case .string(let text): return trimmed(text)
    case .number(let text)
    where mayBeNumbers.contains(column) && text.utf8.allSatisfy(\.isASCIIDigit):
      return text
    default: return nil
    }
  }

  /// Columns whose values other programs like to write without quotes; a leading zero cannot be among them.
  private static let mayBeNumbers: Set<Column> = [
    .id, .reference, .zip, .phone, .dob, .idNumber, .idIssued, .idExpiry,
  ]

  private static func trimmed(_ text: String) -> String {
    guard let start = text.utf8.firstIndex(where: { !$0.isASCIISpace }),
      let end = text.utf8.lastIndex(where: { !$0.isASCIISpace })
    else { return "" }
    return String(text[start...end])
  }

  /// Rows use the same few names over and over; more than 256 different ones are not kept.
  private mutating func meaning(of name: String) -> ColumnNames.Meaning {
    if let meaning = meanings[name] { return meaning }
    let meaning = names.meaning(of: name)
    guard meanings.count < 256 else { return meaning }
    meanings[name] = meaning
    switch meaning {
    case .ignored: otherNames.noteIgnored(name)
    case .column(let column): otherNames.note(name, readAs: column)
    case .unknown: break
    }
    return meaning
  }
}
