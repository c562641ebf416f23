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

  /// Builds the file anew: application segments are written by this code, never copied, and of the tables only
  /// those that a scan uses.
  private static func stripped(_ structure: JPEGStructure, profile: [UInt8]?) -> [UInt8] {
    var out: [UInt8] = [0xFF, 0xD8]
    out.reserveCapacity(structure.bytes.count)
    if let header = structure.jfif { out += jfif(header) }
    if let profile { out += segment(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile) }
    if let transform = structure.adobeTransform { out += adobe(transform) }
    var tables = CodingTables(usedIn: structure)
    for segment in structure.segments {
      let payload = structure.bytes[segment.payload]
      switch segment.marker {
      case 0xDB, 0xC4, 0xDD: tables.define(segment.marker, payload)
      case 0xC0...0xC2: out += structure.bytes[segment.extent]
      case 0xDA:
        out += tables.takeDefinitions()
        out += structure.bytes[segment.extent.lowerBound..<segment.payload.upperBound]
        let data = segment.payload.upperBound..<segment.extent.upperBound
        out += structure.bytes[EntropyCodedData.trimmed(data, in: structure.bytes)]
      default: break
      }
    }
    return out + [0xFF, 0xD9]
  }

  /// Unit and density are kept; the version is 1.01 and there is no thumbnail.
  private static func jfif(_ header: ByteWindow) -> [UInt8] {
    segment(0xE0, Array("JFIF\0".utf8) + [1, 1] + header.slice(from: 7, limit: 5) + [0, 0])
  }

  /// Adobe's segment of version 100, which tells nothing but the colour transform.
  private static func adobe(_ transform: UInt8) -> [UInt8] {
    segment(0xEE, Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, min(transform, 1)])
  }

  private static func segment(_ marker: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let length = payload.count + 2
    return [0xFF, marker, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + payload
  }
}

extension JPEGStructure {
  /// The first JFIF header that libjpeg would take for one: of at least 14 bytes, before the first scan.
  fileprivate var jfif: ByteWindow? {
    application(0xE0, "JFIF\0").filter { $0.count >= 14 }.first
  }

  /// The colour transform of Adobe's last segment before the first scan; of several, libjpeg follows the last.
  fileprivate var adobeTransform: UInt8? {
    application(0xEE, "Adobe").filter { $0.count >= 12 }.last?[11]
  }

  private func application(_ marker: UInt8, _ name: StaticString) -> [ByteWindow] {
    headerSegments.filter { $0.marker == marker }
      .map { ByteWindow(bytes, $0.payload) }.filter { $0.has(name) }
  }
}
