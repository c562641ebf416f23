public import IntakeCore

extension ImageHeader {
  /// Recognises a file by its content and walks its markers or chunks; no pixel is decoded.
  ///
  /// - Throws: `StageFailure` for what isn't a picture, is of another format, broken, cut short or too large.
  public init(reading bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(StageFailure) {
    guard !bytes.isEmpty else { throw StageFailure(.notAnImage, "the file is empty") }
    switch ImageFormat(recognizing: bytes) {
    case _ where bytes.count < 16:
      throw StageFailure(.notAnImage, "the file has \(bytes.count) bytes, too few for a picture")
    case .jpeg: self = try JPEGStructure(bytes, limits: limits).header()
    case .png: self = try PNGStructure(bytes, limits: limits).header
    case nil:
      if let stray = Self.strayBytes(in: bytes) {
        throw StageFailure(
          .damagedImage,
          "the picture begins only after \(stray) stray byte\(stray == 1 ? "" : "s")",
          hint: StageFailure.saveAgain)
      }
      guard let name = ForeignFormat.name(of: bytes) else {
        throw StageFailure(.notAnImage, "the file's content is neither JPEG nor PNG")
      }
      throw StageFailure(.unsupportedFormat, "the file is \(name), not JPEG or PNG")
    }
  }
}

extension ImageHeader {
  /// Bytes before a JPEG or PNG that begins within the first 64: a line break of a mail program, a byte order mark.
  private static func strayBytes(in bytes: [UInt8]) -> Int? {
    (1..<min(65, bytes.count)).first { ImageFormat(recognizing: bytes[$0...]) != nil }
  }
}

/// Formats that are recognised only to be named in the refusal.
enum ForeignFormat {
  /// What the bytes look like, nil when nobody knows.
  static func name(of bytes: [UInt8]) -> String? {
    let window = ByteWindow(bytes)
    return signatures.first { window.has($0.text, at: $0.offset) }?.name ?? markup(in: bytes)
  }

  private struct Signature {
    let text: StaticString
    let name: String
    var offset = 0
  }

  private static let signatures: [Signature] = [
    Signature(text: "GIF8", name: "GIF"),
    Signature(text: "WEBP", name: "WebP", offset: 8),
    Signature(text: "ftypavif", name: "AVIF", offset: 4),
    Signature(text: "ftyphei", name: "HEIC", offset: 4),
    Signature(text: "ftyphev", name: "HEIC", offset: 4),
    Signature(text: "ftypmif1", name: "HEIF", offset: 4),
    Signature(text: "ftypmsf1", name: "HEIF", offset: 4),
    Signature(text: "ftyp", name: "MP4", offset: 4),
    Signature(text: "II*\0", name: "TIFF"),
    Signature(text: "MM\0*", name: "TIFF"),
    Signature(text: "II+\0", name: "BigTIFF"),
    Signature(text: "%PDF", name: "PDF"),
    Signature(text: "%!PS", name: "PostScript"),
    Signature(text: "BM", name: "BMP"),
    Signature(text: "8BPS", name: "Photoshop"),
    Signature(text: "jP  ", name: "JPEG 2000", offset: 4),
    Signature(text: "JXL ", name: "JPEG XL", offset: 4),
    Signature(text: "PK\u{3}\u{4}", name: "zip (or an office document)"),
    Signature(text: "\u{7F}ELF", name: "ELF program"),
    Signature(text: "MZ", name: "Windows program"),
    Signature(text: "\0\0\u{1}\0", name: "ICO"),
    Signature(text: "P5", name: "PGM"),
    Signature(text: "P6", name: "PPM"),
    Signature(text: "push graphic-context", name: "MVG"),
  ]

  private static func markup(in bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes.prefix(512).map(\.asciiLowercased), as: UTF8.self)
    if text.contains("<svg") { return "SVG" }
    if text.contains("<!doctype html") || text.contains("<html") { return "HTML" }
    return text.hasPrefix("<?xml") ? "XML" : nil
  }
}
