public import IntakeCore

/// Makes a scan fit: unchanged if possible, else with fewer pixels, else at lower quality, else not at all.
///
/// The search may run in another process, which is given a value of this type.
public struct ImageShrinker: Sendable, Equatable {
  /// The longer side at most, in pixels.
  public var edge = 2048
  /// JPEG quality at most, on the IJG scale.
  public var quality = 85
  /// JPEG quality at least, on the IJG scale; below it faces and small print suffer.
  public var minimumQuality = 40
  /// Bytes at most, before base64.
  public var maximumBytes = 500_000
  /// The longer side at least, in pixels, unless the source is smaller.
  public var minimumEdge = 1000
  /// The shorter side at least, in pixels, of a picture that was made smaller.
  var minimumSide = ImageLimits().minimumSide
  /// Whether a small colour profile stays with the picture.
  public var keepsProfile = true

  /// Starts with the defaults of `shrink`.
  public init() {}

  /// The image in at most `budget` and `maximumBytes`, whichever is less.
  ///
  /// - Throws: `StageFailure`: `cannotFit` with the numbers, or what decoding found.
  public func prepare(_ image: DocumentImage, budget: Int? = nil) throws -> PreparedImage {
    var shrinker = self
    shrinker.maximumBytes = min(budget ?? .max, maximumBytes)
    shrinker.minimumQuality = min(minimumQuality, quality)
    shrinker.minimumSide = min(minimumSide, codec(of: image).limits.minimumSide)
    do {
      return try shrinker.prepared(image)
    } catch let failure as StageFailure {
      throw failure.about(side: image.side, file: image.file)
    }
  }

  private func prepared(_ image: DocumentImage) throws -> PreparedImage {
    guard maximumBytes > 0 else { throw cannotFit(image.uprightSize, least: nil) }
    if let bytes = try unchanged(image) {
      let report = report(
        image, .passthrough, "it fits as it is; only metadata was removed",
        ShrinkReport.Form(
          format: .jpeg, size: image.uprightSize, bytes: bytes.count, quality: image.header.quality)
      )
      return PreparedImage(side: image.side, bytes: bytes, report: report)
    }
    let found = try fitted(image)
    var report = report(
      image, found.size == image.uprightSize ? .reencoded : .shrunk, reason(image, found),
      ShrinkReport.Form(
        format: .jpeg, size: found.size, bytes: found.bytes.count, quality: found.quality))
    report.attempts = found.attempts
    report.warnings += found.oddities.notices(
      budget: maximumBytes, profile: image.header.packedProfile)
    return PreparedImage(side: image.side, bytes: found.bytes, report: report)
  }

  /// The limits that the file was let in with hold when it is walked again.
  private func codec(of image: DocumentImage) -> ImageCodec {
    image.codec as? ImageCodec ?? ImageCodec()
  }

  /// The file without its metadata, verified to be whole; nil if its pixels have to change.
  private func unchanged(_ image: DocumentImage) throws -> [UInt8]? {
    guard case .encoded(let bytes) = image.content else { return nil }
    let codec = codec(of: image)
    let profile = image.header.colorProfile.flatMap { profile in
      keepsProfile && ICCProfile.fits(profile.count, budget: maximumBytes) ? profile : nil
    }
    let copy = try PassThrough.copy(
      bytes, header: image.header, edge: edge, budget: maximumBytes, profile: profile,
      limits: codec.limits)
    guard let copy, try codec.verify(copy, header: image.header) else { return nil }
    return copy
  }

  private func fitted(_ image: DocumentImage) throws -> Found {
    if case .encoded(let bytes) = image.content, let codec = image.codec as? ImageCodec {
      return try codec.fitted(bytes, header: image.header, self)
    }
    let picture = DecodedPicture(
      bitmap: try image.pixels(fitting: edge), profile: image.header.colorProfile)
    return try search(picture, of: image.header, whole: image.uprightSize)
  }

  // MARK: The report

