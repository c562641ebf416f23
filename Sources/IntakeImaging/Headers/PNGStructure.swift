import IntakeCore

/// The chunks of a PNG (ISO/IEC 15948), walked before a decoder sees the file.
///
/// Only what makes the picture is passed on: libpng never sees a text or an unknown chunk.
struct PNGStructure {
  private(set) var header: ImageHeader
  /// The parts of the file to decode: signature, header, palette, transparency, data, end.
  private(set) var picture: [Range<Int>] = []
  private(set) var palette: Range<Int>?
  private(set) var transparency: Range<Int>?
  /// 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha.
  let colorType: Int
  private var hasData = false
  private var isAnimated = false
  /// How its colours are meant, if the file says so.
  private var (profile, gamma, primaries): (Chunk?, Chunk?, Chunk?)
  private var isStandardRGB = false
  private var aspectNotice: String?
  private var isTurnedByXMP = false
  private let bytes: [UInt8]

  /// Walks the file.
  ///
  /// - Throws: `StageFailure` for a file that is broken, ends early, or goes beyond the limits.
  init(_ bytes: [UInt8], limits: ImageLimits) throws(StageFailure) {
    self.bytes = bytes
    (header, colorType) = try Self.readHeader(ByteWindow(bytes), limits: limits)
    // The header ends there.
    let start = 33
    var offset = start
    var count = 1
    while true {
      let chunk = try Chunk(at: offset, in: bytes)
      count += 1
      guard count <= limits.maximumChunks else {
        throw StageFailure(.imageTooLarge, "the PNG has more than \(limits.maximumChunks) chunks")
      }
      offset = chunk.extent.upperBound
      try take(chunk)
      if chunk.name == "IEND" { break }
    }
    guard hasData else { throw StageFailure(.damagedImage, "the PNG has no picture data") }
    guard colorType != 3 || palette != nil else {
      throw StageFailure(.damagedImage, "the PNG lacks its palette")
    }
    header.trailingBytes = bytes.count - offset
    // libpng wants to see a colour chunk before the palette.
    picture = [0..<start, keepColors()].compactMap(\.self) + picture
    addNotices()
  }

  /// Keeps the profile; without it and sRGB, has libpng convert the gamma, and reports unusual primaries.
  ///
  /// - Returns: the chunk that libpng has to see.
  private mutating func keepColors() -> Range<Int>? {
    if let profile {
      let name = bytes[profile.content].prefix(80).prefix { $0 != 0 }
      header.packedProfile = Sanitizer.clean(String(decoding: name, as: UTF8.self), limit: 60)
      return profile.extent
    }
    guard !isStandardRGB else { return nil }
    if let gamma {
      // In 1/100,000; that of sRGB is 45,455.
      let value = ByteWindow(bytes, gamma.content).number(at: 0, width: 4) ?? 0
      guard value > 0, abs(value - 45_455) > 2_000 else { return nil }
      header.notices.append(
        "its gamma of \(JSONOutput.decimal(Double(value) / 100_000).text) was converted to that of sRGB"
      )
    }
    if let primaries {
      // White and red of sRGB, in 1/100,000.
      let window = ByteWindow(bytes, primaries.content)
      let isUsual = zip([31_270, 32_900, 64_000, 33_000], 0...).allSatisfy { expected, place in
        abs((window.number(at: 4 * place, width: 4) ?? 0) - expected) < 1_000
      }
      if !isUsual {
        header.notices.append("its primaries (cHRM) are not those of sRGB: colours may be off")
      }
    }
    return gamma?.extent
  }

  /// Adds each notice once: a file of empty chunks must not cause one for each.
  private mutating func addNotices() {
    if isAnimated { header.notices.append("the PNG is animated; its first picture was taken") }
    if let aspectNotice { header.notices.append(aspectNotice) }
    if isTurnedByXMP, header.orientation == .upright { header.notices.append(XMPPacket.notice) }
    if header.trailingBytes > 0 {
      header.notices.append(
        "\(header.trailingBytes) bytes after the end of the picture were dropped")
    }
  }

  private mutating func take(_ chunk: Chunk) throws(StageFailure) {
    switch chunk.name {
    case "IHDR", "IEND": keep(chunk.extent)
    case "IDAT":
      hasData = true
      keep(chunk.extent)
    case "PLTE" where colorType == 3 && !hasData && palette == nil:
      try require(chunk.content.count <= 768, "palette")
      palette = chunk.content
      keep(chunk.extent)
    case "tRNS" where [0, 2, 3].contains(colorType) && !hasData && transparency == nil:
      try require(chunk.content.count <= 256, "transparency")
      transparency = chunk.content
      // Decoding adds an alpha channel; palette pictures stay indices.
      if colorType != 3 { header.samplesPerPixel += 1 }
      keep(chunk.extent)
    case "eXIf": header.orientation = orientation(of: chunk) ?? header.orientation
    case "pHYs":
      header.density = density(of: chunk)
      let content = ByteWindow(bytes, chunk.content)
      aspectNotice = aspectNotice ?? PixelAspect.notice(of: content, at: 0, width: 4)
    case "iTXt":
      let text = bytes[chunk.content]
      if text.starts(with: "XML:com.adobe.xmp\0".utf8) {
        isTurnedByXMP = XMPPacket.turns(Array(text))
      }
    case "gAMA" where !hasData && gamma == nil: gamma = chunk
    case "cHRM" where !hasData: primaries = chunk
    case "sRGB", "cICP": isStandardRGB = true
    case "acTL": isAnimated = true
    case "iCCP" where !hasData && profile == nil: profile = chunk
    default: try chunk.requireAncillary()
    }
  }

