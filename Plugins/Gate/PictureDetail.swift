import IntakeCore

/// Where a picture shows something, and how sharp that is: looked at in tiles of 32 × 32 pixels.
///
/// A tile of paper, cloth or table differs little within itself, however the light falls off across the
/// picture; a tile with print has edges. What an edge looks like tells the blur: a step smeared by a lens is
/// as wide as its height divided by its steepest place.
struct PictureDetail {
  /// The part of the tiles that show something, in percent.
  private(set) var busyShare = 0.0
  /// The width of the edges in the sharpest tenth of those tiles, in pixels; nil where there are none.
  private(set) var edgeWidth: Double?

  private static let side = 32
  /// Levels between the darkest and the brightest of a tile from which on it shows something; sensor noise
  /// and paper grain stay below 16 at this scale.
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

  /// The width of the sharpest edge of a tile, nil for a tile without contrast.
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

  /// What is wrong when too little is to be seen.
  func blankness(_ limits: GateOptions) -> String? {
    guard busyShare < limits.blankShare else { return nil }
    return "the picture is blank: \(busyShare.tenths) % of it show something, "
      + "at least \(limits.blankShare.tenths) % is asked for"
  }

  /// What is wrong when nothing is sharp.
  func softness(_ limits: GateOptions) -> String? {
    guard let edgeWidth, edgeWidth > limits.blurWidth else { return nil }
    return "the picture is blurred: its sharpest edges are \(edgeWidth.tenths) pixels wide, "
      + "at most \(limits.blurWidth.tenths) is allowed (on a copy of 1,024 pixels)"
  }
}

extension Double {
  /// The number with one digit after the point.
  fileprivate var tenths: String {
    let value = Int((self * 10).rounded())
    return "\(value / 10).\(value % 10)"
  }
}
