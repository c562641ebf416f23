import IntakeCore

/// How far a picture may be reduced to fit; looks for the best that does.
struct ShrinkSearch: Equatable {
  /// The longer side at most, in pixels.
  var edge: Int
  /// JPEG quality at most and at least, on the IJG scale.
  var quality: ClosedRange<Int>
  /// The longer side at least, in pixels, unless the source is smaller.
  var minimumEdge: Int
  /// The shorter side at least, in pixels, once a picture was made smaller.
  var minimumSide: Int
  /// Bytes at most, before base64.
  var budget: Int
  /// Whether a small colour profile stays with the picture.
  var keepsProfile: Bool

  /// An encoding that fits.
  struct Found {
    var bytes: [UInt8]
    var quality: Int
    var size: PixelSize
    /// Whether the quality floor was not low enough, so that the picture was made smaller for the budget.
    var gaveUpPixels: Bool
    var attempts: [ShrinkReport.Attempt]
    /// What decoding found, and what became of the colour profile.
    var oddities = Oddities()
  }

  /// Lowers the quality first and the number of pixels once the quality is at its floor.
  ///
  /// - Parameters:
  ///   - picture: upright, its longer side at most `edge`.
  ///   - header: what the file says of itself.
  ///   - whole: the upright size that it came with.
  func run(_ picture: DecodedPicture, of header: ImageHeader, whole: PixelSize)
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
      let search = FitSearch(budget: budget, cap: cap, floor: min(quality.lowerBound, cap))
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

  /// A strip of 20,000 × 20 pixels fits the edge as 2048 × 2: all that is left of it is a line.
  private func requireVisibleContent(_ size: PixelSize, of whole: PixelSize) throws(StageFailure) {
    guard min(size.width, size.height) < minimumSide, size != whole else { return }
    throw StageFailure(
      .imageTooSmall,
      "\(whole.width) × \(whole.height) pixels would be sent as \(size.width) × \(size.height)",
      hint: "scan one side of one document, or raise shrink.edge or shrink.max-bytes")
  }

  /// The colour profile, where it is wanted and leaves the picture its budget.
  private func profile(of picture: DecodedPicture) -> [UInt8]? {
    guard keepsProfile, let profile = picture.profile,
      ICCProfile.fits(profile.count, budget: budget)
    else { return nil }
    return profile
  }

  /// A JPEG's profile is known to whoever reads the header, a PNG's only here.
  private func oddities(
    of picture: DecodedPicture, _ header: ImageHeader, keeping profile: [UInt8]?
  ) -> Oddities {
    var oddities = picture.oddities
    if !keepsProfile { oddities.droppedProfile = 0 }
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

  /// Bytes go with the number of pixels, a little slower: details of a smaller picture are denser.
  private func smallerEdge(_ edge: Int, needed: Int) -> Int {
    let ratio = (Double(budget) * 0.9 / Double(max(needed, 1))).squareRoot()
    return Int(Double(edge) * min(0.92, max(0.5, ratio)))
  }

  /// Where no pixel was given up, a quality above the source's own would only add bytes.
  func qualityCap(for size: PixelSize, of header: ImageHeader, whole: PixelSize) -> Int {
    guard size == whole, let own = header.quality else { return quality.upperBound }
    return min(quality.upperBound, max(quality.lowerBound, own))
  }

  func cannotFit(_ whole: PixelSize, least: (size: PixelSize, bytes: Int)?) -> StageFailure {
    let least = least.map {
      "; at quality \(quality.lowerBound) and \($0.size.longerSide) pixels it takes about \($0.bytes)"
    }
    return StageFailure(
      .cannotFit,
      "\(whole.width) × \(whole.height) pixels do not fit into \(budget) bytes\(least ?? "")",
      hint:
        "raise shrink.max-bytes or assemble.max-body, lower shrink.min-quality, or crop the scan")
  }
}
