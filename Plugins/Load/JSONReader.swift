import IntakeCore

/// The rows of a JSON manifest: objects with the names of the columns, one a line (JSON Lines), each over several
/// lines, or the elements of one list.
struct JSONReader: RowReader, ~Copyable {
  private enum Layout { case lines, spread, list }

  var window: ByteWindow
  private let names: ColumnNames
  private let limit: Int
  private let cleaner: CellCleaner
  private var layout: Layout
  /// Whether the bracket that opened a list has not been closed.
  private var isInList = false
  /// By the names of a row's fields: most rows have the same.
  private var headers: [[String]: Header] = [:]
  /// What names mean, for rows that leave fields out or mix their order: then hardly two have the same header.
  private var meanings: [String: ColumnNames.Meaning] = [:]
  /// The first row, which was read to check its names; nil once it has been handed out.
  private var first: RawRow?
  private var isFirst = true
  private var hasNoRows = false
  /// The columns in the order in which the rows bring them.
  private let table: SourceTable

  /// Reads the first row: an unknown name there is as wrong as one in a header.
  ///
  /// - Throws: `StageFailure` of class fatal when the first row has names that nobody knows.
  init(
    _ window: consuming ByteWindow, isList: Bool, names: ColumnNames, limit: Int,
    cleaner: CellCleaner
  ) throws {
    self.window = window
    self.names = names
    self.limit = limit
    self.cleaner = cleaner
    table = SourceTable(delimiter: UInt8(ascii: ","), columns: []) { [notes = cleaner.notes] in
      notes.isMarked
    }
    layout = isList ? .list : .lines
    if isList {
      cleaner.notes.say("the manifest is a JSON list, whose elements are its rows")
    } else if try isSpread() {
      layout = .spread
      cleaner.notes.say("the manifest is JSON with objects over several lines")
    }
    first = try next()
    isFirst = false
    hasNoRows = first == nil
  }

  /// None: a field that the first rows lack may come later.
  var sharedHeader: Header? { nil }
  var linesLeft: Int? { layout == .lines ? window.linesLeft : nil }

  mutating func next() throws -> RawRow? {
    if let row = first.take() { return row }
    if hasNoRows {
      cleaner.notes.say("the manifest has no rows", .warning)
      return nil
    }
    guard layout == .lines else { return try nextElement() }
    while try window.reachNext() {
      if let row = try readLine() { return row }
    }
    return nil
  }

  /// The row of the line that comes next, nil for a blank one.
  private mutating func readLine() throws -> RawRow? {
    let line = window.line
    let text = try window.lineStart(atMost: limit + 1)
    guard text.count <= limit else {
      try window.checkReading()
      let evidence = try window.lineStart(atMost: RawRow.evidenceLimit)
      try window.skipLine()
      return refused(text, .rowTooLong(limit), line, evidence: evidence)
    }
    window.takeLine(upTo: window.start + text.count)
    return text.allSatisfy(\.isASCIISpace) ? nil : try row(text, line: line)
  }

  private mutating func row(_ text: [UInt8], line: Int) throws -> RawRow {
    let value: JSONValue
    do throws(JSONParser.Failure) {
      value = try JSONParser.parse(text)
    } catch {
      let isCut = layout == .lines && JSONScan.isNoObject(text, upTo: error.offset)
      let failure = StageFailure(
        .malformedRow, "\(place(error.offset, text, line)): \(error.message)",
        hint: error.hint ?? (isCut ? "write one JSON object a line" : nil))
      return refused(text, failure, line)
    }
    guard let fields = value.fields else {
      return refused(
        text, StageFailure(.malformedRow, "a row is an object, not \(value.kindName)"), line)
    }
    var row = RawRow(line: line, namesItsCells: true)
    let header = header(of: fields.map(\.name))
    if isFirst {
      try header.checkNames(of: "the row at line \(line): ")
      for notice in header.renamedAndIgnored("field") { cleaner.notes.say(notice) }
    }
    for (index, field) in fields.enumerated() {
      if case .unknown(let reason) = header.meanings[index] {
        let place = place(field.offset, text, line)
        let detail = "\(place): \(ColumnNames.shown(field.name, column: nil)) \(reason)"
        row.problems.append(StageFailure(.malformedRow, detail, hint: ColumnNames.hint))
      } else if let name = header.places[index].column {
        read(field, as: name, of: text, into: &row)
      }
    }
    if row.cells.isEmpty { row.evidence = Array(text.prefix(RawRow.evidenceLimit)) }
    row.source = row.problems.isEmpty ? source(of: row) : whole(text)
    return row
  }

