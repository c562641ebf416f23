/// One component's samples, 8 bits each, row by row without padding.
public struct Plane: Sendable, Hashable {
  /// Samples in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// `width * height` samples.
  public fileprivate(set) var samples: [UInt8]

  /// Takes samples as they are; the count must be `width * height`.
  public init(width: Int, height: Int, samples: [UInt8]) {
    precondition(
      width >= 0 && height >= 0 && samples.count == width * height,
      "a plane holds width * height samples")
    self.width = width
    self.height = height
    self.samples = samples
  }

  fileprivate init(_ size: PixelSize, filledWith value: UInt8) {
    self.init(
      width: size.width, height: size.height,
      samples: [UInt8](repeating: value, count: size.width * size.height))
  }
}

/// Decoded pixels: gray, or YCbCr (ITU-R BT.601 full range, as JFIF has it) in planes; never changed once made.
public struct Bitmap: Sendable, Hashable {
  /// Luma, at full size.
  public fileprivate(set) var luma: Plane
  /// Cb and Cr, equal in size, full size or half of it (rounded up) in each direction; nil for gray.
  public fileprivate(set) var chroma: Chroma?

  /// The two colour planes.
  public struct Chroma: Sendable, Hashable {
    /// Blue difference, 128 is neutral.
    public fileprivate(set) var blue: Plane
    /// Red difference, 128 is neutral.
    public fileprivate(set) var red: Plane

    /// Pairs the planes; both must be of one size because the codecs walk them side by side.
    public init(blue: Plane, red: Plane) {
      precondition(
        blue.width == red.width && blue.height == red.height, "chroma planes are equal in size")
      self.blue = blue
      self.red = red
    }

    fileprivate func place(_ x: Int, _ y: Int, in size: PixelSize) -> Int {
      let column = blue.width == size.width ? x : x / 2
      let row = blue.height == size.height ? y : y / 2
      return row * blue.width + column
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

/// A picture while it is being changed: made from a bitmap or blank, drawn on, then frozen to a bitmap again.
public struct PixelBuffer: ~Copyable {
  private var bitmap: Bitmap

  /// Starts with a copy of a picture.
  public init(_ bitmap: Bitmap) { self.bitmap = bitmap }

  /// Starts with one colour all over, in colour at half chroma resolution.
  public init(size: PixelSize, filledWith color: PixelColor) {
    let half = PixelSize(width: (size.width + 1) / 2, height: (size.height + 1) / 2)
    bitmap = Bitmap(
      luma: Plane(size, filledWith: color.luma),
      chroma: Bitmap.Chroma(
        blue: Plane(half, filledWith: color.blue), red: Plane(half, filledWith: color.red)))
  }

  /// Width and height in pixels.
  public var size: PixelSize { bitmap.size }

  /// The colour of a pixel, white outside the picture; writing tints its neighbours that share its chroma.
  public subscript(x: Int, y: Int) -> PixelColor {
    get { bitmap[x, y] }
    set { bitmap[x, y] = newValue }
  }

  /// Fills a rectangle, cut at the edges of the picture: what a redaction needs.
  public mutating func fill(x: Range<Int>, y: Range<Int>, with color: PixelColor) {
    for row in y.clamped(to: 0..<size.height) {
      for column in x.clamped(to: 0..<size.width) { self[column, row] = color }
    }
  }

  /// The finished picture.
  public consuming func frozen() -> Bitmap { bitmap }
}

/// A colour as pictures are kept: YCbCr, ITU-R BT.601 full range, 8 bits each.
public struct PixelColor: Sendable, Hashable {
  /// Brightness, 0 black to 255 white.
  public var luma: UInt8
  /// Blue difference, 128 is neutral.
  public var blue: UInt8
  /// Red difference, 128 is neutral.
  public var red: UInt8

  /// Takes the three values; without chroma the colour is gray.
  public init(luma: UInt8, blue: UInt8 = 128, red: UInt8 = 128) {
    self.luma = luma
    self.blue = blue
    self.red = red
  }

  /// Converts from red, green and blue.
  public init(red r: UInt8, green g: UInt8, blue b: UInt8) {
    let (r, g, b) = (Double(r), Double(g), Double(b))
    luma = Self.clamped(0.299 * r + 0.587 * g + 0.114 * b)
    blue = Self.clamped(128 - 0.168736 * r - 0.331264 * g + 0.5 * b)
    red = Self.clamped(128 + 0.5 * r - 0.418688 * g - 0.081312 * b)
  }

  /// Red, green and blue.
  public var rgb: (red: UInt8, green: UInt8, blue: UInt8) {
    let y = Double(luma)
    let b = Double(blue) - 128
    let r = Double(red) - 128
    return (
      Self.clamped(y + 1.402 * r), Self.clamped(y - 0.344136 * b - 0.714136 * r),
      Self.clamped(y + 1.772 * b)
    )
  }

  /// Pure white.
  public static let white = PixelColor(luma: 255)
  /// Pure black.
  public static let black = PixelColor(luma: 0)

  private static func clamped(_ value: Double) -> UInt8 { UInt8(min(255, max(0, value.rounded()))) }
}

extension Bitmap {
  /// The colour of a pixel; white outside the picture.
  public fileprivate(set) subscript(x: Int, y: Int) -> PixelColor {
    get {
      guard contains(x, y) else { return .white }
      let value = luma.samples[y * luma.width + x]
      guard let chroma else { return PixelColor(luma: value) }
      let place = chroma.place(x, y, in: size)
      return PixelColor(
        luma: value, blue: chroma.blue.samples[place], red: chroma.red.samples[place])
    }
    set {
      guard contains(x, y) else { return }
      luma.samples[y * luma.width + x] = newValue.luma
      guard let place = chroma?.place(x, y, in: size) else { return }
      chroma?.blue.samples[place] = newValue.blue
      chroma?.red.samples[place] = newValue.red
    }
  }

  private func contains(_ x: Int, _ y: Int) -> Bool {
    (0..<size.width).contains(x) && (0..<size.height).contains(y)
  }

  /// The picture as rows of interleaved red, green and blue, 3 bytes a pixel.
  public var rgb: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(3 * size.width * size.height)
    for y in 0..<size.height {
      for x in 0..<size.width {
        let color = self[x, y].rgb
        out.append(color.red)
        out.append(color.green)
        out.append(color.blue)
      }
    }
    return out
  }
}
