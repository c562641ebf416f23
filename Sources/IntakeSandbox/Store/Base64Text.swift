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
    let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
    if padding == 2, text[text.count - 1] != UInt8(ascii: "=") { return nil }
    let digits = text.count - padding
    if padding == 1, text[text.count - 1] != UInt8(ascii: "=") { return nil }
    let size = text.count / 4 * 3 - padding
    return values.withUnsafeBufferPointer { values in
      var isValid = true
      let result = [UInt8](unsafeUninitializedCapacity: size) { output, count in
        var bits: UInt32 = 0
        for index in 0..<digits {
          let value = values[Int(text[index])]
          if value == 0xFF { isValid = false }
          bits = bits << 6 | UInt32(value & 0x3F)
          // The first digit of four completes no byte; each further one does.
          let place = index & 3
          if place != 0 {
            output[count] = UInt8(truncatingIfNeeded: bits >> (6 - 2 * UInt32(place)))
            count += 1
          }
        }
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
