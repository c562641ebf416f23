public import IntakeCore

/// Makes a scan fit: unchanged where possible, else fewer pixels, else lower quality, else not at all.
public struct ImageShrinker: Sendable {
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
  /// Whether a small colour profile stays with the picture.
  public var keepsProfile = true

  /// Starts with the defaults of `shrink`.
  public init() {}

  /// The image within the budget and the maximum, whichever is smaller.
  ///
  /// - Throws: `StageFailure`: `cannotFit` with the numbers, or what decoding found.
  public func prepare(_ image: DocumentImage, budget: Int? = nil) throws -> PreparedImage {
    do {
      return try prepared(image, search(image, budget: min(budget ?? .max, maximumBytes)))
    } catch let failure as StageFailure {
      throw failure.about(side: image.side, file: image.file)
    }
  }

  private func prepared(_ image: DocumentImage, _ search: ShrinkSearch) throws -> PreparedImage {
    guard search.budget > 0 else { throw search.cannotFit(image.uprightSize, least: nil) }
    if let bytes = try unchanged(image, search) {
      let report = report(
        image, .passthrough, "it fits as it is; only metadata was removed", search,
        ShrinkReport.Form(
          format: .jpeg, size: image.uprightSize, bytes: bytes.count, quality: image.header.quality)
      )
      return PreparedImage(side: image.side, bytes: bytes, report: report)
    }
    let found = try fitted(image, search)
    var report = report(
      image, found.size == image.uprightSize ? .reencoded : .shrunk, reason(image, found, search),
      search,
      ShrinkReport.Form(
        format: .jpeg, size: found.size, bytes: found.bytes.count, quality: found.quality))
    report.attempts = found.attempts
    report.warnings += found.oddities.notices(budget: search.budget)
    return PreparedImage(side: image.side, bytes: found.bytes, report: report)
  }

  private func search(_ image: DocumentImage, budget: Int) -> ShrinkSearch {
    let floor = min(ImageLimits().minimumSide, codec(of: image).limits.minimumSide)
    return ShrinkSearch(
      edge: edge, quality: min(minimumQuality, quality)...quality, minimumEdge: minimumEdge,
      minimumSide: floor, budget: budget, keepsProfile: keepsProfile)
  }

  /// What the file was let in with holds when it is walked again.
  private func codec(of image: DocumentImage) -> ImageCodec {
    image.codec as? ImageCodec ?? ImageCodec()
  }

  /// The file without its metadata, nil when its pixels have to change; its codes say that it is whole.
  private func unchanged(_ image: DocumentImage, _ search: ShrinkSearch) throws -> [UInt8]? {
    guard case .encoded(let bytes) = image.content else { return nil }
    let codec = codec(of: image)
    let profile = image.header.colorProfile.flatMap { profile in
      keepsProfile && ICCProfile.fits(profile.count, budget: search.budget) ? profile : nil
    }
    let copy = try PassThrough.copy(
      bytes, header: image.header, edge: edge, budget: search.budget, profile: profile,
      limits: codec.limits)
    guard let copy, try codec.verify(copy, header: image.header) else { return nil }
    return copy
  }

  private func fitted(_ image: DocumentImage, _ search: ShrinkSearch) throws -> ShrinkSearch.Found {
    if case .encoded(let bytes) = image.content, let codec = image.codec as? ImageCodec {
      return try codec.fitted(bytes, header: image.header, search)
    }
    let picture = DecodedPicture(
      bitmap: try image.pixels(fitting: edge), profile: image.header.colorProfile)
    return try search.run(picture, of: image.header, whole: image.uprightSize)
  }

  // MARK: The report

  /// Below this a document is hard to read for the people who check it.
  private static let suspiciousBytes = 100_000
  private static let suspiciousEdge = 1000
  /// A card of 1,000 × 630 pixels has twice that.
  private static let suspiciousShorterSide = 300

  private func report(
    _ image: DocumentImage, _ method: ShrinkReport.Method, _ reason: String,
    _ search: ShrinkSearch, _ sent: ShrinkReport.Form
  ) -> ShrinkReport {
    let header = image.header
    let source = ShrinkReport.Form(
      format: header.format, size: header.size, bytes: image.sourceBytes, quality: header.quality)
    var report = ShrinkReport(source: source, sent: sent, method: method, reason: reason)
    report.warnings = header.notices + colorWarnings(image, search) + warnings(image, sent)
    return report
  }

  private func reason(
    _ image: DocumentImage, _ found: ShrinkSearch.Found, _ search: ShrinkSearch
  ) -> String {
    if found.gaveUpPixels {
      return
        "quality \(minimumQuality) alone did not reach \(search.budget) bytes, so pixels were given up"
    }
    let cap = search.qualityCap(for: found.size, of: image.header, whole: image.uprightSize)
    if found.quality < cap {
      return "quality \(found.quality) is the highest found that fits \(search.budget) bytes"
    }
    return "it fits \(search.budget) bytes at quality \(found.quality)"
  }

  /// What becomes of colours that only a profile explains.
  private func colorWarnings(_ image: DocumentImage, _ search: ShrinkSearch) -> [String] {
    guard keepsProfile else { return [] }
    if let profile = image.header.colorProfile,
      !ICCProfile.fits(profile.count, budget: search.budget)
    {
      return [ICCProfile.tooLarge(profile, budget: search.budget)]
    }
    // A stage has made other pixels of it, and took the packed profile for nothing.
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

  /// A file is read by its content; a name that says otherwise is worth a word.
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
