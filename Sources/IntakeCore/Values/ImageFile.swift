/// The side of a document that a scan shows.
public enum Side: String, Sendable, Hashable, CaseIterable, Comparable {
  /// The side with the portrait.
  case front
  /// The other side; on many licences it carries a barcode.
  case back

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
  private let measure: @Sendable () -> Int?

  /// Names a file and says how to read at most `limit` bytes of it; a larger file must throw.
  ///
  /// `size` tells the bytes of the file without reading it, nil when they cannot be told.
  public init(
    side: Side, path: String, size: @escaping @Sendable () -> Int? = { nil },
    reader: @escaping @Sendable (_ limit: Int) throws -> [UInt8]
  ) {
    self.side = side
    self.path = path
    self.measure = size
    self.reader = reader
  }

  /// Bytes of the file, nil when there is no such file; asks the system but reads nothing.
  public var size: Int? { measure() }

  /// Reads the whole file; blocks, so call it from a stage only.
  ///
  /// - Throws: `StageFailure` when the file is missing, unreadable, no regular file or larger than `limit` bytes.
  public func read(atMost limit: Int) throws -> [UInt8] { try reader(limit) }
}
