/// What the header of a scan says, read before any pixel is decoded.
public struct ImageHeader: Sendable, Hashable {
  /// The format by content.
  public var format: ImageFormat
  /// The size as stored, before turning, in pixels.
  public var size: PixelSize
  /// 1 gray, 2 gray with alpha, 3 colour, 4 CMYK or colour with alpha.
  public var components: Int
  /// Bits per component, 1 to 16.
  public var bitDepth: Int
  /// How to turn it upright.
  public var orientation: Orientation = .upright
  /// Dots per inch along the width, where the file says so.
  public var density: Double?
  /// Progressive JPEG or interlaced PNG: the whole picture is needed before its first row is done.
  public var isProgressive = false
  /// Scans of a JPEG; 1 for PNG.
  public var scanCount = 1
  /// Bytes after the end of the picture: appended pictures, motion clips or hidden data.
  public var trailingBytes = 0

  /// Starts with what every header has.
  public init(format: ImageFormat, size: PixelSize, components: Int, bitDepth: Int) {
    self.format = format
    self.size = size
    self.components = components
    self.bitDepth = bitDepth
  }

  /// The size after turning upright, in pixels.
  public var uprightSize: PixelSize { size.turned(by: orientation) }
}
