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
      return PreparedImage(side: image.side, bytes: bytes, report: passThroughReport(image, bytes))
    }
    let bitmap = try image.pixels(fitting: edge)
    let (found, attempts) = try search(bitmap, image, budget: budget)
    var report = self.report(image, found, budget: budget)
    report.attempts = attempts
    return PreparedImage(side: image.side, bytes: found.bytes, report: report)
  }

  /// A strip of 20,000 × 20 pixels fits the edge as 2048 × 2: all that is left of it is a line.
  private func refuseThread(_ size: PixelSize, of image: DocumentImage) throws(StageFailure) {
    let side = min(size.width, size.height)
    guard side < min(ImageLimits().minimumSide, limits(of: image).minimumSide),
      size != image.uprightSize
    else { return }
    let whole = image.uprightSize
    throw StageFailure(
      .imageTooSmall,
      "\(whole.width) × \(whole.height) pixels would be sent as \(size.width) × \(size.height)",
      hint: "scan one side of one document, or raise shrink.edge or shrink.max-bytes",
      side: image.side, file: image.file)
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

  /// An encoding that fits.
  struct Found {
    let bytes: [UInt8]
    let quality: Int
    let size: PixelSize
    /// Whether the quality floor was not low enough, so that the picture was made smaller for the budget.
    let gaveUpPixels: Bool
  }

  /// Lowers the quality first and the number of pixels once the quality is at its floor.
  private func search(_ bitmap: Bitmap, _ image: DocumentImage, budget: Int)
    throws(StageFailure) -> (Found, [ShrinkReport.Attempt])
  {
    var attempts: [ShrinkReport.Attempt] = []
    var bitmap = bitmap
    let smallest = min(minimumEdge, bitmap.size.longerSide)
    var gaveUpPixels = false
    while true {
      try refuseThread(bitmap.size, of: image)
      let cap = qualityCap(for: bitmap.size, image)
      let encoder = JPEGEncoder(
        bitmap, density: density(for: bitmap.size, image), profile: profile(of: image))
      let search = FitSearch(budget: budget, cap: cap, floor: min(minimumQuality, cap))
      let result = try search.run(encoder)
      attempts += result.attempts
      if let best = result.best {
        return (
          Found(
            bytes: best.bytes, quality: best.quality, size: bitmap.size,
            gaveUpPixels: gaveUpPixels), attempts
        )
      }
      guard bitmap.size.longerSide > smallest else {
        let last = try smallestForm(encoder, budget: budget)
        guard let bytes = last.bytes else {
          throw cannotFit(image, budget, least: (bitmap.size, last.size))
        }
        return (
          Found(
            bytes: bytes, quality: last.attempt.quality, size: bitmap.size,
            gaveUpPixels: gaveUpPixels),
          attempts + [last.attempt]
        )
      }
      bitmap = bitmap.resized(
        to: bitmap.size.fitted(
          to: max(
            smallest, smallerEdge(bitmap.size.longerSide, needed: result.bytesAtFloor, budget))))
      gaveUpPixels = true
    }
  }

  /// The least that the floors allow: what is said to be needed has been measured, and should it fit, it is sent.
  private func smallestForm(_ encoder: JPEGEncoder, budget: Int)
    throws(StageFailure) -> (bytes: [UInt8]?, size: Int, attempt: ShrinkReport.Attempt)
  {
    let floor = min(minimumQuality, quality)
    let form = try encoder.encode(quality: floor, tables: .optimal, capacity: budget)
    return (
      form.bytes, form.size,
      ShrinkReport.Attempt(
        edge: encoder.edge, quality: floor, bytes: form.size, isSample: false)
    )
  }

  /// Bytes go with the number of pixels, a little slower: details of a smaller picture are denser.
  private func smallerEdge(_ edge: Int, needed: Int, _ budget: Int) -> Int {
    let ratio = (Double(budget) * 0.9 / Double(max(needed, 1))).squareRoot()
    return Int(Double(edge) * min(0.92, max(0.5, ratio)))
  }

  /// Where no pixel was given up, a quality above the source's own would only add bytes.
  func qualityCap(for size: PixelSize, _ image: DocumentImage) -> Int {
    guard size == image.uprightSize, let own = image.header.quality else { return quality }
    return min(quality, max(minimumQuality, own))
  }

  private func density(for size: PixelSize, _ image: DocumentImage) -> Double? {
    image.header.density.map {
      $0 * Double(size.longerSide) / Double(max(image.header.size.longerSide, 1))
    }
  }

  private func profile(of image: DocumentImage) -> [UInt8]? {
    keepsProfile ? image.header.colorProfile : nil
  }

  private func cannotFit(
    _ image: DocumentImage, _ budget: Int, least: (size: PixelSize, bytes: Int)?
  )
    -> StageFailure
  {
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
}
