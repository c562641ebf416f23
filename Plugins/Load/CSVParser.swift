/// One cell as it stands in the window: what it holds lies between the quotes, where it has any.
struct CSVCell {
  /// Where its content stands.
  var range: Range<Int>
  /// Whether `""` in it stands for one quote.
  var hasDoubledQuotes = false
}

/// What keeps a record from being read.
enum CSVFault: Equatable {
  case quoteInsideCell(cell: Int)
  case textAfterQuote(cell: Int)
  case unclosedQuote
  case tooLong
}

/// What became of an attempt to read one record.
enum CSVResult {
  /// The record ends before `end`, after so many line ends.
  case record(end: Int, lines: Int, endsInCarriageReturn: Bool)
  /// The window ends before the record does.
  case needsMore(insideQuotes: Bool)
  case fault(CSVFault)
}

/// Finds the cells of one CSV record (RFC 4180) in bytes that may end anywhere; copies nothing.
///
/// It keeps no state between attempts: when the window ends too early, more is read and the record is
/// scanned anew, which costs 16 scans at most for a record of 1 MiB.
struct CSVParser {
  /// What separates cells.
  let delimiter: UInt8
  /// The cells of the last record, at most `mostCells` of them.
  private(set) var cells: [CSVCell] = []
  /// How many cells the last record has.
  private(set) var cellCount = 0
  /// 1 MiB of commas would make 32 MB of cells; no header has more columns than this.
  private static let mostCells = 1_024
  private var lines = 0

  init(delimiter: UInt8) { self.delimiter = delimiter }

  private enum CellEnd {
    case delimiter(Int)
    case line(Int)
    case end
    case needsMore(insideQuotes: Bool)
    case fault(CSVFault)
  }

  /// Reads the record that starts at `start`.
  mutating func parse(_ bytes: [UInt8], from start: Int, isLast: Bool) -> CSVResult {
    cells.removeAll(keepingCapacity: true)
    cellCount = 0
    lines = 0
    var position = start
    while true {
      switch cell(bytes, from: position, isLast: isLast) {
      case .delimiter(let end): position = end + 1
      case .line(let end):
        let isReturn = bytes[end] == 0x0D
        let isPair = isReturn && end + 1 < bytes.count && bytes[end + 1] == 0x0A
        return .record(
          end: end + (isPair ? 2 : 1), lines: lines + 1, endsInCarriageReturn: isReturn && !isPair)
      case .end: return .record(end: bytes.count, lines: lines + 1, endsInCarriageReturn: false)
      case .needsMore(let insideQuotes): return .needsMore(insideQuotes: insideQuotes)
      case .fault(let fault): return .fault(fault)
      }
    }
  }

  private mutating func add(_ cell: CSVCell) {
    cellCount += 1
    if cellCount <= CSVParser.mostCells { cells.append(cell) }
  }

  /// Blanks around the quotes of a quoted cell are let through: values are trimmed anyway.
  private func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (byte == 0x09 && delimiter != 0x09)
  }

  private mutating func cell(_ bytes: [UInt8], from start: Int, isLast: Bool) -> CellEnd {
    var position = start
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      return quotedCell(bytes, from: position + 1, isLast: isLast)
    }
    while position < bytes.count {
      let byte = bytes[position]
      if byte == delimiter {
        add(CSVCell(range: start..<position))
        return .delimiter(position)
      }
      if byte == 0x0A || byte == 0x0D {
        add(CSVCell(range: start..<position))
        return .line(position)
      }
      if byte == UInt8(ascii: "\"") { return .fault(.quoteInsideCell(cell: cellCount + 1)) }
      position += 1
    }
    guard isLast else { return .needsMore(insideQuotes: false) }
    add(CSVCell(range: start..<position))
    return .end
  }

  private mutating func quotedCell(_ bytes: [UInt8], from start: Int, isLast: Bool) -> CellEnd {
    var position = start
    var hasDoubledQuotes = false
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        guard position + 1 < bytes.count || isLast else { break }
        guard position + 1 < bytes.count, bytes[position + 1] == byte else {
          let cell = CSVCell(range: start..<position, hasDoubledQuotes: hasDoubledQuotes)
          return afterQuote(cell, bytes, isLast: isLast)
        }
        hasDoubledQuotes = true
        position += 1
      } else if byte == 0x0A {
        lines += 1
      } else if byte == 0x0D, position + 1 == bytes.count || bytes[position + 1] != 0x0A {
        lines += 1
      }
      position += 1
    }
    return isLast ? .fault(.unclosedQuote) : .needsMore(insideQuotes: true)
  }

  private mutating func afterQuote(_ cell: CSVCell, _ bytes: [UInt8], isLast: Bool) -> CellEnd {
    var position = cell.range.upperBound + 1
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    guard position < bytes.count else {
      guard isLast else { return .needsMore(insideQuotes: false) }
      add(cell)
      return .end
    }
    let byte = bytes[position]
    guard byte == delimiter || isLineEnd(byte) else {
      return .fault(.textAfterQuote(cell: cellCount + 1))
    }
    add(cell)
    return byte == delimiter ? .delimiter(position) : .line(position)
  }
}
