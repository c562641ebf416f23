import IntakeCore
import TestSupport

/// The picture of the fixtures: 96 × 64 pixels in flat blocks of 16 × 16, each of its own colour.
enum Scene {
  static let size = PixelSize(width: 96, height: 64)

  static func rgb(_ x: Int, _ y: Int) -> [UInt8] {
    let column = x / 16
    let row = y / 16
    return [UInt8(40 + column * 35), UInt8(220 - row * 50), UInt8(30 + column * 20 + row * 40)]
  }

  static func color(_ x: Int, _ y: Int) -> PixelColor {
    let rgb = rgb(x, y)
    return PixelColor(red: rgb[0], green: rgb[1], blue: rgb[2])
  }

  /// The largest difference of any component at the middle of any block, at `scale` times the size.
  static func difference(
    _ bitmap: Bitmap, scale: Double = 1, gray: Bool = false,
    expected: (Int, Int) -> PixelColor = color,
    where isChecked: (Int, Int) -> Bool = { _, _ in true }
  ) -> Int {
    var worst = 0
    for y in stride(from: 8, to: 64, by: 16) {
      for x in stride(from: 8, to: 96, by: 16) where isChecked(x, y) {
        let found = bitmap[Int(Double(x) * scale), Int(Double(y) * scale)]
        let wanted = expected(x, y)
        worst = max(worst, abs(Int(found.luma) - Int(wanted.luma)))
        if gray { continue }
        worst = max(worst, abs(Int(found.blue) - Int(wanted.blue)))
        worst = max(worst, abs(Int(found.red) - Int(wanted.red)))
      }
    }
    return worst
  }
}

/// A picture of random dots, the same for the same seed: as hard to compress as a picture can be.
func noise(_ width: Int, _ height: Int, seed: UInt64 = 1, contrast: Int = 255) -> Bitmap {
  var state = SeededRandom(seed: seed)
  func plane(_ width: Int, _ height: Int) -> Plane {
    Plane(
      width: width, height: height,
      samples: (0..<width * height).map { _ in
        UInt8(128 - contrast / 2 + Int(state.next() >> 33) % max(contrast, 1))
      })
  }
  let half = ((width + 1) / 2, (height + 1) / 2)
  let luma = plane(width, height)
  return Bitmap(
    luma: luma,
    chroma: Bitmap.Chroma(blue: plane(half.0, half.1), red: plane(half.0, half.1)))
}

/// A picture of soft hills and fine lines: about as compressible as a photographed document.
func document(_ width: Int, _ height: Int) -> Bitmap {
  var buffer = PixelBuffer(
    size: PixelSize(width: width, height: height), filledWith: PixelColor(luma: 200))
  var state = SeededRandom(seed: 7)
  for y in 0..<height {
    for x in 0..<width {
      let isInk = (x / 3 * 7 + y / 5 * 13) % 11 < 2 && y % 40 < 20
      let grain = Int(state.next() >> 60)
      let luma = (isInk ? 40 : 170) + (x + y) * 50 / (width + height) + grain
      buffer[x, y] = PixelColor(
        luma: UInt8(luma), blue: UInt8(100 + 50 * x / width), red: UInt8(100 + 50 * y / height))
    }
  }
  return buffer.frozen()
}
