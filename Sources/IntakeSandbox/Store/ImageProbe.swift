import IntakeCore

/// Tells format and size of a received image from its header; the one place that does.
enum ImageProbe {
  /// What the bytes are, nil when they are neither a JPEG nor a PNG with a readable header.
  static func look(at bytes: [UInt8]) -> (format: ImageFormat, size: PixelSize)? {
    guard let format = ImageFormat(recognizing: bytes) else { return nil }
    let size = format == .png ? pngSize(bytes) : jpegSize(bytes)
    return size.map { (format, $0) }
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
    guard start + count <= bytes.count else { return nil }
    return bytes[start..<(start + count)].reduce(0) { $0 << 8 | Int($1) }
  }

  /// The first chunk is IHDR: its width stands at byte 16, its height at byte 20 (PNG §11.2.1).
  private static func pngSize(_ bytes: [UInt8]) -> PixelSize? {
    guard bytes.dropFirst(12).starts(with: Array("IHDR".utf8)),
      let width = number(bytes, 16, 4), let height = number(bytes, 20, 4)
    else { return nil }
    return PixelSize(width: width, height: height)
  }

  /// Walks the marker segments up to the frame header (T.81 §B.2.2).
  private static func jpegSize(_ bytes: [UInt8]) -> PixelSize? {
    var index = 2
    while index + 4 <= bytes.count {
      guard bytes[index] == 0xFF else { return nil }
      let marker = bytes[index + 1]
      switch marker {
      case 0xFF:
        index += 1
        continue
      case 0x01, 0xD0...0xD7:
        index += 2
        continue
      case 0xD9, 0xDA: return nil
      case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
        guard let height = number(bytes, index + 5, 2), let width = number(bytes, index + 7, 2)
        else { return nil }
        return PixelSize(width: width, height: height)
      default: break
      }
      guard let length = number(bytes, index + 2, 2), length >= 2 else { return nil }
      index += 2 + length
    }
    return nil
  }
}
