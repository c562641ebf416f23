import IntakeCore

/// The rows of a JSON manifest: objects with the names of the columns, one a line (JSON Lines), each over several
/// lines, or the elements of one list.
struct JSONReader: RowReader, ~Copyable {
  private enum Layout { case lines, spread, list }

  private var window: ByteWindow
  private let names: ColumnNames
  private let limit: Int
  private let cleaner: CellCleaner
  private var layout: Layout
  /// Whether the bracket that opened a list has not been closed.
  private var isInList = false
  private var otherNames = OtherNames(noun: "field")
  private var meanings: [String: ColumnNames.Meaning] = [:]
  private var first: RawRow?
  /// The columns in the order in which the rows bring them.
  private let table = SourceTable(delimiter: UInt8(ascii: ","), columns: [])

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
    layout = isList ? .list : .lines
    if isList {
      cleaner.notes.say("the manifest is a JSON list, whose elements are its rows")
    } else if try isSpread() {
      layout = .spread
      cleaner.notes.say("the manifest is JSON with objects over several lines")
    }
    first = try read(isFirst: true)
    for notice in otherNames.notices { cleaner.notes.say(notice) }
  }

  /// None, as columns are not known before the last row: a field that the first rows lack may come later.
  var warnings: [String] { [] }
  var columns: Set<ColumnName>? { nil }
  var share: Double? { window.share }
  var linesLeft: Int? { layout == .lines ? window.linesLeft : nil }

  mutating func nextAtHand() throws -> RawRow? {
    guard layout == .lines else {
      return first == nil ? try readObject(mayRead: false, isFirst: false) : nil
    }
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
    guard layout == .lines else { return try readObject(mayRead: true, isFirst: isFirst) }
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
    guard text.count <= limit else { return try tooLong(text, line) }
    window.takeLine(upTo: window.start + text.count)
    return text.allSatisfy(\.isASCIISpace) ? nil : try row(text, line: line, isFirst: isFirst)
  }

  private mutating func tooLong(_ text: [UInt8], _ line: Int) throws -> RawRow {
    let evidence = try window.lineStart(atMost: RawRow.evidenceLimit)
    try window.skipLine()
    return RawRow(
      line: line, problems: [.rowTooLong(limit)], evidence: evidence, source: whole(text))
  }

  private mutating func row(_ text: [UInt8], line: Int, isFirst: Bool) throws -> RawRow {
    var row = RawRow(line: line)
    switch Result(catching: { () throws(JSONParser.Failure) in try JSONParser.parse(text) }) {
    case .success(let value):
      let fields = value.fields ?? []
      if isFirst { try checkNames(fields.map(\.name), line: line) }
      for field in fields where !hasBetterName(field, among: fields) {
        read(field, of: text, into: &row)
      }
      if value.fields == nil {
        row.problems.append(
          StageFailure(.malformedRow, "a row is an object, not \(value.kindName)"))
      }
    case .failure(let failure):
      row.problems.append(
        StageFailure(
          .malformedRow, "\(place(failure.offset, text, line)): \(failure.message)",
          hint: layout == .lines ? "write one JSON object a line" : nil))
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

  /// Where something is: the manifest's line, and the column in characters.
  private func place(_ offset: Int, _ text: [UInt8], _ line: Int) -> String {
    let position = TextPosition(offset: offset, in: text)
    return "line \(line + position.line - 1), column \(position.column)"
  }

  private mutating func read(
    _ field: JSONField, of text: [UInt8], into row: inout RawRow
  ) {
    switch meaning(of: field.name) {
    case .ignored: return
    case .unknown(let reason):
      let place = place(field.offset, text, row.line)
      let detail = "\(place): \(ColumnNames.shown(field.name, column: nil)) \(reason)"
      row.problems.append(StageFailure(.malformedRow, detail, hint: ColumnNames.hint))
    case .column(let name) where row.cells.contains { $0.name == name }:
      row.problems.append(
        StageFailure(.malformedRow, "two fields stand for \(name)", column: name))
    case .column(let name), .known(let name, _):
      if let cell = JSONReader.text(of: field.value, in: name.column) {
        if !cell.isEmpty { cleaner.add(name, cell, ByteKinds(of: cell), to: &row) }
      } else {
        let place = place(field.value.offset, text, row.line)
        row.problems.append(
          StageFailure(
            .malformedRow, "\(place): \(name) is a text, not \(field.value.kindName)",
            hint: "write the value in quotes", column: name))
      }
    }
  }

  /// Refuses a manifest whose first row has names that nobody knows, with the options that read them.
  private func checkNames(_ fields: [String], line: Int) throws(StageFailure) {
    let columns = HeaderColumns(fields, names, areNumbered: false)
    guard !columns.problems.isEmpty else { return }
    throw unusable(
      "the row at line \(line): \(Header.list(columns.problems))", hint: ColumnNames.hint,
      remedy: columns.remedy)
  }

  /// Whether another field of the row has the column's own name, or a more usual one.
  private mutating func hasBetterName(_ field: JSONField, among fields: [JSONField]) -> Bool {
    guard names.takesKnown, case .known(let column, let rank) = meaning(of: field.name) else {
      return false
    }
    for other in fields where other.offset != field.offset {
      switch meaning(of: other.name) {
      case .column(column): return true
      case .known(column, let otherRank) where (otherRank, other.offset) < (rank, field.offset):
        return true
      default: continue
      }
    }
    return false
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
    case .column(let column), .known(let column, _): otherNames.note(name, readAs: column)
    case .unknown: break
    }
    return meaning
  }
}

