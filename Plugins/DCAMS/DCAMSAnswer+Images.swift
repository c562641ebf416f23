import IntakeCore

extension DCAMSAnswer {
  /// The images of a getDocumentImages answer, decoded; sides that are absent, empty or undecodable are left out.
  var images: [Side: [UInt8]] {
    var images: [Side: [UInt8]] = [:]
    for side in Side.allCases {
      guard let text = target?["documents"]?[side.rawValue]?.string else { continue }
      images[side] = DCAMSAnswer.decoded(text)
    }
    return images
  }

  /// Base64 with or without padding, line breaks and a `data:` prefix, for the vendor's page allows any reading.
  static func decoded(_ text: String) -> [UInt8]? {
    var digits = Substring(text).utf8
    if text.hasPrefix("data:"), let comma = digits.firstIndex(of: UInt8(ascii: ",")) {
      digits = digits[digits.index(after: comma)...]
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3)
    var (group, count, isPadded) = (0, 0, false)
    for digit in digits where !" \t\r\n".utf8.contains(digit) {
      isPadded = isPadded || digit == UInt8(ascii: "=")
      if digit == UInt8(ascii: "=") { continue }
      guard let value = value(of: digit), !isPadded else { return nil }
      (group, count) = (group << 6 | value, count + 1)
      guard count == 4 else { continue }
      bytes += [UInt8(group >> 16), UInt8(group >> 8 & 255), UInt8(group & 255)]
      (group, count) = (0, 0)
    }
    switch count {
    case 1: return nil
    case 2: bytes.append(UInt8(group >> 4))
    case 3: bytes += [UInt8(group >> 10), UInt8(group >> 2 & 255)]
    default: break
    }
    return bytes.isEmpty ? nil : bytes
  }

  private static func value(of digit: UInt8) -> Int? {
    switch digit {
    case 0x41...0x5A: Int(digit) - 0x41
    case 0x61...0x7A: Int(digit) - 0x61 + 26
    case 0x30...0x39: Int(digit) - 0x30 + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
