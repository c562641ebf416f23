/// One component's samples, 8 bits each, row by row without padding.
public struct Plane: Sendable, Hashable {
  /// Samples in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// `width * height` samples.
  public let samples: [UInt8]

  /// Takes samples as they are; the count must be `width * height`.
  public init(width: Int, height: Int, samples: [UInt8]) {
    precondition(
      width >= 0 && height >= 0 && samples.count == width * height,
      "a plane holds width * height samples")
    self.width = width
    self.height = height
    self.samples = samples
  }
}

/// Decoded pixels: gray, or YCbCr (ITU-R BT.601 full range, as JFIF has it) in planes; never changed once made.
public struct Bitmap: Sendable, Hashable {
  /// Luma, at full size.
  public let luma: Plane
  /// Cb and Cr, equal in size, full size or half of it (rounded up) in each direction; nil for gray.
  public let chroma: Chroma?

  /// The two colour planes.
  public struct Chroma: Sendable, Hashable {
    /// Blue difference, 128 is neutral.
    public let blue: Plane
    /// Red difference, 128 is neutral.
    public let red: Plane

    /// Pairs the planes; both must be of one size, for the codecs walk them side by side.
    public init(blue: Plane, red: Plane) {
      precondition(
        blue.width == red.width && blue.height == red.height, "chroma planes are equal in size")
      self.blue = blue
      self.red = red
    }
  }

  /// Joins planes to a picture.
  public init(luma: Plane, chroma: Chroma? = nil) {
    self.luma = luma
    self.chroma = chroma
  }

  /// Width and height in pixels.
  public var size: PixelSize { PixelSize(width: luma.width, height: luma.height) }
}