// Objects that are not lines: each over several lines, or the elements of a list.
extension JSONReader {
  /// Where an object that starts at the window's front ends.
  private enum End {
    case found(Int)
    /// A line ends inside a string, or the manifest inside the object.
    case missing
    case tooLong
    /// More would have to be read for it.
    case unknown
  }

  /// Whether the first object goes on below its line: it isn't closed there, and what follows is no other object.
  private mutating func isSpread() throws -> Bool {
    while try window.reachNext(), window.bytes[window.start].isASCIISpace {
      window.take(upTo: window.start + 1)
    }
    let line = try window.lineStart(atMost: limit)
    guard JSONReader.depth(line) > 0 else { return false }
    var offset = line.count
    while true {
      if window.start + offset == window.bytes.count {
        guard try window.grow() else { return false }
      }
      let byte = window.bytes[window.start + offset]
      guard byte.isASCIISpace else { return "\"}]:,".utf8.contains(byte) }
      guard offset <= limit else { return false }
      offset += 1
    }
  }

  /// The brackets that a line leaves open.
  private static func depth(_ line: [UInt8]) -> Int {
    var (scan, depth) = (JSONScan(), 0)
    for byte in line { depth = scan.depth(after: byte) }
    return depth
  }

  /// The next element, nil at the end, or where more would have to be read for it.
  private mutating func readObject(mayRead: Bool, isFirst: Bool) throws -> RawRow? {
    guard try skipSeparators(mayRead) else {
      guard mayRead, isInList else { return nil }
      isInList = false
      return RawRow(
        line: window.line,
        problems: [
          StageFailure(
            .malformedRow, "the list of rows is not closed: the manifest may be cut off",
            hint: "get the whole file; the rows before this line were read")
        ], evidence: Array("]".utf8))
    }
    let line = window.line
    guard window.bytes[window.start] == UInt8(ascii: "{") else {
      return try readOther(mayRead, line: line, isFirst: isFirst)
    }
    switch try end(mayRead) {
    case .unknown: return nil
    case .found(let end):
      let text = Array(window.bytes[window.start..<end])
      window.take(upTo: end)
      return try row(text, line: line, isFirst: isFirst)
    case .tooLong: return try broken(.rowTooLong(limit), line)
    case .missing:
      let detail =
        "the object that starts on line \(line) has no end, or a line ends inside a string"
      return try broken(StageFailure(.malformedRow, detail), line)
    }
  }

