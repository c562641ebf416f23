public import IntakeCore

extension Bitmap {
  /// The picture as a JPEG, 4:2:0 or gray, without metadata; `quality` is 1 to 100 on the IJG scale.
  ///
  /// - Throws: `StageFailure` when there is no memory for it.
  public func jpeg(quality: Int) throws(StageFailure) -> [UInt8] {
    let encoder = JPEGEncoder(self, density: nil, profile: nil)
    let quality = min(100, max(1, quality))
    let encoded = try encoder.encode(quality: quality, tables: .standard, capacity: .max)
    guard let bytes = encoded.bytes else {
      throw StageFailure(.internalError, "a JPEG of \(encoded.size) bytes is larger than foreseen")
    }
    return bytes
  }
}