  private func require(_ condition: Bool, _ part: String) throws(StageFailure) {
    guard condition else { throw StageFailure(.damagedImage, "the PNG's \(part) is too large") }
  }

  /// Joins neighbours, so that a million tiny chunks are one range.
  private mutating func keep(_ extent: Range<Int>) {
    guard let last = picture.last, last.upperBound == extent.lowerBound else {
      picture.append(extent)
      return
    }
    picture[picture.count - 1] = last.lowerBound..<extent.upperBound
  }

  private func orientation(of chunk: Chunk) -> Orientation? {
    // Some programs copy the block with the name that it has in a JPEG.
    let content =
      ByteWindow(bytes, chunk.content).has("Exif\0\0") ? chunk.content.dropFirst(6) : chunk.content
    return TIFFBlock(ByteWindow(bytes, content))?.orientation
  }

  /// Dots per inch; unit 1 is the metre.
  private func density(of chunk: Chunk) -> Double? {
    let window = ByteWindow(bytes, chunk.content)
    guard window[8] == 1, let perMeter = window.number(at: 0, width: 4), perMeter > 39 else {
      return nil
    }
    return Double(perMeter) * 0.0254
  }

  /// One chunk: length, name, content, checksum.
  struct Chunk {
    let name: String
    let content: Range<Int>
    let extent: Range<Int>

    /// Reads a chunk's length and name.
    init(at offset: Int, in bytes: [UInt8]) throws(StageFailure) {
      let window = ByteWindow(bytes)
      guard let length = window.number(at: offset, width: 4), offset + 12 <= bytes.count,
        length <= bytes.count - offset - 12
      else {
        throw StageFailure(.damagedImage, "the PNG ends early, after \(bytes.count) bytes")
      }
      let letters = bytes[(offset + 4)..<(offset + 8)]
      guard letters.allSatisfy(\.isASCIILetter) else {
        throw StageFailure(.damagedImage, "the PNG has a broken chunk at offset \(offset)")
      }
      name = String(decoding: letters, as: UTF8.self)
      content = (offset + 8)..<(offset + 8 + length)
      extent = offset..<(offset + 12 + length)
    }

    /// A capital first letter means that the picture can't be understood without the chunk.
    func requireAncillary() throws(StageFailure) {
      let isKnown = ["PLTE", "tRNS"].contains(name)
      guard isKnown || name.utf8.first.map({ $0 & 0x20 != 0 }) == true else {
        throw StageFailure(.unsupportedVariant, "the PNG needs a chunk \(name), which is not read")
      }
    }
  }

  /// Reads IHDR and checks it against the standard and the limits.
  static func readHeader(_ window: ByteWindow, limits: ImageLimits)
    throws(StageFailure) -> (ImageHeader, colorType: Int)
  {
    guard window.number(at: 8, width: 4) == 13, window.has("IHDR", at: 12),
      let width = window.number(at: 16, width: 4), let height = window.number(at: 20, width: 4),
      let depth = window[24], let type = window[25], window[26] == 0, window[27] == 0,
      let interlace = window[28], interlace <= 1, width > 0, height > 0,
      isValid(type: Int(type), depth: Int(depth))
    else {
      let isApple = window.has("CgBI", at: 12)
      throw isApple
        ? StageFailure(.unsupportedVariant, "the PNG is in Apple's own variant, CgBI")
        : StageFailure(.damagedImage, "the PNG's header is broken")
    }
    let size = PixelSize(width: width, height: height)
    try limits.check(size)
    let components = [0: 1, 2: 3, 3: 3, 4: 2, 6: 4][Int(type)] ?? 3
    var header = ImageHeader(
      format: .png, size: size, components: components, bitDepth: Int(depth))
    header.isProgressive = interlace == 1
    if type == 3 { header.samplesPerPixel = 1 }
    try limits.checkUnpacked(size, bitsPerPixel: Int(header.samplesPerPixel) * Int(depth))
    return (header, Int(type))
  }

  private static func isValid(type: Int, depth: Int) -> Bool {
    switch type {
    case 0: return [1, 2, 4, 8, 16].contains(depth)
    case 3: return [1, 2, 4, 8].contains(depth)
    case 2, 4, 6: return [8, 16].contains(depth)
    default: return false
    }
  }
}
