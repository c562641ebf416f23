import IntakeCore

extension JPEGStructure {
  /// What the pipeline wants to know of the file.
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
    header.lacksEnd = lacksEnd
    do throws(ICCProfile.Problem) {
      header.colorProfile = try ICCProfile.read(from: self, components: frame.components)
    } catch {
      header.notices.append(error.description)
    }
    header.notices += disorder(of: frame)
    if orientation == nil, isTurnedByXMP {
      header.notices.append(XMPPacket.notice)
    }
    if header.trailingBytes > 0 {
      header.notices.append(
        "\(header.trailingBytes) bytes after the end of the picture were dropped")
    }
    return header
  }

  /// Notices about what is odd but harmless.
  private func disorder(of frame: Frame) -> [String] {
    var notices: [String] = []
    if lacksEnd { notices.append("the end marker was missing; the picture itself is whole") }
    if isCoarse {
      notices.append("fine details never come: the file may have been cut short, look at it")
    }
    if frame.components == 4, payloads(0xEE, "Adobe").isEmpty {
      notices.append("CMYK without a word on its meaning was taken as inverted, as most files are")
    }
    notices += payloads(0xE0, "JFIF\0").compactMap {
      PixelAspect.notice(of: $0, at: 3, width: 2)
    }.prefix(1)
    return notices
  }

  /// The segments before the first scan.
  var headerSegments: ArraySlice<Segment> { segments.prefix { $0.marker != 0xDA } }

  /// What follows the name in each segment of that marker and name, before the first scan if not said otherwise.
  func payloads(_ marker: UInt8, _ name: StaticString, in segments: ArraySlice<Segment>? = nil)
    -> [ByteWindow]
  {
    // EXIF pads its name to 6 bytes.
    let length = marker == 0xE1 ? 6 : name.utf8CodeUnitCount
    return (segments ?? headerSegments)
      .filter { $0.marker == marker && $0.payload.count > length }
      .filter { ByteWindow(bytes, $0.payload).has(name) }
      .map { ByteWindow(bytes, $0.payload.dropFirst(length)) }
  }

  private var isTurnedByXMP: Bool {
    payloads(0xE1, "http://ns.adobe.com/xap/1.0/\0").contains { XMPPacket.turns($0.slice(from: 0)) }
  }

  /// Dots per inch from a JFIF header: version, unit, then the density of x.
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

/// The luma quantisation table of a JPEG, which shows the quality it was saved with.
enum QuantizationTable {
  /// Annex K.1 of the JPEG standard in zigzag order: the table that the IJG scale multiplies.
  private static let standard = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
  ]

  /// The quality of the last such table in a DQT segment; nil if there is none.
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
      // Values at the ends of the range were clipped and say nothing about the scale.
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

/// The orientation in an XMP packet, which viewers ignore.
enum XMPPacket {
  static let notice =
    "only its XMP says that the picture is turned, which viewers do not follow; it was left as stored"

  /// Whether it gives an orientation of 2 to 8, as an attribute or element.
  static func turns(_ text: [UInt8]) -> Bool {
    let name = Array("tiff:Orientation".utf8)
    return text.indices.contains { start in
      guard text[start] == name[0], text[start...].starts(with: name) else { return false }
      let value = text[(start + name.count)...].prefix(4).first(where: \.isASCIIDigit)
      return value.map { (0x32...0x38).contains($0) } ?? false
    }
  }
}

/// Pixels that are wider or narrower than they are high, as telefax machines scan.
enum PixelAspect {
  /// The notice about two neighbouring densities that differ by more than a twentieth, because scanners round.
  static func notice(of header: ByteWindow, at offset: Int, width: Int) -> String? {
    guard let x = header.number(at: offset, width: width), x > 0,
      let y = header.number(at: offset + width, width: width), y > 0, abs(x - y) * 20 > max(x, y)
    else { return nil }
    return
      "its pixels are not square, \(x) to \(y): the document looks stretched, scan it with the same resolution both ways"
  }
}