  /// More than 256 different headers and names are not kept.
  private mutating func header(of fields: [String]) -> Header {
    if let known = headers[fields] { return known }
    let header = Header(
      fields, names, areNumbered: false, meanings: fields.map { meaning(of: $0) })
    if headers.count < 256 { headers[fields] = header }
    return header
  }

  private mutating func meaning(of name: String) -> ColumnNames.Meaning {
    if let known = meanings[name] { return known }
    let meaning = names.meaning(of: name)
    if meanings.count < 256 { meanings[name] = meaning }
    return meaning
  }

  private func refused(
    _ text: [UInt8], _ failure: StageFailure, _ line: Int, evidence: [UInt8]? = nil
  ) -> RawRow {
    RawRow(
      line: line, problems: [failure],
      evidence: evidence ?? Array(text.prefix(RawRow.evidenceLimit)), source: whole(text))
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

  /// Where something is: the manifest's line, and the column in characters.
  private func place(_ offset: Int, _ text: [UInt8], _ line: Int) -> String {
    let position = TextPosition(offset: offset, in: text)
    return "line \(line + position.line - 1), column \(position.column)"
  }

  private func read(
    _ field: JSONField, as name: ColumnName, of text: [UInt8], into row: inout RawRow
  ) {
    guard !row.cells.contains(where: { $0.name == name }) else {
      row.problems.append(
        StageFailure(
          .malformedRow, "two fields stand for \(name)", hint: "leave one of the two", column: name)
      )
      return
    }
    guard let cell = JSONReader.text(of: field.value, in: name.column) else {
      let place = place(field.value.offset, text, row.line)
      row.problems.append(
        StageFailure(
          .malformedRow, "\(place): \(name) is a text, not \(field.value.kindName)",
          hint: "write the value in quotes", column: name))
      return
    }
    if !cell.isEmpty { cleaner.add(name, cell, ByteKinds(of: cell), to: &row) }
  }

  /// A value as a trimmed cell, empty for null; nil where it isn't a text.
  private static func text(of value: JSONValue, in column: Column) -> String? {
    switch value.kind {
    case .null: return ""
    case .string(let text):
      guard let start = text.utf8.firstIndex(where: { !$0.isASCIISpace }),
        let end = text.utf8.lastIndex(where: { !$0.isASCIISpace })
      else { return "" }
      return String(text[start...end])
    case .number(let text) where mayBeNumbers.contains(column) && text.isASCIIDigits: return text
    default: return nil
    }
  }

  /// Columns whose values other programs like to write without quotes; a leading zero cannot be among them.
  private static let mayBeNumbers: Set<Column> = [
    .id, .reference, .zip, .phone, .dob, .idNumber, .idIssued, .idExpiry,
  ]
}

// Objects that are not lines: each over several lines, or the elements of a list.
extension JSONReader {
  /// Whether the first object goes on below its line: it isn't closed there, and what follows is no other object.
  private mutating func isSpread() throws -> Bool {
    while let byte = try window.byte(at: 0), byte.isASCIISpace { window.take(1) }
    let line = try window.lineStart(atMost: limit)
    var scan = JSONScan()
    for byte in line { scan.take(byte) }
    guard scan.depth > 0 else { return false }
    var offset = line.count
    while offset <= limit, let byte = try window.byte(at: offset) {
      guard byte.isASCIISpace else { return "\"}]:,".utf8.contains(byte) }
      offset += 1
    }
    return false
  }

