/// A place in a text as people count: lines from 1, columns from 1 in characters.
public struct TextPosition: Sendable, Hashable, CustomStringConvertible {
  /// Line, from 1.
  public let line: Int
  /// Column, from 1.
  public let column: Int

  /// Finds the place of a byte offset in a UTF-8 text.
  public init(offset: Int, in bytes: [UInt8]) {
    let before = bytes.prefix(offset)
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    line = before.count { $0 == 0x0A } + 1
    // Continuation bytes of UTF-8 (10xxxxxx) are no characters of their own.
    column = before[start...].count { $0 & 0xC0 != 0x80 } + 1
  }

  /// `line 3, column 14`.
  public var description: String { "line \(line), column \(column)" }
}
