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
    let start = bytes.prefix(512).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    let text = String(decoding: start, as: UTF8.self)
    if text.contains("<svg") { return "SVG" }
    if text.contains("<!doctype html") || text.contains("<html") { return "HTML" }
    return text.hasPrefix("<?xml") ? "XML" : nil
  }
}
