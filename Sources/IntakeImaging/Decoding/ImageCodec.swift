import CImaging
public import IntakeCore

/// The decoder behind `DocumentImage`: shrinks while it decodes and turns upright at the end.
///
/// A codec that is made while there is a `DecoderPool.current` decodes in its processes.
public struct ImageCodec: PixelSource {
  /// What a file may ask for.
  public let limits: ImageLimits
  private let pool: DecoderPool?

  /// A decoder that keeps to the limits.
  public init(limits: ImageLimits = ImageLimits()) {
    self.limits = limits
    pool = DecoderPool.current
  }

  /// The header of a file, checked against the limits.
  public func header(of bytes: [UInt8]) throws -> ImageHeader {
    try ImageHeader(reading: bytes, limits: limits)
  }

  /// The upright picture, its longer side at most `edge` pixels.
  ///
  /// - Throws: `StageFailure` for a picture that is damaged, cut short or beyond the limits.
  public func pixels(of image: DocumentImage, fitting edge: Int?) throws -> Bitmap {
    switch image.content {
    case .edited(let bitmap):
      return bitmap.resized(to: edge.map(bitmap.size.fitted(to:)) ?? bitmap.size)
    case .encoded(let bytes):
      let result = try result(of: .pixels(edge: edge), on: bytes, image.header)
      guard case .pixels(let bitmap) = result else { throw ScanJob.wrongResult }
      return bitmap
    }
  }

  /// Whether every block of a file is there, and nothing between them.
  func verify(_ bytes: [UInt8], header: ImageHeader) throws -> Bool {
    let result = try result(of: .verify, on: bytes, header)
    guard case .whole(let strayBytes) = result else { throw ScanJob.wrongResult }
    return strayBytes == 0
  }

  /// The best encoding of a file that fits.
  func fitted(_ bytes: [UInt8], header: ImageHeader, _ shrinker: ImageShrinker) throws
    -> ImageShrinker.Found
  {
    let result = try result(of: .fit(shrinker), on: bytes, header)
    guard case .fitted(let found) = result else { throw ScanJob.wrongResult }
    return found
  }

  private func result(of work: ScanJob.Work, on bytes: [UInt8], _ header: ImageHeader) throws
    -> ScanResult
  {
    let job = ScanJob(work: work, bytes: bytes, header: header, limits: limits)
    guard let pool else { return try job.run() }
    return try pool.result(
      of: job, memory: memoryNeeded(header, bytes: bytes.count, fitting: job.edge))
  }

  /// Bytes at the peak: the picture before and after turning, and twice its size for encoding with optimal tables.
  public func memoryNeeded(for image: DocumentImage, fitting edge: Int?) -> Int {
    memoryNeeded(image.header, bytes: image.sourceBytes, fitting: edge)
  }

  private func memoryNeeded(_ header: ImageHeader, bytes: Int, fitting edge: Int?) -> Int {
    let plan = DecodePlan(header, edge: edge)
    let output = plan.output.width * plan.output.height * 3 / 2
    return bytes + decoderMemory(header, plan) + 4 * output + (2 << 20)
  }

  /// The coefficients of a progressive JPEG take 2 bytes each and an interlaced PNG is held whole; others come in bands.
  private func decoderMemory(_ header: ImageHeader, _ plan: DecodePlan) -> Int {
    let pixels = header.size.width * header.size.height
    let bands = 64 * plan.decoded.width * 4
    switch header.format {
    case .jpeg:
      return header.scanCount > 1 || header.isProgressive
        ? Int(2 * Double(pixels) * header.samplesPerPixel) + bands : bands
    case .png:
      return header.isProgressive ? Int(Double(pixels) * header.samplesPerPixel) + bands : bands
    }
  }
}

extension StageFailure {
  /// What a library reported; its text names markers and codes, nothing personal.
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
  /// The limits that the C code checks again, in case the walk is ever wrong.
  var forDecoder: imaging_limits {
    imaging_limits(
      max_side: Int32(clamping: maximumSide), max_pixels: Int64(maximumPixels),
      max_scans: Int32(clamping: maximumScans), max_memory: maximumDecoderMemory)
  }
}

/// The C libraries that decode and encode, for `--version`.
public enum ImagingLibraries {
  /// Names with versions: the one that is loaded if the library tells, else the one compiled against.
  public static var versions: [(name: String, version: String)] {
    let compiled = String(cString: imaging_png_version_compiled())
    let loaded = String(cString: imaging_png_version_loaded())
    let png = loaded == compiled ? loaded : "\(loaded) (built against \(compiled))"
    return [
      (String(cString: imaging_jpeg_name()), String(cString: imaging_jpeg_version())),
      ("libpng", png),
    ]
  }
}

/// What decoding gives: pixels, and what only decoding can tell.
struct DecodedPicture {
  var bitmap: Bitmap
  /// The colour profile if it may be kept.
  var profile: [UInt8]?
  var oddities = Oddities()
}

/// What was odd about a file without harm to its picture, for the report.
struct Oddities {
  /// Bytes of a JPEG that belong to no block and no marker.
  var strayBytes = 0
  /// How much of a PNG shows, as far as it is transparent.
  enum Visibility: Int {
    case usual
    /// Less than 1 % of its pixels.
    case little
    /// None: it was shown as if it were not transparent.
    case nothing
  }

  var visibility = Visibility.usual
  /// The size of a PNG's colour profile that was dropped, 0 where it could not be unpacked; nil for none.
  var droppedProfile: Int?

  /// In the words of a report; `profile` is the name of a PNG's colour profile.
  func notices(budget: Int, profile: String?) -> [String] {
    var notices: [String] = []
    if strayBytes > 0 {
      notices.append("\(strayBytes) stray bytes between the blocks of the picture were dropped")
    }
    switch visibility {
    case .usual: break
    case .little:
      notices.append("less than 1 % of its pixels show, all others are transparent: look at it")
    case .nothing:
      notices.append("every pixel is transparent: it was shown as if none were, look at it")
    }
    if let droppedProfile {
      notices.append(ICCProfile.dropped(profile, count: droppedProfile, budget: budget))
    }
    return notices
  }
}
