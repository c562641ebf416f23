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
        let value = text[(start + name.count)...].prefix(4).first { (0x30...0x39).contains($0) }
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
