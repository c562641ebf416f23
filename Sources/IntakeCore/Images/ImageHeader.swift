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
  /// Stored samples per pixel: 1.5 for a JPEG in 4:2:0, else usually the components.
  public var samplesPerPixel: Double
  /// Bytes after the end of the picture: appended pictures, motion clips or hidden data.
  public var trailingBytes = 0

  /// The JPEG quality its quantisation tables stand for, 1 to 100 on the IJG scale; nil for PNG.
  public var quality: Int?
  /// The ICC profile of a JPEG, where it is small (4,096 bytes at most) and of the picture's colour model.
  public var colorProfile: [UInt8]?
  /// What an operator may want to know about the file; free of personal data.
  public var notices: [String] = []

  /// Starts with what every header has.
  public init(format: ImageFormat, size: PixelSize, components: Int, bitDepth: Int) {
    self.format = format
    self.size = size
    self.components = components
    self.bitDepth = bitDepth
    samplesPerPixel = Double(components)
  }

  /// The size after turning upright, in pixels.
  public var uprightSize: PixelSize { size.turned(by: orientation) }
}
