/// What an assembler builds a request from: one row and its images, ready to send.
public struct Assembly: Sendable {
  /// The row.
  public let record: IntakeRecord
  /// The images by side; empty for operations that send none.
  public let images: [Side: EncodedImage]

  /// Joins a row with its images.
  public init(record: IntakeRecord, images: [Side: EncodedImage]) {
    self.record = record
    self.images = images
  }
}
