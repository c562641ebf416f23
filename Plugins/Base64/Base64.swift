public import IntakeCore

/// Turns an image into base64 text (RFC 4648 §4: standard alphabet, padded, no line breaks).
public struct Base64: ImageEncoder {
  /// No options: every receiving API wants the same form.
  public static let descriptor = StageDescriptor(
    name: "base64", summary: "encode the prepared image as base64 text",
    example: #"{"stage":"base64"}"#)

  /// Takes no options.
  public init(options: StageOptions) throws(OptionError) {}

  /// Encodes an image; the report travels along.
  public func run(_ image: consuming PreparedImage, in context: StageContext) -> EncodedImage {
    let text = Base64.encode(image.bytes)
    return EncodedImage(base64: text, prepared: image)
  }

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
}
