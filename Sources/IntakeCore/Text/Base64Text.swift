/// Base64 with the standard alphabet, padded, without line breaks (RFC 4648 §4).
public enum Base64Text {
  /// Four ASCII characters for each three bytes, `=` where the last group is short.
  ///
  /// Foundation would do, but it costs a conversion to `Data` and back, and 40 MB of libraries.
  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    let size = EncodedImage.encodedSize(of: bytes.count)
    return [UInt8](unsafeUninitializedCapacity: size) { output, count in
      var place = 0
      func put(_ group: Int, _ characters: Int) {
        for index in 0..<4 {
          let letter = alphabet[group >> (18 - 6 * index) & 63]
          output.initializeElement(at: place + index, to: index < characters ? letter : padding)
        }
        place += 4
      }
      let whole = bytes.count - bytes.count % 3
      for start in stride(from: 0, to: whole, by: 3) {
        put(Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2]), 4)
      }
      switch bytes.count - whole {
      case 1: put(Int(bytes[whole]) << 16, 2)
      case 2: put(Int(bytes[whole]) << 16 | Int(bytes[whole + 1]) << 8, 3)
      default: break
      }
      count = size
    }
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// The bytes of a base64 text, with or without a data URI's prefix, padding and line breaks; nil for anything else.
  public static func decode(_ text: String) -> [UInt8]? {
    let prefix = text.hasPrefix("data:") ? text.firstIndex(of: ",") : nil
    let start = prefix.map { text.index(after: $0) } ?? text.startIndex
    var bytes: [UInt8] = []
    var (group, count) = (0, 0)
    for letter in text[start...].utf8 where letter > 0x20 && letter != padding {
      guard let value = alphabet.firstIndex(of: letter) else { return nil }
      (group, count) = (group << 6 | value, count + 1)
      guard count == 4 else { continue }
      bytes += [UInt8(group >> 16 & 255), UInt8(group >> 8 & 255), UInt8(group & 255)]
      (group, count) = (0, 0)
    }
    switch count {
    case 0: return bytes
    case 2: return bytes + [UInt8(group >> 4 & 255)]
    case 3: return bytes + [UInt8(group >> 10 & 255), UInt8(group >> 2 & 255)]
    default: return nil
    }
  }
}
