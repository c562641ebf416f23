import IntakeCore

/// Finds the header of a CSV manifest: below blank lines, a `sep=` line, and a title of up to nine lines.
struct HeaderSearch {
  let names: ColumnNames
  let limit: Int
  let notes: ManifestNotes
  /// A title, a date and a blank line above the header are usual; ten lines of data without a header are not.
  private static let mostLines = 10

  /// Passes over what stands above the header and gives the delimiter under which it names the most columns.
  ///
  /// Only the header decides: rows hold addresses with commas and notes with anything.
  func run(_ window: inout ByteWindow, _ given: Delimiter) throws -> UInt8 {
    try skipBlankLines(&window)
    let declared = try separatorLine(&window)
    if declared != nil { try skipBlankLines(&window) }
    let usual = Delimiter.allCases.compactMap(\.byte)
    let candidates = (given.byte ?? declared).map { [$0] } ?? usual
    let (lines, delimiter, known) = try search(&window, candidates)
    if known == 0, given == .auto, let declared {
      let shown = try search(&window, usual)
      guard shown.known == 0 else { throw contradiction(declared, shown.delimiter) }
    }
    try passOver(lines, &window, delimiter)
    if lines > 0 {
      notes.say(
        lines == 1
          ? "the line above the header is passed over"
          : "\(lines) lines above the header are passed over")
    }
    if declared != nil, given == .auto {
      notes.say("cells are separated by \(Delimiter.name(delimiter)), as the sep= line says")
    } else if given == .auto, delimiter != UInt8(ascii: ",") {
      notes.say(
        "the manifest's cells are separated by \(Delimiter.name(delimiter)), as its header shows")
    }
    return delimiter
  }

  /// Passes over a title; whoever sorts a manifest has customers there, whom nobody would miss.
  private func passOver(_ lines: Int, _ window: inout ByteWindow, _ delimiter: UInt8) throws {
    var places = [0]
    for line in 0..<lines {
      places.append(places[line])
      _ = try skipLine(&places[line + 1], &window)
    }
    let header = try cells(of: &window, at: places[lines], delimiter)
    let columns = (header.lastIndex { !$0.isEmpty } ?? 0) + 1
    for line in 0..<lines {
      let cells = try cells(of: &window, at: places[line], delimiter)
      let text = window.bytes[window.start + places[line]..<window.start + places[line + 1]]
      guard
        cells.count >= columns && cells.count(where: { !$0.isEmpty }) > 1
          || CSVReader.namesMailboxOrFile(text)
      else { continue }
      throw unusable(
        "line \(window.line + line) stands above the header and looks like a row",
        hint: "move the header to the top, or delete the line where it is a title")
    }
    for _ in 0..<lines where try window.reachNext() { try window.skipLine() }
  }

  private func contradiction(_ declared: UInt8, _ shown: UInt8) -> StageFailure {
    unusable(
      "the sep= line says that cells are separated by \(Delimiter.name(declared)), but the header separates them "
        + "by \(Delimiter.name(shown))", hint: "correct or delete the sep= line")
  }

  private func skipBlankLines(_ window: inout ByteWindow) throws {
    while try window.reachNext(), window.bytes[window.start].isLineEnd {
      window.takeLine(upTo: window.start)
    }
  }

  /// Takes a line such as `sep=;`, which Excel reads and writes; gives its delimiter.
  private func separatorLine(_ window: inout ByteWindow) throws -> UInt8? {
    guard try window.reachNext() else { return nil }
    var line = try window.lineStart(atMost: 32)[...]
    if line.first == UInt8(ascii: "\"") { line = line.dropFirst() }
    guard line.prefix(4).map(\.asciiLowercased) == Array("sep=".utf8),
      let delimiter = line.dropFirst(4).first, delimiter < 0x80, delimiter != UInt8(ascii: "\""),
      line.dropFirst(5).allSatisfy({ $0 == 0x22 || $0 == 0x20 || $0 == delimiter })
    else { return nil }
    try window.skipLine()
    return delimiter
  }

  /// How many lines to pass over, the delimiter of the line behind them, and how many columns it names.
  ///
  /// The first line is taken where it is a header or no better one follows: what is wrong with it is said then.
  private func search(_ window: inout ByteWindow, _ delimiters: [UInt8]) throws
    -> (lines: Int, delimiter: UInt8, known: Int)
  {
    var first: (known: Int, delimiter: UInt8) = (0, delimiters[0])
    var offset = 0
    for line in 0..<HeaderSearch.mostLines {
      guard try window.byte(at: offset) != nil else { break }
      var best = (known: 0, named: 0, delimiter: delimiters[0])
      for delimiter in delimiters {
        let cells = try cells(of: &window, at: offset, delimiter).filter { !$0.isEmpty }
        let known = cells.count(where: names.isKnown)
        if known > best.known { best = (known, cells.count, delimiter) }
      }
      if line == 0 { first = (best.known, best.delimiter) }
      // A word of a title may be the name of a column: below the first line it takes two.
      if best.known * 2 >= best.named, best.known > (line == 0 ? 0 : 1) {
        return (line, best.delimiter, best.known)
      }
      guard first.known == 0 || line > 0, try skipLine(&offset, &window) else { break }
    }
    return (0, first.delimiter, first.known)
  }

  /// Moves behind the line that starts there; false where it is too long for a title, or the last one.
  private func skipLine(_ offset: inout Int, _ window: inout ByteWindow) throws -> Bool {
    while offset <= limit, let byte = try window.byte(at: offset) {
      offset += 1
      guard byte.isLineEnd else { continue }
      if byte == 0x0D, try window.byte(at: offset) == 0x0A { offset += 1 }
      return true
    }
    return false
  }

  private func cells(of window: inout ByteWindow, at offset: Int, _ delimiter: UInt8) throws
    -> [String]
  {
    var parser = CSVParser(delimiter: delimiter)
    while true {
      do throws(CSVStop) {
        _ = try parser.parse(window.bytes, from: window.start + offset, isLast: window.isLast)
        return parser.cells.map { window.text(of: $0) ?? "" }
      } catch {
        guard case .needsMore = error, !window.isLast, window.count <= limit else { return [] }
      }
      _ = try window.grow()
    }
  }
}

enum Delimiter: String, CaseIterable {
  /// The one that the header shows.
  case auto
  case comma, semicolon, tab, pipe

  var byte: UInt8? {
    switch self {
    case .auto: nil
    case .comma: UInt8(ascii: ",")
    case .semicolon: UInt8(ascii: ";")
    case .tab: 0x09
    case .pipe: UInt8(ascii: "|")
    }
  }

  /// `a semicolon`, and the character itself for one without a name.
  static func name(_ byte: UInt8) -> String {
    guard let known = allCases.first(where: { $0.byte == byte }) else {
      return Sanitizer.clean(String(UnicodeScalar(byte)).quoted())
    }
    return "a " + known.rawValue
  }
}
