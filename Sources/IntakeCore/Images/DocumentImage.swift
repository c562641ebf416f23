/// A recognised scan whose header has been checked; its pixels are decoded only when asked for.
public struct DocumentImage: Sendable {
  /// The side it shows.
  public let side: Side
  /// The path as the manifest gives it, for messages to the operator.
  public let file: String
  /// What its header says.
  public private(set) var header: ImageHeader
  /// Bytes of the file as it came.
  public let sourceBytes: Int
  /// The encoded file, or pixels that a stage has changed.
  public private(set) var content: Content
  /// The decoder that recognised it; its limits hold for whoever walks the file again.
  public let codec: any PixelSource

  /// Where the pixels come from.
  public enum Content: Sendable {
    /// The file as read.
    case encoded([UInt8])
    /// Pixels that a stage has made, upright.
    case edited(Bitmap)
  }

  /// Describes a scan that was read from a file.
  public init(
    side: Side, file: String, header: ImageHeader, bytes: [UInt8], codec: any PixelSource
  ) {
    self.side = side
    self.file = file
    self.header = header
    self.codec = codec
    sourceBytes = bytes.count
    content = .encoded(bytes)
  }

  /// The size it has when upright, in pixels.
  public var uprightSize: PixelSize {
    switch content {
    case .encoded: return header.uprightSize
    case .edited(let bitmap): return bitmap.size
    }
  }

  /// The picture upright, its longer side at most `edge` pixels; never enlarged.
  ///
  /// A decoder may stop at a cheaper size of at least 0.9 × `edge`; nil decodes at full size.
  public func pixels(fitting edge: Int? = nil) throws -> Bitmap {
    try codec.pixels(of: self, fitting: edge)
  }

  /// Bytes of memory that decoding to `edge` needs at its peak, for admission by the runner.
  public func memoryNeeded(fitting edge: Int?) -> Int {
    codec.memoryNeeded(for: self, fitting: edge)
  }

  /// The same scan with other pixels, upright: what a crop, deskew or redaction stage returns.
  public func replacing(pixels: Bitmap) -> DocumentImage {
    var image = self
    image.content = .edited(pixels)
    return image
  }

  /// The same scan as another file, for stages that work on encoded images; fails for bytes that no decoder takes.
  public func replacing(encoded bytes: [UInt8]) throws -> DocumentImage {
    var image = self
    image.header = try codec.header(of: bytes)
    image.content = .encoded(bytes)
    return image
  }
}

/// The decoder behind a document image, supplied by the stage that recognised it.
public protocol PixelSource: Sendable {
  /// Recognises a file by its content and checks its header, as it was done with the scan itself.
  func header(of bytes: [UInt8]) throws -> ImageHeader
  /// Decodes, shrinks and turns as `DocumentImage.pixels(fitting:)` describes.
  func pixels(of image: DocumentImage, fitting edge: Int?) throws -> Bitmap
  /// Bytes of memory that this needs at its peak.
  func memoryNeeded(for image: DocumentImage, fitting edge: Int?) -> Int
}
