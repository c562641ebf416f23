import IntakeCore

extension JPEGStructure {
  /// The header in the words of the pipeline.
  func header() throws(StageFailure) -> ImageHeader {
    guard let frame else {
      throw StageFailure(.damagedImage, "the JPEG ends before its picture begins")
    }
    var header = ImageHeader(
      format: .jpeg, size: frame.size, components: frame.components, bitDepth: 8)
    header.isProgressive = frame.marker == 0xC2
    header.scanCount = scanCount
    header.samplesPerPixel = frame.samplesPerPixel
    header.trailingBytes = bytes.count - end
    let exif = payloads(0xE1, "Exif\0").compactMap { TIFFBlock($0) }
    let orientation = exif.lazy.compactMap(\.orientation).first
    header.orientation = orientation ?? .upright
    header.density =
      payloads(0xE0, "JFIF\0").compactMap(Self.density).first
      ?? exif.lazy.compactMap(\.density).first
    header.quality =
      headerSegments.reversed().lazy.filter { $0.marker == 0xDB }.compactMap {
        QuantizationTable.quality(in: ByteWindow(bytes, $0.payload), table: frame.lumaTable)
      }.first
    let color = ICCProfile.read(from: self, components: frame.components)
    header.colorProfile = color.profile
    if color.isDropped { header.notices.append("the colour profile was dropped") }
    if orientation == nil, isTurnedByXMP {
      header.notices.append(
        "only its XMP says that the picture is turned, which viewers do not follow; it was left as stored"
      )
    }
    if header.trailingBytes > 0 {
      header.notices.append(
        "\(header.trailingBytes) bytes after the end of the picture were dropped")
    }
    return header
  }

  /// The segments before the first scan; a decoder has drawn its conclusions by then.
  var headerSegments: ArraySlice<Segment> { segments.prefix { $0.marker != 0xDA } }

  /// What follows the name in each segment of that marker and name; EXIF pads its name to 6 bytes.
  private func payloads(_ marker: UInt8, _ name: StaticString) -> [ByteWindow] {
    let length = marker == 0xE1 ? 6 : name.utf8CodeUnitCount
    return headerSegments.filter { $0.marker == marker && $0.payload.count > length }
      .filter { ByteWindow(bytes, $0.payload).has(name) }
      .map { ByteWindow(bytes, $0.payload.dropFirst(length)) }
  }

  /// Whether an XMP packet gives an orientation of 2 to 8, as attribute or element.
  private var isTurnedByXMP: Bool {
    let name = Array("tiff:Orientation".utf8)
    return payloads(0xE1, "http://ns.adobe.com/xap/1.0/\0").contains { packet in
      let text = packet.slice(from: 0)
      return text.indices.contains { start in
        guard text[start] == name[0], text[start...].starts(with: name) else { return false }
        let value = text[(start + name.count)...].prefix(4).first(where: \.isASCIIDigit)
        return value.map { (0x32...0x38).contains($0) } ?? false
      }
    }
  }

  /// Dots per inch of a JFIF header: version, unit, then the density of x.
  private static func density(_ header: ByteWindow) -> Double? {
    guard let unit = header[2], let value = header.number(at: 3, width: 2), value > 1 else {
      return nil
    }
    switch unit {
    case 1: return Double(value)
    case 2: return Double(value) * 2.54
    default: return nil
    }
  }
}

/// The luma quantisation table of a JPEG, read to know the quality it was saved with.
enum QuantizationTable {
  /// Annex K.1 of the JPEG standard in the order of the file: the table that the IJG scale multiplies.
  private static let standard = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
  ]

  /// The quality of a table in a DQT segment, nil when the segment holds other tables only; the last one counts.
  static func quality(in segment: ByteWindow, table: UInt8) -> Int? {
    var offset = 0
    var found: Int?
    while let kind = segment[offset] {
      let width = kind >> 4 == 0 ? 1 : 2
      if kind & 15 == table { found = quality(of: segment, at: offset + 1, width: width) ?? found }
      offset += 1 + 64 * width
    }
    return found
  }

  private static func quality(of segment: ByteWindow, at offset: Int, width: Int) -> Int? {
    var found = 0
    var expected = 0
    for index in 0..<64 {
      guard let value = segment.number(at: offset + index * width, width: width) else { return nil }
      // Values at the ends of the range have been clipped and say nothing about the scale.
      guard value > 1, value < 255 else { continue }
      found += value
      expected += standard[index]
    }
    guard expected > 0 else { return 100 }
    let scale = 100 * Double(found) / Double(expected)
    let quality = scale <= 100 ? (200 - scale) / 2 : 5000 / scale
    return min(100, max(1, Int(quality.rounded())))
  }
}

/// The colour profile of a JPEG (ICC.1, annex B.4): kept when it is small and fits the picture.
enum ICCProfile {
  /// Display P3 takes 548 bytes and sRGB about 3 KB; what is larger is a printer's or a bomb.
  static let limit = 4096

  /// The profile in the APP2 segments; `isDropped` says that there is one which is not kept.
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
