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
