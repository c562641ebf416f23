import IntakeCore

/// The chunks of a PNG (ISO/IEC 15948), walked before any decoder sees the file.
///
/// Only what makes the picture is handed on: libpng never meets a text, profile or unknown chunk.
struct PNGStructure {
  private(set) var header: ImageHeader
  /// The parts of the file to decode: signature, header, palette, transparency, data, end.
  private(set) var picture: [Range<Int>] = [0..<8]
  private(set) var palette: Range<Int>?
  private(set) var transparency: Range<Int>?
  /// 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha.
  let colorType: Int
  private var hasData = false
  private var isAnimated = false
  private var hasProfile = false
  private let bytes: [UInt8]

  /// Walks the file.
  ///
  /// - Throws: `StageFailure` for a file that is broken, ends early, or goes beyond the limits.
  init(_ bytes: [UInt8], limits: ImageLimits) throws(StageFailure) {
    self.bytes = bytes
    (header, colorType) = try Self.readHeader(ByteWindow(bytes), limits: limits)
    var offset = 8
    var count = 0
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
    addNotices()
  }

  /// Said once, however often the file gives cause: a file of empty chunks made a notice of each.
  private mutating func addNotices() {
    if isAnimated { header.notices.append("the PNG is animated; its first picture was taken") }
    if hasProfile { header.notices.append("the colour profile was dropped") }
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
    case "pHYs": header.density = density(of: chunk)
    case "acTL": isAnimated = true
    case "iCCP": hasProfile = true
    default: try chunk.requireAncillary()
    }
  }

  private func require(_ condition: Bool, _ part: String) throws(StageFailure) {
    guard condition else { throw StageFailure(.damagedImage, "the PNG's \(part) is too large") }
  }

  /// Neighbours are joined, so that a file of a million tiny chunks stays one range.
  private mutating func keep(_ extent: Range<Int>) {
    guard let last = picture.last, last.upperBound == extent.lowerBound else {
      picture.append(extent)
      return
    }
    picture[picture.count - 1] = last.lowerBound..<extent.upperBound
  }

  private func orientation(of chunk: Chunk) -> Orientation? {
    TIFFBlock(ByteWindow(bytes, chunk.content))?.orientation
  }

  /// Dots per inch; unit 1 is the metre.
  private func density(of chunk: Chunk) -> Double? {
    let window = ByteWindow(bytes, chunk.content)
    guard window[8] == 1, let perMeter = window.number(at: 0, width: 4), perMeter > 39 else {
      return nil
    }
    return Double(perMeter) * 0.0254
  }
}
