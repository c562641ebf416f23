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
