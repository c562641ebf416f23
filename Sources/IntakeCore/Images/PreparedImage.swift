/// An image ready to send: JPEG or PNG bytes without personal metadata, and how they came about.
public struct PreparedImage: Sendable {
  /// The side it shows.
  public let side: Side
  /// The encoded image.
  public let bytes: [UInt8]
  /// What came in, what was tried, what was chosen and why.
  public let report: ShrinkReport

  /// Pairs bytes with their history.
  public init(side: Side, bytes: [UInt8], report: ShrinkReport) {
    self.side = side
    self.bytes = bytes
    self.report = report
  }
}
