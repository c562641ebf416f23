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

    /// Pairs the planes; both must be of one size because the codecs walk them side by side.
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

/// A picture while it is being changed: made from a bitmap or blank, drawn on, then frozen to a bitmap again.
///
/// Colour is kept as the bitmap has it, luma at full size and chroma at its own; `Color` takes care of both.
public struct PixelBuffer: ~Copyable {
  /// Width and height in pixels.
  public let size: PixelSize
  private var luma: [UInt8]
  private var blue: [UInt8]
  private var red: [UInt8]
  private let chromaSize: PixelSize?

  /// Starts with a copy of a picture.
  public init(_ bitmap: Bitmap) {
    size = bitmap.size
    luma = bitmap.luma.samples
    blue = bitmap.chroma?.blue.samples ?? []
    red = bitmap.chroma?.red.samples ?? []
    chromaSize = bitmap.chroma.map { PixelSize(width: $0.blue.width, height: $0.blue.height) }
  }

  /// Starts with one colour all over, in colour at half chroma resolution.
  public init(size: PixelSize, filledWith color: PixelColor) {
    let half = PixelSize(width: (size.width + 1) / 2, height: (size.height + 1) / 2)
    self.size = size
    chromaSize = half
    luma = [UInt8](repeating: color.luma, count: size.width * size.height)
    blue = [UInt8](repeating: color.blue, count: half.width * half.height)
    red = [UInt8](repeating: color.red, count: half.width * half.height)
  }

  /// The colour of a pixel; outside the picture it reads as white, and writing does nothing.
  ///
  /// Neighbours share their chroma, so writing one pixel tints the others of its 2 × 2 block.
  public subscript(x: Int, y: Int) -> PixelColor {
    get {
      guard contains(x, y) else { return .white }
      guard let place = chromaIndex(x, y) else { return PixelColor(luma: luma[y * size.width + x]) }
      return PixelColor(luma: luma[y * size.width + x], blue: blue[place], red: red[place])
    }
    set {
      guard contains(x, y) else { return }
      luma[y * size.width + x] = newValue.luma
      guard let place = chromaIndex(x, y) else { return }
      blue[place] = newValue.blue
      red[place] = newValue.red
    }
  }

  /// Fills a rectangle, cut at the edges of the picture: what a redaction needs.
  public mutating func fill(x: Range<Int>, y: Range<Int>, with color: PixelColor) {
    for row in y.clamped(to: 0..<size.height) {
      for column in x.clamped(to: 0..<size.width) { self[column, row] = color }
    }
  }

  /// The finished picture.
  public consuming func frozen() -> Bitmap {
    let luma = Plane(width: size.width, height: size.height, samples: luma)
    guard let half = chromaSize else { return Bitmap(luma: luma) }
    return Bitmap(
      luma: luma,
      chroma: Bitmap.Chroma(
        blue: Plane(width: half.width, height: half.height, samples: blue),
        red: Plane(width: half.width, height: half.height, samples: red)))
  }

  private func contains(_ x: Int, _ y: Int) -> Bool {
    (0..<size.width).contains(x) && (0..<size.height).contains(y)
  }

  private func chromaIndex(_ x: Int, _ y: Int) -> Int? {
    chromaSize.map { half in
      let column = half.width == size.width ? x : x / 2
      let row = half.height == size.height ? y : y / 2
      return row * half.width + column
    }
  }
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
  public subscript(x: Int, y: Int) -> PixelColor {
    guard (0..<size.width).contains(x), (0..<size.height).contains(y) else { return .white }
    let value = luma.samples[y * luma.width + x]
    guard let chroma else { return PixelColor(luma: value) }
    let column = chroma.blue.width == luma.width ? x : x / 2
    let row = chroma.blue.height == luma.height ? y : y / 2
    let place = row * chroma.blue.width + column
    return PixelColor(
      luma: value, blue: chroma.blue.samples[place], red: chroma.red.samples[place])
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
