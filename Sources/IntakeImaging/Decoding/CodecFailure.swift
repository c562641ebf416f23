import CImaging
import IntakeCore

extension StageFailure {
  /// What a library said, in the pipeline's words; its own text names markers and codes, nothing personal.
  init(_ status: imaging_status, _ format: String, _ message: imaging_message) {
    let text = withUnsafeBytes(of: message.text) { bytes in
      Sanitizer.clean(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self), limit: 160)
    }
    let reason = text.isEmpty ? "" : ": \(text)"
    switch status {
    case .IMAGING_OK, .IMAGING_MISUSE:
      self.init(.internalError, "the \(format) decoder was used out of order\(reason)")
    case .IMAGING_DAMAGED: self.init(.damagedImage, "the \(format) is damaged\(reason)")
    case .IMAGING_UNSUPPORTED:
      self.init(.unsupportedVariant, "the \(format) is of a variant that is not read\(reason)")
    case .IMAGING_LIMIT:
      self.init(.imageTooLarge, "the \(format) goes beyond the decoder's limits\(reason)")
    case .IMAGING_NO_MEMORY:
      self.init(.outOfMemory, "no memory for the \(format)", outcome: .retryable(after: nil))
    }
  }
}

extension ImageLimits {
  /// The fence that the C code keeps on its own, should the walk ever be wrong.
  var forDecoder: imaging_limits {
    imaging_limits(
      max_side: Int32(clamping: maximumSide), max_pixels: Int64(maximumPixels),
      max_scans: Int32(clamping: maximumScans), max_memory: maximumDecoderMemory)
  }
}
