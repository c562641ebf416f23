import IntakeCore

/// What separates the cells of a CSV manifest.
enum Delimiter: String, CaseIterable {
  case comma, semicolon, tab

  /// The byte itself.
  var byte: UInt8 {
    switch self {
    case .comma: return UInt8(ascii: ",")
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
    for delimiter in allCases {
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
      switch parser.parse(window.bytes, from: window.start, isLast: window.isLast) {
      case .record: return parser.cells.map { window.text(of: $0).text ?? "" }
      case .fault: return []
      case .needsMore:
        guard window.count <= limit else { return [] }
        _ = try window.grow()
      }
    }
  }
}
