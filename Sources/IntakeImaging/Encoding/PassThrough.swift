import IntakeCore

/// Copies a JPEG without its metadata: the same pixels bit for bit, nothing personal beside them.
enum PassThrough {
  /// The file with what decoding needs, or nil when its pixels have to change.
  ///
  /// - Throws: `StageFailure` when a complete decode finds damage.
  static func copy(
    _ bytes: [UInt8], header: ImageHeader, edge: Int, budget: Int, keepsProfile: Bool,
    limits: ImageLimits
  ) throws(StageFailure) -> [UInt8]? {
    guard header.format == .jpeg, header.orientation == .upright, header.components != 4,
      header.size.longerSide <= edge
    else { return nil }
    let structure = try JPEGStructure(bytes, limits: limits)
    let clean = stripped(structure, profile: keepsProfile ? header.colorProfile : nil)
    guard clean.count <= budget else { return nil }
    try JPEGDecoding.verify(clean, limits: limits)
    return clean
  }

  private static func stripped(_ structure: JPEGStructure, profile: [UInt8]?) -> [UInt8] {
    var out: [UInt8] = [0xFF, 0xD8]
    out.reserveCapacity(structure.bytes.count)
    var hasJFIF = false
    for segment in structure.segments {
      switch segment.marker {
      case 0xE0 where !hasJFIF && isNamed("JFIF\0", segment, structure):
        hasJFIF = true
        out += jfif(ByteWindow(structure.bytes, segment.payload))
      // Adobe's marker tells the colour transform; DHT, DQT, DRI, frames and scans are the picture.
      case 0xEE where isNamed("Adobe", segment, structure),
        0xC0...0xCF, 0xDA, 0xDB, 0xDD:
        out += structure.bytes[segment.extent]
      default: break
      }
    }
    if let profile { out.insert(contentsOf: segment(holding: profile), at: hasJFIF ? 20 : 2) }
    return out + [0xFF, 0xD9]
  }

  private static func isNamed(
    _ name: StaticString, _ segment: JPEGStructure.Segment, _ structure: JPEGStructure
  ) -> Bool {
    ByteWindow(structure.bytes, segment.payload).has(name) && segment.payload.count >= 12
  }

  /// The header without its thumbnail: version, unit and density are kept.
  private static func jfif(_ header: ByteWindow) -> [UInt8] {
    [0xFF, 0xE0, 0, 16] + header.slice(from: 0, limit: 12) + [0, 0]
  }

  private static func segment(holding profile: [UInt8]) -> [UInt8] {
    let length = profile.count + 16
    return [0xFF, 0xE2, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
      + Array("ICC_PROFILE\0".utf8) + [1, 1] + profile
  }
}
