public import IntakeCore

/// Turns an image into base64 text (RFC 4648 §4: standard alphabet, padded, no line breaks).
public struct Base64: ImageEncoder {
  /// `base64`.
  public static let name = "base64"
  /// What it does.
  public static let summary = "encode the prepared image as base64 text"

  /// Takes no options: every receiving API wants the same form.
  public init(options: NoOptions) {}

  /// Encodes an image; the report travels along.
  public func run(_ image: consuming PreparedImage, in context: StageContext) -> EncodedImage {
    let text = Base64Text.encode(image.bytes)
    return EncodedImage(base64: text, prepared: image)
  }
}
