/// The side of a document that a scan shows.
public enum Side: String, Sendable, Hashable, CaseIterable, Comparable {
  case front, back

  /// Front comes before back.
  public static func < (left: Side, right: Side) -> Bool { left == .front && right == .back }
}

/// A scan that has not been read yet: its path as the manifest gives it, and the way to its bytes.
public struct ImageFile: Sendable {
  /// The side it shows.
  public let side: Side
  /// The path as the manifest gives it; shown to the operator, never kept.
  public let path: String
  private let reader: @Sendable (_ limit: Int) throws -> [UInt8]

  /// Names a file and says how to read at most `limit` bytes of it; a larger file must throw.
  public init(
    side: Side, path: String, reader: @escaping @Sendable (_ limit: Int) throws -> [UInt8]
  ) {
    self.side = side
    self.path = path
    self.reader = reader
  }

  /// Reads the whole file; blocks, so call it from a stage only.
  ///
  /// - Throws: `StageFailure` when the file is missing, unreadable, no regular file or larger than `limit` bytes.
  public func read(atMost limit: Int) throws -> [UInt8] { try reader(limit) }
}
