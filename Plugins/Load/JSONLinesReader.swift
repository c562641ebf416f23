import IntakeCore

/// The rows of a JSON Lines manifest: one object a line, with the names of the columns.
struct JSONLinesReader: RowReader, ~Copyable {
  private var window: ByteWindow
  private let names: ColumnNames
  private let limit: Int
  private var told = NameNotices(noun: "field")
  private var meanings: [String: ColumnNames.Meaning] = [:]
  private var first: RawRow?

  /// Reads the first row: an unknown name there is as wrong as one in a header.
  ///
  /// - Throws: `StageFailure` of class fatal when the first row has names that nobody knows.
  init(_ window: consuming ByteWindow, names: ColumnNames, limit: Int) throws {
    self.window = window
    self.names = names
    self.limit = limit
    first = try read(isFirst: true)
  }

  var notices: [String] { told.lines }

  /// None: a field that the first rows lack may come later.
  var warnings: [String] { [] }

  mutating func next() throws -> RawRow? {
    if let row = first {
      first = nil
      return row
    }
    return try read(isFirst: false)
  }

  private mutating func read(isFirst: Bool) throws -> RawRow? {
    while true {
      guard try window.reachNext() else { return nil }
      let line = window.line
      guard let text = try takeLine() else { return try tooLong(line) }
      if !text.allSatisfy(isSpace) { return try row(text, line: line, isFirst: isFirst) }
    }
  }

  /// The next line without its end, nil when it is too long.
  private mutating func takeLine() throws -> [UInt8]? {
    let line = try window.lineStart(atMost: limit + 1)
    guard line.count <= limit else { return nil }
    if window.start + line.count == window.bytes.count {
      window.take(upTo: window.bytes.count, lines: 1, endsInCarriageReturn: false)
    } else {
      window.takeLine(upTo: window.start + line.count)
    }
    return line
  }

  private mutating func tooLong(_ line: Int) throws -> RawRow {
    let evidence = try window.lineStart(atMost: evidenceLimit)
    try window.skipLine()
    let failure = StageFailure(
      .malformedRow, "the row is longer than \(limit) bytes",
      hint: "shorten it or raise load.max-row-bytes")
    return RawRow(line: line, problems: [failure], evidence: evidence)
  }

  private mutating func row(_ text: [UInt8], line: Int, isFirst: Bool) throws -> RawRow {
    var row = RawRow(line: line)
    switch Result(catching: { () throws(JSONParser.Failure) in try JSONParser.parse(text) }) {
    case .success(let value):
      if let fields = value.fields {
        for field in fields { try read(field, of: text, into: &row, isFirst: isFirst) }
      } else {
        row.problems.append(
          StageFailure(.malformedRow, "a row is an object, not \(value.kindName)"))
      }
    case .failure(let failure):
      guard !isFirst || text.first(where: { !isSpace($0) }) != UInt8(ascii: "{") || text.count > 2
      else {
        throw unusable(
          "a row's object is spread over several lines",
          hint: "write one object a line: `jq -c . FILE`")
      }
      row.problems.append(
        StageFailure(
          .malformedRow, "\(place(failure.offset, text, line)): \(failure.message)",
          hint: "write one JSON object a line"))
    }
    if row.cells.isEmpty { row.evidence = Array(text.prefix(evidenceLimit)) }
    return row
  }

  /// Where something stands: the manifest's line, and the column in characters.
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
    case .column(let name):
      guard !row.cells.contains(where: { $0.name == name }) else {
        row.problems.append(
          StageFailure(.malformedRow, "two fields stand for \(name)", column: name))
        return
      }
      let place = place(field.value.offset, text, row.line)
      read(field.value, as: name, at: place, into: &row)
    }
  }

  private func read(
    _ value: JSONValue, as name: ColumnName, at place: String, into row: inout RawRow
  ) {
    switch value.kind {
    case .null: return
    case .string(let text):
      let trimmed = JSONLinesReader.trimmed(text)
      if !trimmed.isEmpty { row.cells.append(RawCell(name: name, text: trimmed)) }
    case .number(let text)
    where JSONLinesReader.takesNumbers(name.column) && text.utf8.allSatisfy(isDigit):
      row.cells.append(RawCell(name: name, text: text))
    default:
      row.problems.append(
        StageFailure(
          .malformedRow, "\(place): \(name) is a text, not \(value.kindName)",
          hint: "write the value in quotes", column: name))
    }
  }

  /// Columns whose values other programs like to write without quotes; a leading zero cannot be among them.
  private static func takesNumbers(_ column: Column) -> Bool {
    switch column {
    case .id, .reference, .zip, .phone, .dob, .idNumber, .idIssued, .idExpiry: return true
    default: return false
    }
  }

  private static func trimmed(_ text: String) -> String {
    let bytes = text.utf8
    guard let start = bytes.firstIndex(where: { !isSpace($0) }),
      let end = bytes.lastIndex(where: { !isSpace($0) })
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
    case .ignored: told.ignored.append(name)
    case .column(let column): told.note(name, readAs: column)
    case .unknown: break
    }
    return meaning
  }
}