  /// The row of the next element, nil at the end.
  private mutating func nextElement() throws -> RawRow? {
    // Between elements stand blanks, commas and the brackets of lists.
    while let byte = try window.byte(at: 0), byte.isASCIISpace || ",[]".utf8.contains(byte) {
      if byte == UInt8(ascii: "[") { isInList = true }
      if byte == UInt8(ascii: "]") { isInList = false }
      window.take(1)
    }
    guard let first = try window.byte(at: 0) else {
      guard isInList else { return nil }
      isInList = false
      return RawRow(
        line: window.line,
        problems: [
          StageFailure(
            .malformedRow, "the list of rows is not closed: the manifest may be cut off",
            hint: "get the whole file; the rows before this line were read")
        ], evidence: Array("]".utf8))
    }
    return first == UInt8(ascii: "{") ? try readObject() : try readOther()
  }

  private mutating func readObject() throws -> RawRow {
    let line = window.line
    var (scan, length) = (JSONScan(), 0)
    while let byte = try window.byte(at: length), !scan.isBroken,
      !(scan.isInString && byte.isLineEnd)
    {
      guard length <= limit else { return try broken(.rowTooLong(limit)) }
      scan.take(byte)
      length += 1
      if scan.depth == 0, !scan.isBroken { return try row(take(length), line: line) }
    }
    let detail =
      "the object that starts on line \(line) has no end, or a line ends inside a string"
    return try broken(StageFailure(.malformedRow, detail))
  }

  /// An element that is no object: up to the next separator.
  private mutating func readOther() throws -> RawRow {
    let line = window.line
    var (scan, length) = (JSONScan(), 0)
    while length <= limit, let byte = try window.byte(at: length),
      scan.isInString || !(byte.isLineEnd || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]"))
    {
      scan.take(byte)
      length += 1
    }
    return try row(take(length), line: line)
  }

  private mutating func take(_ length: Int) -> [UInt8] {
    let text = Array(window.bytes[window.start..<window.start + length])
    window.take(length)
    return text
  }

  /// A row that cannot be read; the next one starts with the next brace that opens a line or follows a comma.
  private mutating func broken(_ failure: StageFailure) throws -> RawRow {
    try window.checkReading()
    let line = window.line
    let text = try window.lineStart(atMost: RawRow.evidenceLimit)
    var last = UInt8(ascii: "{")
    window.take(1)
    while let byte = try window.byte(at: 0),
      byte != UInt8(ascii: "{") || !(last.isLineEnd || last == UInt8(ascii: ","))
    {
      if byte != 0x20, byte != 0x09 { last = byte }
      window.take(1)
    }
    if window.count == 0 { isInList = false }
    return refused(text, failure, line)
  }
}

/// Follows the brackets and strings of a JSON text that may be damaged or end anywhere, byte by byte.
private struct JSONScan {
  /// The brackets that are open, by the bytes that close them.
  private var open: [UInt8] = []
  private(set) var isInString = false
  /// Whether a bracket was closed by one of the other kind: one of the two is missing.
  private(set) var isBroken = false
  private var isEscaped = false

  /// Whether a text that is no JSON from an offset on has no object around that place, or one that isn't closed.
  static func isNoObject(_ text: [UInt8], upTo offset: Int) -> Bool {
    var scan = JSONScan()
    for byte in text[..<offset] { scan.take(byte) }
    guard scan.depth > 0 else { return true }
    for byte in text[offset...] { scan.take(byte) }
    return scan.depth > 0
  }

  /// How many brackets are open.
  var depth: Int { open.count }

  mutating func take(_ byte: UInt8) {
    if isInString {
      if !isEscaped, byte == UInt8(ascii: "\"") { isInString = false }
      isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      return
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"): open.append(UInt8(ascii: "}"))
    case UInt8(ascii: "["): open.append(UInt8(ascii: "]"))
    case UInt8(ascii: "}"), UInt8(ascii: "]"): if open.popLast() != byte { isBroken = true }
    default: break
    }
  }
}
