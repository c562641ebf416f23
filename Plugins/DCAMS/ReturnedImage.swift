/// An image as an answer brings it back: base64 in whatever dress, or a data URI.
///
/// No page says that the text comes back as it was sent, so the bytes are compared and not the letters.
enum ReturnedImage {
  /// The bytes; nil when it is no base64 of the standard or the URL-safe alphabet.
  static func bytes(_ text: String) -> [UInt8]? {
    let start =
      text.hasPrefix("data:") ? text.firstIndex(of: ",").map { text.index(after: $0) } : nil
    var (bits, width): (UInt32, Int) = (0, 0)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 4 * 3)
    var isPadded = false
    for character in text[(start ?? text.startIndex)...].utf8 where character > 0x20 {
      if character == UInt8(ascii: "=") {
        isPadded = true
        continue
      }
      guard !isPadded, let value = value(character) else { return nil }
      bits = bits << 6 | UInt32(value)
      width += 6
      guard width >= 8 else { continue }
      width -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(width)))
    }
    // A single letter at the end would be six bits of nothing.
    return width == 6 ? nil : bytes
  }

  private static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x41...0x5A: character - 0x41
    case 0x61...0x7A: character - 0x61 + 26
    case 0x30...0x39: character - 0x30 + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