  /// Below this, a document is hard to read for the people who check it.
  private static let suspiciousBytes = 100_000
  private static let suspiciousEdge = 1000
  /// A card of 1,000 × 630 pixels has twice that.
  private static let suspiciousShorterSide = 300

  private func report(
    _ image: DocumentImage, _ method: ShrinkReport.Method, _ reason: String,
    _ sent: ShrinkReport.Form
  ) -> ShrinkReport {
    let header = image.header
    let source = ShrinkReport.Form(
      format: header.format, size: header.size, bytes: image.sourceBytes, quality: header.quality)
    var report = ShrinkReport(source: source, sent: sent, method: method, reason: reason)
    report.warnings = header.notices + colorWarnings(image) + warnings(image, sent)
    return report
  }

  private func reason(_ image: DocumentImage, _ found: Found) -> String {
    if found.gaveUpPixels {
      return
        "quality \(minimumQuality) alone did not reach \(maximumBytes) bytes, so pixels were given up"
    }
    let cap = qualityCap(for: found.size, of: image.header, whole: image.uprightSize)
    if found.quality < cap {
      return "quality \(found.quality) is the highest found that fits \(maximumBytes) bytes"
    }
    return "it fits \(maximumBytes) bytes at quality \(found.quality)"
  }

  /// What becomes of colours that only a profile explains.
  private func colorWarnings(_ image: DocumentImage) -> [String] {
    guard keepsProfile else { return [] }
    if let profile = image.header.colorProfile,
      !ICCProfile.fits(profile.count, budget: maximumBytes)
    {
      return [ICCProfile.tooLarge(profile, budget: maximumBytes)]
    }
    // A stage has replaced the pixels and did not unpack the profile.
    guard case .edited = image.content, let name = image.header.packedProfile else { return [] }
    return ["the colour profile \"\(name)\" was dropped, because a stage has changed the picture"]
  }

  private func warnings(_ image: DocumentImage, _ sent: ShrinkReport.Form) -> [String] {
    var warnings: [String] = []
    if sent.bytes < Self.suspiciousBytes, image.sourceBytes >= Self.suspiciousBytes {
      warnings.append("only \(sent.bytes) bytes are sent; small print may suffer")
    }
    let shorterSide = min(sent.size.width, sent.size.height)
    if sent.size.longerSide < Self.suspiciousEdge {
      warnings.append("the longer side has only \(sent.size.longerSide) pixels")
    } else if shorterSide < Self.suspiciousShorterSide {
      warnings.append("the shorter side has only \(shorterSide) pixels")
    }
    if let other = contradictingName(image) { warnings.append(other) }
    return warnings
  }

  /// A file is read by its content, but a name that says otherwise is worth a warning.
  private func contradictingName(_ image: DocumentImage) -> String? {
    let name = image.file.lowercased()
    switch image.header.format {
    case .jpeg where name.hasSuffix(".png"): return "the file is named .png but is a JPEG"
    case .png where name.hasSuffix(".jpg") || name.hasSuffix(".jpeg"):
      return "the file is named .jpg but is a PNG"
    default: return nil
    }
  }
}

// The search for the best that fits.
extension ImageShrinker {
  /// An encoding that fits.
  struct Found {
    var bytes: [UInt8]
    var quality: Int
    var size: PixelSize
    /// Whether the picture had to be made smaller, because the quality floor was not low enough.
    var gaveUpPixels: Bool
    var attempts: [ShrinkReport.Attempt]
    /// What decoding found, and what became of the colour profile.
    var oddities = Oddities()
  }