  /// Passes over blanks, commas and the brackets of lists; false where nothing follows in reach.
  private mutating func skipSeparators(_ mayRead: Bool) throws -> Bool {
    while true {
      while window.start < window.bytes.count {
        let byte = window.bytes[window.start]
        if byte == UInt8(ascii: "[") { isInList = true }
        if byte == UInt8(ascii: "]") { isInList = false }
        guard byte.isASCIISpace || byte == UInt8(ascii: ",") || byte == 0x5B || byte == 0x5D else {
          return true
        }
        window.take(upTo: window.start + 1)
      }
      guard mayRead, try window.grow() else { return false }
    }
  }

  private mutating func end(_ mayRead: Bool) throws -> End {
    var (scan, offset) = (JSONScan(), 0)
    while true {
      while window.start + offset < window.bytes.count {
        guard offset <= limit else { return .tooLong }
        let byte = window.bytes[window.start + offset]
        if scan.isInString, byte.isLineEnd { return .missing }
        offset += 1
        let depth = scan.depth(after: byte)
        if scan.isBroken { return .missing }
        if depth == 0 { return .found(window.start + offset) }
      }
      guard mayRead else { return .unknown }
      guard try window.grow() else { return .missing }
    }
  }

  /// A row that cannot be read; the next one starts with the next brace that opens a line or follows a comma.
  private mutating func broken(_ failure: StageFailure, _ line: Int) throws -> RawRow {
    let text = try window.lineStart(atMost: RawRow.evidenceLimit)
    var last = UInt8(ascii: "{")
    window.take(upTo: window.start + 1)
    while true {
      while window.start < window.bytes.count {
        let byte = window.bytes[window.start]
        let opens = last.isLineEnd || last == UInt8(ascii: ",")
        if byte == UInt8(ascii: "{"), opens {
          return RawRow(line: line, problems: [failure], evidence: text, source: whole(text))
        }
        if byte != 0x20, byte != 0x09 { last = byte }
        window.take(upTo: window.start + 1)
      }
      guard try window.grow() else {
        isInList = false
        return RawRow(line: line, problems: [failure], evidence: text, source: whole(text))
      }
    }
  }

  /// An element that is no object: up to the next separator.
  private mutating func readOther(_ mayRead: Bool, line: Int, isFirst: Bool) throws -> RawRow? {
    guard mayRead else { return nil }
    var (scan, offset) = (JSONScan(), 0)
    while true {
      if window.start + offset == window.bytes.count {
        guard try window.grow() else { break }
      }
      let byte = window.bytes[window.start + offset]
      let ends = byte.isLineEnd || byte == UInt8(ascii: ",") || byte == 0x5D
      guard !(ends && !scan.isInString), offset <= limit else { break }
      _ = scan.depth(after: byte)
      offset += 1
    }
    let text = Array(window.bytes[window.start..<window.start + offset])
    window.take(upTo: window.start + max(1, offset))
    return try row(text, line: line, isFirst: isFirst)
  }
}

/// Follows the brackets and strings of a JSON text, byte by byte.
private struct JSONScan {
  /// The brackets that are open, by the bytes that close them.
  private var open: [UInt8] = []
  private(set) var isInString = false
  /// Whether a bracket was closed by one of the other kind: one of the two is missing.
  private(set) var isBroken = false
  private var isEscaped = false

  /// How many brackets are open behind the byte.
  mutating func depth(after byte: UInt8) -> Int {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      return open.count
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"): open.append(UInt8(ascii: "}"))
    case UInt8(ascii: "["): open.append(UInt8(ascii: "]"))
    case UInt8(ascii: "}"), UInt8(ascii: "]"): if open.popLast() != byte { isBroken = true }
    default: break
    }
    return open.count
  }
}
