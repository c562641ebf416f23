import IntakeCore

/// Base64 as the vendors' fields carry it: standard alphabet, padded, no line breaks (RFC 4648 §4).
enum Base64Text {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The value of each byte in the alphabet, 0xFF for bytes outside it.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()

  /// The decoded bytes, nil for text that is no base64.
  static func decoded(_ text: Substring.UTF8View) -> [UInt8]? {
    if let result = text.withContiguousStorageIfAvailable(decode) { return result }
    return Array(text).withUnsafeBufferPointer(decode)
  }

  private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard !text.isEmpty, text.count % 4 == 0 else { return nil }
    let end = text.lastIndex { $0 != UInt8(ascii: "=") }.map { $0 + 1 } ?? 0
    let padding = text.count - end
    guard padding <= 2 else { return nil }
    return values.withUnsafeBufferPointer { values in
      var isValid = true
      let whole = end / 4
      let result = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { output, count in
        // One test for all digits: a value outside the alphabet sets bits that no digit has.
        var seen: UInt8 = 0
        for group in 0..<whole {
          let first = values[Int(text[group * 4])]
          let second = values[Int(text[group * 4 + 1])]
          let third = values[Int(text[group * 4 + 2])]
          let fourth = values[Int(text[group * 4 + 3])]
          seen |= first | second | third | fourth
          output[group * 3] = first << 2 | second >> 4
          output[group * 3 + 1] = second << 4 | third >> 2
          output[group * 3 + 2] = third << 6 | fourth
        }
        count = whole * 3
        let rest = text[(whole * 4)..<end].map { values[Int($0)] }
        for (high, low) in zip(rest.indices, rest.indices.dropFirst()) {
          output[count] = rest[high] << UInt8(2 + 2 * high) | rest[low] >> UInt8(4 - 2 * high)
          count += 1
        }
        isValid = rest.reduce(seen, |) < 64
      }
      return isValid ? result : nil
    }
  }

  /// The bytes as base64.
  static func encoded(_ bytes: [UInt8]) -> String {
    let size = (bytes.count + 2) / 3 * 4
    return String(unsafeUninitializedCapacity: size) { output in
      for (group, start) in stride(from: 0, to: bytes.count, by: 3).enumerated() {
        let rest = bytes.count - start
        let second = rest > 1 ? bytes[start + 1] : 0
        let third = rest > 2 ? bytes[start + 2] : 0
        let bits = UInt32(bytes[start]) << 16 | UInt32(second) << 8 | UInt32(third)
        for place in 0..<4 {
          let digit = alphabet[Int(bits >> (18 - 6 * UInt32(place)) & 0x3F)]
          output[group * 4 + place] = place <= rest ? digit : UInt8(ascii: "=")
        }
      }
      return size
    }
  }

  /// The bytes of URL-safe base64 without padding (RFC 4648 §5), as JSON Web Tokens use it.
  static func decodedURLSafe(_ text: some StringProtocol) -> [UInt8]? {
    guard !text.utf8.contains(where: { "+/=".utf8.contains($0) }) else { return nil }
    let standard = text.utf8.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "-"): return UInt8(ascii: "+")
      case UInt8(ascii: "_"): return UInt8(ascii: "/")
      default: return byte
      }
    }
    guard standard.count % 4 != 1 else { return nil }
    let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - standard.count % 4) % 4)
    return (standard + padding).withUnsafeBufferPointer(decode)
  }
}
