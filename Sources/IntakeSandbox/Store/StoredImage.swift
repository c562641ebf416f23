import IntakeCore
import IntakeCrypto

/// A scan as it arrived, and what is known of it.
struct StoredImage: Sendable {
  /// The bytes; nil when they were dropped to keep memory flat.
  var bytes: [UInt8]?
  /// How many bytes arrived.
  let byteCount: Int
  /// SHA-256 of the bytes in hexadecimal.
  let sha256: String
  /// JPEG or PNG, nil for anything else.
  let format: ImageFormat?
  /// Width and height in pixels, where the header tells them.
  let size: PixelSize?
  /// The media type of the `data:` prefix that came before the base64, nil when it came raw.
  let prefix: String?

  /// Examines bytes that arrived.
  init(_ bytes: [UInt8], prefix: String? = nil) {
    let header = ImageProbe.look(at: bytes)
    self.init(
      bytes: bytes, byteCount: bytes.count, sha256: Hex.sha256(of: bytes),
      format: header?.format ?? ImageFormat(recognizing: bytes), size: header?.size, prefix: prefix)
  }

  /// Restores an image whose facts are known.
  init(
    bytes: [UInt8]?, byteCount: Int, sha256: String, format: ImageFormat?, size: PixelSize?,
    prefix: String?
  ) {
    self.bytes = bytes
    self.byteCount = byteCount
    self.sha256 = sha256
    self.format = format
    self.size = size
    self.prefix = prefix
  }

  /// Reads a field of DCAMS: raw base64, or base64 behind `data:image/…;base64,`; nil when it is neither.
  init?(field text: String) {
    guard text.utf8.starts(with: "data:".utf8) else {
      guard let bytes = Base64Text.decoded(text[...].utf8) else { return nil }
      self.init(bytes)
      return
    }
    guard let comma = text.utf8.prefix(128).firstIndex(of: UInt8(ascii: ",")) else { return nil }
    let prefix = text[..<comma].dropFirst("data:".count)
    guard prefix.hasPrefix("image/"), prefix.hasSuffix(";base64"),
      let bytes = Base64Text.decoded(text[text.utf8.index(after: comma)...].utf8)
    else { return nil }
    self.init(bytes, prefix: String(prefix.dropLast(";base64".count)))
  }

  /// The media type to serve it with; what is no image is never served as one.
  var mediaType: String {
    format.map { "image/" + $0.rawValue } ?? "application/octet-stream"
  }
}

/// Hexadecimal text.
enum Hex {
  /// The SHA-256 of bytes; empty only when libcrypto has no memory left.
  static func sha256(of bytes: [UInt8]) -> String {
    text((try? Digest.sha256(bytes)) ?? [])
  }

  /// Two lower-case digits a byte.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
