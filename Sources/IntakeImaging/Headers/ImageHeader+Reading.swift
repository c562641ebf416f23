public import IntakeCore

extension ImageHeader {
  /// Recognises a file by its content and walks its markers or chunks; no pixel is decoded.
  ///
  /// - Throws: `StageFailure` for what is no picture, of another format, broken, cut short or too large.
  public init(reading bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(StageFailure) {
    guard !bytes.isEmpty else { throw StageFailure(.notAnImage, "the file is empty") }
    switch ImageFormat(recognizing: bytes) {
    case _ where bytes.count < 16:
      throw StageFailure(.notAnImage, "the file has \(bytes.count) bytes, too few for a picture")
    case .jpeg: self = try JPEGStructure(bytes, limits: limits).header()
    case .png: self = try PNGStructure(bytes, limits: limits).header
    case nil:
      guard let name = ForeignFormat.name(of: bytes) else {
        throw StageFailure(.notAnImage, "the file's content is neither JPEG nor PNG")
      }
      throw StageFailure(.unsupportedFormat, "the file is \(name), not JPEG or PNG")
    }
  }
}
