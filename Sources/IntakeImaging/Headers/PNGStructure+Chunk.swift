import IntakeCore

extension PNGStructure {
  /// One chunk: length, name, content, checksum.
  struct Chunk {
    let name: String
    let content: Range<Int>
    let extent: Range<Int>

    /// Bounds a chunk by the file.
    init(at offset: Int, in bytes: [UInt8]) throws(StageFailure) {
      let window = ByteWindow(bytes)
      guard let length = window.number(at: offset, width: 4), offset + 12 <= bytes.count,
        length <= bytes.count - offset - 12
      else {
        throw StageFailure(.damagedImage, "the PNG ends early, after \(bytes.count) bytes")
      }
      let letters = bytes[(offset + 4)..<(offset + 8)]
      guard letters.allSatisfy({ (0x41...0x5A).contains($0 & 0xDF) }) else {
        throw StageFailure(.damagedImage, "the PNG has a broken chunk at offset \(offset)")
      }
      name = String(decoding: letters, as: UTF8.self)
      content = (offset + 8)..<(offset + 8 + length)
      extent = offset..<(offset + 12 + length)
    }

    /// A capital first letter means that the picture cannot be understood without the chunk.
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
