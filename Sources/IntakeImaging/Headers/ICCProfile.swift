import IntakeCore

/// The colour profile of a JPEG (ICC.1, annex B.4): kept when it is small and fits the picture.
enum ICCProfile {
  /// Display P3 takes 548 bytes and sRGB about 3 KB; what is larger is a printer's or a bomb.
  static let limit = 4096

  /// The profile in the APP2 segments; `isDropped` tells that there is one which is not kept.
  static func read(from structure: JPEGStructure, components: Int) -> (
    profile: [UInt8]?, isDropped: Bool
  ) {
    let parts = structure.segments.filter { isPart($0, of: structure) }
    guard !parts.isEmpty else { return (nil, false) }
    let total = parts.reduce(0) { $0 + $1.payload.count - 14 }
    guard total <= limit, total >= 128 else { return (nil, true) }
    let ordered = parts.sorted { number(of: $0, in: structure) < number(of: $1, in: structure) }
    let profile = ordered.flatMap { Array(structure.bytes[$0.payload.dropFirst(14)]) }
    let fits = ByteWindow(profile).has(components == 1 ? "GRAY" : "RGB ", at: 16)
    return fits && components != 4 ? (profile, false) : (nil, true)
  }

  private static func isPart(_ segment: JPEGStructure.Segment, of structure: JPEGStructure) -> Bool
  {
    segment.marker == 0xE2 && segment.payload.count >= 14
      && ByteWindow(structure.bytes, segment.payload).has("ICC_PROFILE\0")
  }

  private static func number(of part: JPEGStructure.Segment, in structure: JPEGStructure) -> UInt8 {
    ByteWindow(structure.bytes, part.payload)[12] ?? 0
  }
}
