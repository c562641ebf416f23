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
    let text = Base64Text.encode(image.bytes)
    return EncodedImage(base64: text, prepared: image)
  }
}
