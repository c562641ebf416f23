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
    let budget = min(budget ?? .max, maximumBytes)
    guard budget > 0 else { throw cannotFit(image, budget, least: nil) }
    if let bytes = try unchanged(image, budget: budget) {
      let report = report(
        image, .passthrough, "it fits as it is; only metadata was removed",
        ShrinkReport.Form(
          format: .jpeg, size: image.uprightSize, bytes: bytes.count, quality: image.header.quality)
      )
      return PreparedImage(side: image.side, bytes: bytes, report: report)
    }
    let found = try search(try image.pixels(fitting: edge), image, budget: budget)
    var report = report(
      image, found.size == image.uprightSize ? .reencoded : .shrunk,
      reason(image, found, budget: budget),
      ShrinkReport.Form(
        format: .jpeg, size: found.size, bytes: found.bytes.count, quality: found.quality))
    report.attempts = found.attempts
    return PreparedImage(side: image.side, bytes: found.bytes, report: report)
  }

  private func unchanged(_ image: DocumentImage, budget: Int) throws(StageFailure) -> [UInt8]? {
    guard case .encoded(let bytes) = image.content else { return nil }
    return try PassThrough.copy(
      bytes, header: image.header, edge: edge, budget: budget, keepsProfile: keepsProfile,
      limits: limits(of: image))
  }

  /// What the file was let in with holds when it is walked again.
  private func limits(of image: DocumentImage) -> ImageLimits {
    (image.codec as? ImageCodec)?.limits ?? ImageLimits()
  }

  // MARK: The search

  /// An encoding that fits.
  private struct Found {
    let bytes: [UInt8]
    let quality: Int
    let size: PixelSize
    /// Whether the quality floor was not low enough, so that the picture was made smaller for the budget.
    let gaveUpPixels: Bool
    let attempts: [ShrinkReport.Attempt]
  }

  /// Lowers the quality first and the number of pixels once the quality is at its floor.
  private func search(_ bitmap: Bitmap, _ image: DocumentImage, budget: Int)
    throws(StageFailure) -> Found
  {
    var attempts: [ShrinkReport.Attempt] = []
    var bitmap = bitmap
    let smallest = min(minimumEdge, bitmap.size.longerSide)
    var gaveUpPixels = false
    while true {
      try requireVisibleContent(bitmap.size, of: image)
      let encoder = encoder(for: bitmap, of: image)
      let cap = qualityCap(for: bitmap.size, image)
      let search = FitSearch(budget: budget, cap: cap, floor: min(minimumQuality, cap))
      var result = try search.run(encoder)
      let isLast = bitmap.size.longerSide <= smallest
      if result.best == nil, isLast { try search.encodeAtFloor(encoder, &result) }
      attempts += result.attempts
      if let best = result.best {
        return Found(
          bytes: best.bytes, quality: best.quality, size: bitmap.size, gaveUpPixels: gaveUpPixels,
          attempts: attempts)
      }
      guard !isLast else {
        throw cannotFit(image, budget, least: (bitmap.size, result.bytesAtFloor))
      }
      let edge = smallerEdge(bitmap.size.longerSide, needed: result.bytesAtFloor, budget)
      bitmap = bitmap.resized(to: bitmap.size.fitted(to: max(smallest, edge)))
      gaveUpPixels = true
    }
  }

  /// A strip of 20,000 × 20 pixels fits the edge as 2048 × 2: all that is left of it is a line.
  private func requireVisibleContent(_ size: PixelSize, of image: DocumentImage)
    throws(StageFailure)
  {
    let least = min(ImageLimits().minimumSide, limits(of: image).minimumSide)
    let whole = image.uprightSize
    guard min(size.width, size.height) < least, size != whole else { return }
    throw StageFailure(
      .imageTooSmall,
      "\(whole.width) × \(whole.height) pixels would be sent as \(size.width) × \(size.height)",
      hint: "scan one side of one document, or raise shrink.edge or shrink.max-bytes",
      side: image.side, file: image.file)
  }

  private func encoder(for bitmap: Bitmap, of image: DocumentImage) -> JPEGEncoder {
    let scale = Double(bitmap.size.longerSide) / Double(max(image.header.size.longerSide, 1))
    return JPEGEncoder(
      bitmap, density: image.header.density.map { $0 * scale },
      profile: keepsProfile ? image.header.colorProfile : nil)
  }

  /// Bytes go with the number of pixels, a little slower: details of a smaller picture are denser.
  private func smallerEdge(_ edge: Int, needed: Int, _ budget: Int) -> Int {
    let ratio = (Double(budget) * 0.9 / Double(max(needed, 1))).squareRoot()
    return Int(Double(edge) * min(0.92, max(0.5, ratio)))
  }

  /// Where no pixel was given up, a quality above the source's own would only add bytes.
  private func qualityCap(for size: PixelSize, _ image: DocumentImage) -> Int {
    guard size == image.uprightSize, let own = image.header.quality else { return quality }
    return min(quality, max(minimumQuality, own))
  }

  private func cannotFit(
    _ image: DocumentImage, _ budget: Int, least: (size: PixelSize, bytes: Int)?
  ) -> StageFailure {
    let size = image.uprightSize
    let least = least.map {
      "; at quality \(minimumQuality) and \($0.size.longerSide) pixels it takes about \($0.bytes)"
    }
    return StageFailure(
      .cannotFit,
      "\(size.width) × \(size.height) pixels do not fit into \(budget) bytes\(least ?? "")",
      hint:
        "raise shrink.max-bytes or assemble.max-body, lower shrink.min-quality, or crop the scan",
      side: image.side, file: image.file)
  }

  // MARK: The report

  /// Below this a document is hard to read for the people who check it.
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
    report.warnings = header.notices + warnings(image, sent)
    return report
  }

  private func reason(_ image: DocumentImage, _ found: Found, budget: Int) -> String {
    if found.gaveUpPixels {
      return
        "quality \(minimumQuality) alone did not reach \(budget) bytes, so pixels were given up"
    }
    if found.quality < qualityCap(for: found.size, image) {
      return "quality \(found.quality) is the highest found that fits \(budget) bytes"
    }
    return "it fits \(budget) bytes at quality \(found.quality)"
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
