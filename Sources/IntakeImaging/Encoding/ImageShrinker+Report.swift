import IntakeCore

extension ImageShrinker {
  /// Below this a document is hard to read for the people who check it.
  private static let suspiciousBytes = 100_000
  private static let suspiciousEdge = 1000
  /// A card of 1,000 × 630 pixels has twice that.
  private static let suspiciousShorterSide = 300

  func passThroughReport(_ image: DocumentImage, _ bytes: [UInt8]) -> ShrinkReport {
    let sent = ShrinkReport.Form(
      format: .jpeg, size: image.uprightSize, bytes: bytes.count, quality: image.header.quality)
    var report = ShrinkReport(
      source: source(of: image), sent: sent, method: .passthrough,
      reason: "it fits as it is; only metadata was removed")
    report.warnings = image.header.notices + warnings(image, sent)
    return report
  }

  func report(_ image: DocumentImage, _ found: Found, budget: Int) -> ShrinkReport {
    let sent = ShrinkReport.Form(
      format: .jpeg, size: found.size, bytes: found.bytes.count, quality: found.quality)
    let isSmaller = found.size != image.uprightSize
    var report = ShrinkReport(
      source: source(of: image), sent: sent, method: isSmaller ? .shrunk : .reencoded,
      reason: reason(image, found, budget: budget))
    report.warnings = image.header.notices + warnings(image, sent)
    return report
  }

  private func source(of image: DocumentImage) -> ShrinkReport.Form {
    ShrinkReport.Form(
      format: image.header.format, size: image.header.size, bytes: image.sourceBytes,
      quality: image.header.quality)
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
    if sent.size.longerSide < Self.suspiciousEdge {
      warnings.append("the longer side has only \(sent.size.longerSide) pixels")
    } else if min(sent.size.width, sent.size.height) < Self.suspiciousShorterSide {
      let side = min(sent.size.width, sent.size.height)
      warnings.append("the shorter side has only \(side) pixels")
    }
    if let other = contradictingName(image) { warnings.append(other) }
    return warnings
  }

  /// A file is read by its content; a name that says otherwise is worth a word.
  private func contradictingName(_ image: DocumentImage) -> String? {
    let name = image.file.lowercased()
    let saysPNG = name.hasSuffix(".png")
    let saysJPEG = name.hasSuffix(".jpg") || name.hasSuffix(".jpeg")
    switch image.header.format {
    case .jpeg where saysPNG: return "the file is named .png but is a JPEG"
    case .png where saysJPEG: return "the file is named .jpg but is a PNG"
    default: return nil
    }
  }
}