  /// Lowers the quality first, and then the number of pixels.
  ///
  /// - Parameters:
  ///   - picture: upright, its longer side at most `edge`.
  ///   - header: that of the file.
  ///   - whole: the upright size of the source.
  func search(_ picture: DecodedPicture, of header: ImageHeader, whole: PixelSize)
    throws(StageFailure) -> Found
  {
    var attempts: [ShrinkReport.Attempt] = []
    var bitmap = picture.bitmap
    let profile = profile(of: picture)
    let smallest = min(minimumEdge, bitmap.size.longerSide)
    var gaveUpPixels = false
    while true {
      try requireVisibleContent(bitmap.size, of: whole)
      let encoder = encoder(for: bitmap, of: header, profile)
      let cap = qualityCap(for: bitmap.size, of: header, whole: whole)
      let search = FitSearch(budget: maximumBytes, cap: cap, floor: min(minimumQuality, cap))
      var result = try search.run(encoder)
      let isLast = bitmap.size.longerSide <= smallest
      if result.best == nil, isLast { try search.encodeAtFloor(encoder, &result) }
      attempts += result.attempts
      if let best = result.best {
        return Found(
          bytes: best.bytes, quality: best.quality, size: bitmap.size, gaveUpPixels: gaveUpPixels,
          attempts: attempts, oddities: oddities(of: picture, header, keeping: profile))
      }
      guard !isLast else { throw cannotFit(whole, least: (bitmap.size, result.bytesAtFloor)) }
      let edge = smallerEdge(bitmap.size.longerSide, needed: result.bytesAtFloor)
      bitmap = bitmap.resized(to: bitmap.size.fitted(to: max(smallest, edge)))
      gaveUpPixels = true
    }
  }

  /// A strip of 20,000 × 20 pixels would fit the edge as a line of 2048 × 2.
  private func requireVisibleContent(_ size: PixelSize, of whole: PixelSize) throws(StageFailure) {
    guard min(size.width, size.height) < minimumSide, size != whole else { return }
    throw StageFailure(
      .imageTooSmall,
      "\(whole.width) × \(whole.height) pixels would be sent as \(size.width) × \(size.height)",
      hint: "scan one side of one document, or raise shrink.edge or shrink.max-bytes")
  }

  /// The colour profile, if it is wanted and small enough for the budget.
  private func profile(of picture: DecodedPicture) -> [UInt8]? {
    guard keepsProfile, let profile = picture.profile,
      ICCProfile.fits(profile.count, budget: maximumBytes)
    else { return nil }
    return profile
  }

  /// A JPEG's profile is in its header; a PNG's is known only after decoding.
  private func oddities(
    of picture: DecodedPicture, _ header: ImageHeader, keeping profile: [UInt8]?
  ) -> Oddities {
    var oddities = picture.oddities
    if !keepsProfile { oddities.droppedProfile = nil }
    if keepsProfile, profile == nil, header.format == .png, let dropped = picture.profile {
      oddities.droppedProfile = dropped.count
    }
    return oddities
  }

  private func encoder(for bitmap: Bitmap, of header: ImageHeader, _ profile: [UInt8]?)
    -> JPEGEncoder
  {
    let scale = Double(bitmap.size.longerSide) / Double(max(header.size.longerSide, 1))
    return JPEGEncoder(
      bitmap, density: header.density.map { $0 * scale },
      profile: profile)
  }

  /// Bytes fall with the number of pixels, a little slower because the details of a smaller picture are denser.
  private func smallerEdge(_ edge: Int, needed: Int) -> Int {
    let ratio = (Double(maximumBytes) * 0.9 / Double(max(needed, 1))).squareRoot()
    return Int(Double(edge) * min(0.92, max(0.5, ratio)))
  }

  /// At full size a quality above the source's own would only add bytes.
  private func qualityCap(for size: PixelSize, of header: ImageHeader, whole: PixelSize) -> Int {
    guard size == whole, let own = header.quality else { return quality }
    return min(quality, max(minimumQuality, own))
  }

  private func cannotFit(_ whole: PixelSize, least: (size: PixelSize, bytes: Int)?) -> StageFailure
  {
    let least = least.map {
      "; at quality \(minimumQuality) and \($0.size.longerSide) pixels it takes about \($0.bytes)"
    }
    return StageFailure(
      .cannotFit,
      "\(whole.width) × \(whole.height) pixels do not fit into \(maximumBytes) bytes\(least ?? "")",
      hint:
        "raise shrink.max-bytes or assemble.max-body, lower shrink.min-quality, or crop the scan")
  }
}
