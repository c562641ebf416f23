/// A prepared image as base64 (RFC 4648 §4: standard alphabet, padded, no line breaks).
public struct EncodedImage: Sendable {
  /// The side it shows.
  public let side: Side
  /// ASCII bytes of the base64 text.
  public let base64: [UInt8]
  /// The image before encoding.
  public let prepared: PreparedImage

  /// Pairs an image with its base64 form.
  public init(base64: [UInt8], prepared: PreparedImage) {
    self.side = prepared.side
    self.base64 = base64
    self.prepared = prepared
  }

  /// Bytes that `count` bytes take as base64: 4 for each 3, the last group padded.
  public static func encodedSize(of count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Bytes of binary that fit into `count` bytes of base64.
  public static func decodedCapacity(of count: Int) -> Int { max(0, count / 4 * 3) }
}
