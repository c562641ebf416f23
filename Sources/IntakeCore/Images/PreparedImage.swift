/// An image ready to send: JPEG or PNG bytes without personal metadata, and how they came about.
public struct PreparedImage: Sendable {
  /// The side it shows.
  public let side: Side
  /// The encoded image.
  public let bytes: [UInt8]
  /// What came in, what was tried, what was chosen and why.
  public let report: ShrinkReport

  /// Pairs bytes with their history.
  public init(side: Side, bytes: [UInt8], report: ShrinkReport) {
    self.side = side
    self.bytes = bytes
    self.report = report
  }
}

/// What became of one image: what came in, what was tried, what was chosen and why.
public struct ShrinkReport: Sendable, Hashable {
  /// The file as it came: size as stored, in pixels.
  public var source: Form
  /// The image as it is sent: upright size, in pixels.
  public var sent: Form
  /// How the source became what is sent.
  public var method: Method
  /// Why this form was chosen, in one sentence.
  public var reason: String
  /// Every encoding that was tried, in order.
  public var attempts: [Attempt] = []
  /// What an operator may want to look at; free of personal data.
  public var warnings: [String] = []

  /// Format, size in pixels and bytes of an image, the quality where it is known.
  public struct Form: Sendable, Hashable {
    /// The format.
    public var format: ImageFormat
    /// Width and height in pixels.
    public var size: PixelSize
    /// Bytes before base64.
    public var bytes: Int
    /// JPEG quality on the IJG scale, 1 to 100.
    public var quality: Int?
    /// The format of the file that a stage made this image from, such as `heic`; then `bytes` are that file's.
    public var convertedFrom: String?

    /// The format of the file: JPEG or PNG, or the one that it was converted from.
    public var formatName: String { convertedFrom ?? format.rawValue }

    /// Describes an image.
    public init(format: ImageFormat, size: PixelSize, bytes: Int, quality: Int? = nil) {
      self.format = format
      self.size = size
      self.bytes = bytes
      self.quality = quality
    }
  }

  /// How an image was prepared.
  public enum Method: String, Sendable, Hashable {
    /// Fewer pixels than it came with.
    case shrunk
    /// The same pixels bit for bit, only metadata removed.
    case passthrough
    /// The same number of pixels, encoded again.
    case reencoded
  }

  /// One encoding that was tried.
  public struct Attempt: Sendable, Hashable {
    /// Longer side in pixels.
    public var edge: Int
    /// JPEG quality on the IJG scale, 1 to 100.
    public var quality: Int
    /// Bytes that came out; for a sample, the bytes predicted for the whole.
    public var bytes: Int
    /// Whether only every 8th strip was encoded, to predict the size.
    public var isSample: Bool

    /// Notes an encoding.
    public init(edge: Int, quality: Int, bytes: Int, isSample: Bool = false) {
      self.edge = edge
      self.quality = quality
      self.bytes = bytes
      self.isSample = isSample
    }
  }

  /// Describes what became of an image.
  public init(source: Form, sent: Form, method: Method, reason: String) {
    self.source = source
    self.sent = sent
    self.method = method
    self.reason = reason
  }
}

/// A prepared image as base64 (RFC 4648 §4: standard alphabet, padded, no line breaks).
public struct EncodedImage: Sendable {
  /// ASCII bytes of the base64 text.
  public let base64: [UInt8]
  /// The image before encoding.
  public let prepared: PreparedImage
  /// The side it shows.
  public var side: Side { prepared.side }

  /// Pairs an image with its base64 form.
  public init(base64: [UInt8], prepared: PreparedImage) {
    self.base64 = base64
    self.prepared = prepared
  }

  /// The same image, whose report says which file it was converted from.
  public func converted(from original: ImageFile.Original) -> EncodedImage {
    var report = prepared.report
    report.source.convertedFrom = original.format
    report.source.bytes = original.bytes
    report.source.quality = nil
    let image = PreparedImage(side: prepared.side, bytes: prepared.bytes, report: report)
    return EncodedImage(base64: base64, prepared: image)
  }

  /// Bytes that `count` bytes take as base64: 4 for each 3, the last group padded.
  public static func encodedSize(of count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Bytes of binary that fit into `count` bytes of base64.
  public static func decodedCapacity(of count: Int) -> Int { max(0, count / 4 * 3) }
}
