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
  /// The ICC profile of a JPEG, where it is whole, of the picture's colour model and has at most 65,519 bytes.
  public var colorProfile: [UInt8]?
  /// The name of a PNG's ICC profile, which is packed: only decoding tells what it holds.
  public var packedProfile: String?
  /// Whether a JPEG's end marker is missing; only decoding tells whether any of its picture is.
  public var lacksEnd = false
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

/// The formats that are read, recognised by content, never by name; the only list of formats.
public enum ImageFormat: String, Sendable, Hashable, CaseIterable {
  /// JPEG: baseline and progressive, Huffman coded.
  case jpeg
  /// PNG of every colour type.
  case png

  /// The bytes that a file of this format starts with.
  public var signature: [UInt8] {
    switch self {
    case .jpeg: return [0xFF, 0xD8, 0xFF]
    case .png: return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    }
  }

  /// The format whose signature the bytes start with, nil when it is neither.
  public init?(recognizing bytes: some Collection<UInt8>) {
    guard let format = ImageFormat.allCases.first(where: { bytes.starts(with: $0.signature) })
    else { return nil }
    self = format
  }
}

/// How a stored picture has to be turned to stand upright (EXIF 2.3, tag 0x0112).
public enum Orientation: Int, Sendable, Hashable, CaseIterable {
  /// 1: it stands upright as stored.
  case upright = 1
  /// 2: left and right change places.
  case mirrored
  /// 3: half a turn.
  case upsideDown
  /// 4: top and bottom change places.
  case flipped
  /// 5: mirrored along the diagonal from the top left.
  case transposed
  /// 6: a quarter turn clockwise; how telephones store portraits.
  case turnRight
  /// 7: mirrored along the other diagonal.
  case transversed
  /// 8: a quarter turn anticlockwise.
  case turnLeft
}

/// Width and height in pixels.
public struct PixelSize: Sendable, Hashable {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int

  /// Makes a size.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// The longer of the two.
  public var longerSide: Int { max(width, height) }

  /// The size after turning.
  public func turned(by orientation: Orientation) -> PixelSize {
    orientation.rawValue >= Orientation.transposed.rawValue
      ? PixelSize(width: height, height: width) : self
  }
}
