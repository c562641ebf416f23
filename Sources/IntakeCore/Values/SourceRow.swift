import Synchronization

/// A row as the manifest has it, so that it can be written down again for the operator to correct.
public struct SourceRow: Sendable {
  /// The row as one CSV record without its line end; one that cannot be read is a single quoted cell.
  public let record: Personal<[UInt8]>
  /// The table that the row is from.
  public let table: SourceTable
  /// How many of the table's columns the record has cells for; those that came later are missing at its end.
  public let columns: Int

  /// Takes a record; without `columns`, no column is ever missing from it.
  public init(_ record: [UInt8], in table: SourceTable, columns: Int = .max) {
    self.record = Personal(record)
    self.table = table
    self.columns = columns
  }
}

/// What the rows of a manifest have in common when they are written down again.
public final class SourceTable: Sendable {
  /// The byte between two cells.
  public let delimiter: UInt8
  /// What each cell of a record is read as, nil for an ignored one; nil if columns have their own names.
  public let meanings: [ColumnName?]?
  private let isMarked: @Sendable () -> Bool
  private let columns: Mutex<[[UInt8]]>

  /// Takes the columns, each as its header cell is written; the whole header of a CSV manifest may be one of them.
  ///
  /// `isMarked` says at the end whether the manifest had a byte order mark or another encoding than UTF-8.
  public init(
    delimiter: UInt8, columns: [[UInt8]], meanings: [ColumnName?]? = nil,
    isMarked: @escaping @Sendable () -> Bool = { false }
  ) {
    self.delimiter = delimiter
    self.meanings = meanings
    self.isMarked = isMarked
    self.columns = Mutex(columns)
  }

  /// What a file of these rows begins with: a byte order mark, without which Excel misreads what isn't ASCII; nothing
  /// where the manifest was UTF-8 without one.
  public var byteOrderMark: [UInt8] { isMarked() ? [0xEF, 0xBB, 0xBF] : [] }

  /// How many columns there are so far.
  public var count: Int { columns.withLock(\.count) }

  /// The header as one CSV record without its line end, with every column so far.
  public var header: [UInt8] {
    Array(columns.withLock(\.self).joined(separator: [delimiter]))
  }

  /// The place of a column from 0; one that is new is added at the end.
  public func place(of column: String) -> Int {
    columns.withLock { columns in
      let name = Array(column.utf8)
      if let place = columns.firstIndex(of: name) { return place }
      columns.append(name)
      return columns.count - 1
    }
  }

  /// The columns that are added to rows that were not accepted; a loader ignores them silently.
  public static let notes = ["reason", "hint", "next"]
  /// What precedes the name of a column that was kept beside the one it was read as; ignored likewise.
  public static let originalMark = "original:"

  /// Whether a column, by its name in lower case, was added when rows were written down.
  public static func isNote(_ name: String) -> Bool {
    notes.contains(name) || name.hasPrefix(originalMark)
  }

  /// The content of each cell of a well-formed record.
  public static func cells(of record: [UInt8], delimiter: UInt8) -> [[UInt8]] {
    let quote = UInt8(ascii: "\"")
    var (cells, cell, isQuoted, last) = ([[UInt8]](), [UInt8](), false, UInt8(0))
    for byte in record {
      if byte == quote {
        // The second of two is one that belongs to the text.
        if !isQuoted, last == quote { cell.append(quote) }
        isQuoted.toggle()
      } else if byte == delimiter, !isQuoted {
        cells.append(cell)
        cell = []
      } else {
        cell.append(byte)
      }
      last = byte
    }
    return cells + [cell]
  }

  /// Text as a CSV cell (RFC 4180): in quotes where it has to be.
  public static func cell(_ text: [UInt8], delimiter: UInt8) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    let isPlain =
      text.allSatisfy { $0 != quote && $0 != delimiter && $0 >= 0x20 }
      && text.first != 0x20 && text.last != 0x20
    guard !isPlain else { return text }
    return [quote] + text.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
  }
}
