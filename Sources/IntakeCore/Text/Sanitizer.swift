/// Makes text from outside (servers, programs, file names, cells) harmless for terminals and logs.
public enum Sanitizer {
  /// At most `limit` characters, with control characters, line separators and bidi overrides written as `\u{…}` (CWE-150).
  public static func clean(_ text: String, limit: Int = 200) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(limit + 1) {
      guard result.unicodeScalars.count < limit else { return result + "…" }
      if isHarmful(scalar) {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A server's word such as `PASS`, or `other` for anything but a short plain word: it could echo an e-mail there.
  public static func word(_ text: String) -> String {
    let isPlain =
      (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        byte.isASCIIAlphanumeric || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      }
    return isPlain ? text : "other"
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069,
      0xFEFF:
      return true
    default: return false
    }
  }
}
