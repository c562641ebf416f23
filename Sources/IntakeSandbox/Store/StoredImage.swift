import IntakeCore
import IntakeCrypto

struct StoredImage: Sendable {
  /// The bytes; nil when they were dropped to keep memory flat.
  var bytes: [UInt8]?
  let byteCount: Int
  let sha256: String
  let format: ImageFormat?
  let size: PixelSize?
  /// The media type of the `data:` prefix, nil when the base64 came without one.
  let prefix: String?
}

extension StoredImage {
  init(_ bytes: [UInt8], prefix: String? = nil) {
    let format = ImageFormat(recognizing: bytes)
    self.init(
      bytes: bytes, byteCount: bytes.count, sha256: StoredImage.sha256(of: bytes), format: format,
      size: format.flatMap { ImageProbe.size(of: bytes, $0) }, prefix: prefix)
  }

  /// Reads a field of DCAMS: raw base64, or base64 behind `data:image/…;base64,`; nil when it is neither.
  init?(field text: String) {
    guard text.utf8.starts(with: "data:".utf8) else {
      guard let bytes = Base64Text.decodeStrictly(text) else { return nil }
      self.init(bytes)
      return
    }
    guard let comma = text.utf8.prefix(128).firstIndex(of: UInt8(ascii: ",")) else { return nil }
    let prefix = text[..<comma].dropFirst("data:".count)
    guard prefix.hasPrefix("image/"), prefix.hasSuffix(";base64"),
      let bytes = Base64Text.decodeStrictly(text[text.utf8.index(after: comma)...])
    else { return nil }
    self.init(bytes, prefix: String(prefix.dropLast(";base64".count)))
  }

  /// The media type it is served with; only a recognised image is served as one.
  var mediaType: String { format.map { "image/" + $0.rawValue } ?? "application/octet-stream" }

  /// SHA-256 in hexadecimal; empty only when libcrypto is out of memory.
  static func sha256(of bytes: [UInt8]) -> String { Hex.text((try? Digest.sha256(bytes)) ?? []) }

  var facts: JSONFields {
    [
      ("bytes", byteCount), ("width", (size?.width).orNull), ("height", (size?.height).orNull),
      ("format", (format?.rawValue).orNull), ("sha256", sha256), ("prefix", prefix.orNull),
    ]
  }

  init?(record: JSONValue) {
    // The hash names a file: anything but hexadecimal digits could name one elsewhere.
    guard let bytes = record["bytes"]?.integer, let sha256 = record["sha256"]?.string,
      sha256.utf8.count == 64, Hex.bytes(sha256) != nil
    else { return nil }
    let width = record["width"]?.integer
    let height = record["height"]?.integer
    let size = width.flatMap { width in height.map { PixelSize(width: width, height: $0) } }
    self.init(
      bytes: nil, byteCount: bytes, sha256: sha256,
      format: record["format"]?.string.flatMap { ImageFormat(rawValue: $0) }, size: size,
      prefix: record["prefix"]?.string)
  }
}

/// Reads the size of a received image from its header, independently of the stages under test.
enum ImageProbe {
  static func size(of bytes: [UInt8], _ format: ImageFormat) -> PixelSize? {
    format == .png ? pngSize(bytes) : jpegSize(bytes)
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
    guard start + count <= bytes.count else { return nil }
    return bytes[start..<(start + count)].reduce(0) { $0 << 8 | Int($1) }
  }

  /// The first chunk is IHDR, with the width at byte 16 and the height at byte 20 (PNG §11.2.1).
  private static func pngSize(_ bytes: [UInt8]) -> PixelSize? {
    guard bytes.dropFirst(12).starts(with: Array("IHDR".utf8)),
      let width = number(bytes, 16, 4), let height = number(bytes, 20, 4)
    else { return nil }
    return PixelSize(width: width, height: height)
  }

  /// Walks the marker segments up to the frame header (T.81 §B.2.2).
  private static func jpegSize(_ bytes: [UInt8]) -> PixelSize? {
    var index = 2
    while index + 4 <= bytes.count, bytes[index] == 0xFF {
      switch bytes[index + 1] {
      case 0xFF: index += 1
      case 0x01, 0xD0...0xD7: index += 2
      case 0xD9, 0xDA: return nil
      case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
        guard let height = number(bytes, index + 5, 2), let width = number(bytes, index + 7, 2)
        else { return nil }
        return PixelSize(width: width, height: height)
      default:
        guard let length = number(bytes, index + 2, 2), length >= 2 else { return nil }
        index += 2 + length
      }
    }
    return nil
  }
}
