import IntakeCore

/// How much of a picture shows something, and how sharp that is, from tiles of 32 × 32 pixels.
///
/// A tile of paper, cloth or table varies little, however the light falls off across the picture; a tile with print has
/// edges. Edges show blur: a step that a lens has smeared is as wide as its height divided by its steepest slope.
struct PictureDetail {
  /// The percentage of tiles that show something.
  private let busyShare: Double
  /// The width of edges that the sharpest tenth of those tiles reaches, in pixels; nil if there are none.
  private let edgeWidth: Double?

  private static let side = 32
  /// The contrast of a tile that shows something; sensor noise and paper grain stay below 16 at this scale.
  private static let leastContrast = 28

  init(_ luma: Plane) {
    var widths: [Double] = []
    var tiles = 0
    for top in stride(from: 0, to: luma.height, by: Self.side) {
      for left in stride(from: 0, to: luma.width, by: Self.side) {
        tiles += 1
        if let width = Self.edgeWidth(of: luma, left, top) { widths.append(width) }
      }
    }
    widths.sort()
    busyShare = tiles == 0 ? 0 : 100 * Double(widths.count) / Double(tiles)
    edgeWidth = widths.isEmpty ? nil : widths[widths.count / 10]
  }

  /// The width of a tile's sharpest edge; nil for a tile without contrast.
  private static func edgeWidth(of luma: Plane, _ left: Int, _ top: Int) -> Double? {
    let right = min(left + side, luma.width) - 1
    let bottom = min(top + side, luma.height) - 1
    var (darkest, brightest, steepest) = (255, 0, 0)
    luma.samples.withUnsafeBufferPointer { samples in
      for y in top...bottom {
        let row = y * luma.width
        for x in left...right {
          let here = Int(samples[row + x])
          darkest = min(darkest, here)
          brightest = max(brightest, here)
          if x < right { steepest = max(steepest, abs(Int(samples[row + x + 1]) - here)) }
          if y < bottom { steepest = max(steepest, abs(Int(samples[row + luma.width + x]) - here)) }
        }
      }
    }
    guard brightest - darkest >= leastContrast, steepest > 0 else { return nil }
    return Double(brightest - darkest) / Double(steepest)
  }

  func blankness(_ options: GateOptions) -> String? {
    guard busyShare < options.blankShare else { return nil }
    return "the picture is blank: \(Self.tenths(busyShare)) % of it show something, "
      + "at least \(Self.tenths(options.blankShare)) % is asked for"
  }

  func softness(_ options: GateOptions) -> String? {
    guard let edgeWidth, edgeWidth > options.blurWidth else { return nil }
    return "the picture is blurred: its sharpest edges are \(Self.tenths(edgeWidth)) pixels wide, "
      + "at most \(Self.tenths(options.blurWidth)) is allowed (on a copy of 1,024 pixels)"
  }

  /// A number with one digit after the point.
  private static func tenths(_ number: Double) -> String {
    let value = Int((number * 10).rounded())
    return "\(value / 10).\(value % 10)"
  }
}

/// How dark and how bright a picture is at its ends.
struct Exposure {
  /// The level that the darkest five-thousandth stays within, 0 to 255: even one line of print on a page is ink.
  private let darkest: Int
  /// The level that the brightest hundredth reaches, 0 to 255: smaller spots are lamps and reflections.
  private let brightest: Int

  init(_ luma: Plane) {
    var counts = [Int](repeating: 0, count: 256)
    for sample in luma.samples { counts[Int(sample)] += 1 }
    darkest = Self.level(in: counts, beyond: luma.samples.count / 5_000)
    brightest = 255 - Self.level(in: counts.reversed(), beyond: luma.samples.count / 100)
  }

  private static func level(in counts: [Int], beyond limit: Int) -> Int {
    var sum = 0
    for (level, count) in counts.enumerated() {
      sum += count
      if sum > limit { return level }
    }
    return 255
  }

  func darkness(_ options: GateOptions) -> String? {
    guard brightest < options.darkLevel else { return nil }
    return "the picture is too dark: its brightest hundredth reaches \(brightest) of 255, "
      + "at least \(options.darkLevel) is asked for"
  }

  func brightness(_ options: GateOptions) -> String? {
    guard darkest > options.brightLevel else { return nil }
    return "the picture is too bright: its darkest spots are at \(darkest) of 255, "
      + "at most \(options.brightLevel) is allowed"
  }
}
