import IntakeCore

/// One cell as it lies in the window: what it holds is between the quotes, where it has any.
struct CSVCell {
  let range: Range<Int>
  /// Whether `""` in it means one quote.
  var hasDoubledQuotes = false
  var kinds: ByteKinds = []
  var lineEnds = 0
}

/// What a cell holds besides letters, digits and ordinary signs; nothing in nearly every one.
struct ByteKinds: OptionSet, Sendable {
  let rawValue: UInt8

  static let blank = ByteKinds(rawValue: 1)
  /// Control characters, and ASCII that a damaged text may hold instead of a letter: `&`, `?`, `\`.
  static let odd = ByteKinds(rawValue: 2)
  static let beyondASCII = ByteKinds(rawValue: 4)

  /// The kinds of every byte.
  static let table: [UInt8] = (0...255 as ClosedRange<UInt8>).map { byte in
    if byte >= 0x80 { return beyondASCII.rawValue }
    if byte == 0x20 { return blank.rawValue }
    return byte < 0x20 || byte == 0x7F || "&?\\".utf8.contains(byte) ? odd.rawValue : 0
  }

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(of text: String) {
    rawValue = text.utf8.reduce(0) { $0 | ByteKinds.table[Int($1)] }
  }
}

/// Why a record could not be read from the bytes at hand.
enum CSVStop: Error {
  /// The bytes end before the record does.
  case needsMore(insideQuotes: Bool)
  case fault(StageFailure)
}

/// Finds the cells of one CSV record (RFC 4180) in bytes that may end anywhere; copies nothing.
///
/// It keeps no state between attempts: when the bytes end too early, more is read and the record is
/// scanned again, which costs at most 16 scans for a record of 1 MiB.
struct CSVParser {
  let delimiter: UInt8
  /// The kinds of the bytes, and a bit more for those that end a cell or cannot stand in it.
  private let table: [UInt8]
  private static let stop: UInt8 = 0x80
  /// The cells of the last record, at most `mostCells` of them.
  private(set) var cells: [CSVCell] = []
  private(set) var cellCount = 0
  /// How many lines the last record takes, from 1.
  private(set) var lines = 1
  /// 1 MiB of commas would make 32 MB of cells; no header has more columns than this.
  private static let mostCells = 1_024

  init(delimiter: UInt8) {
    self.delimiter = delimiter
    var table = ByteKinds.table
    for byte in [delimiter, 0x0A, 0x0D, UInt8(ascii: "\"")] { table[Int(byte)] |= CSVParser.stop }
    self.table = table
  }

  /// Reads the record at `start` and returns the place of its line end, or the end of the bytes after the last record.
  mutating func parse(_ bytes: [UInt8], from start: Int, isLast: Bool) throws(CSVStop) -> Int {
    cells.removeAll(keepingCapacity: true)
    cellCount = 0
    lines = 1
    var end = try cell(bytes, from: start, isLast: isLast)
    while end < bytes.count, bytes[end] == delimiter {
      end = try cell(bytes, from: end + 1, isLast: isLast)
    }
    return end
  }

  private mutating func add(_ cell: CSVCell) {
    cellCount += 1
    if cellCount <= CSVParser.mostCells { cells.append(cell) }
  }

  /// The first place from `start` that is not blank; blanks around quotes are skipped because values are trimmed anyway.
  private func skipBlanks(_ bytes: [UInt8], from start: Int) -> Int {
    var position = start
    while position < bytes.count,
      bytes[position] == 0x20 || (bytes[position] == 0x09 && delimiter != 0x09)
    {
      position += 1
    }
    return position
  }

  /// Reads the cell at `start` and returns the place of the delimiter or line end behind it, or the end of the bytes.
  private mutating func cell(_ bytes: [UInt8], from start: Int, isLast: Bool) throws(CSVStop) -> Int
  {
    var position = skipBlanks(bytes, from: start)
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      return try quotedCell(bytes, from: position + 1, isLast: isLast)
    }
    var kinds: UInt8 = 0
    while position < bytes.count {
      let kind = table[Int(bytes[position])]
      if kind & CSVParser.stop != 0 { break }
      kinds |= kind
      position += 1
    }
    guard position < bytes.count || isLast else { throw .needsMore(insideQuotes: false) }
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      throw .fault(quoteInsideCell)
    }
    add(CSVCell(range: start..<position, kinds: ByteKinds(rawValue: kinds)))
    return position
  }

  private mutating func quotedCell(_ bytes: [UInt8], from start: Int, isLast: Bool) throws(CSVStop)
    -> Int
  {
    let linesBefore = lines
    var position = start
    var hasDoubledQuotes = false
    var kinds: UInt8 = 0
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        guard position + 1 < bytes.count, bytes[position + 1] == byte else { break }
        hasDoubledQuotes = true
        position += 1
      } else if byte == 0x0A {
        lines += 1
      } else if byte == 0x0D, position + 1 == bytes.count || bytes[position + 1] != 0x0A {
        lines += 1
      }
      kinds |= ByteKinds.table[Int(byte)]
      position += 1
    }
    // A quote where the bytes end may be the first of two.
    guard position < bytes.count, position + 1 < bytes.count || isLast else {
      throw .needsMore(insideQuotes: true)
    }
    let end = skipBlanks(bytes, from: position + 1)
    guard end < bytes.count || isLast else { throw .needsMore(insideQuotes: false) }
    guard end == bytes.count || bytes[end] == delimiter || bytes[end].isLineEnd else {
      throw .fault(textAfterQuote)
    }
    add(
      CSVCell(
        range: start..<position, hasDoubledQuotes: hasDoubledQuotes,
        kinds: ByteKinds(rawValue: kinds), lineEnds: lines - linesBefore))
    return end
  }

  private var quoteInsideCell: StageFailure {
    StageFailure(
      .malformedRow, "a quote stands in the middle of cell \(cellCount + 1)",
      hint: "put the whole cell in quotes and double the quote inside")
  }

  private var textAfterQuote: StageFailure {
    StageFailure(
      .malformedRow, "text follows the closing quote of cell \(cellCount + 1)",
      hint: "double quotes that belong to the text, and check for a quote that is not closed")
  }
}
