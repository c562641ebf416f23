#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How the size of a JPEG depends on its quality: log(size) falls nearly linearly with log(quantiser scale).
struct SizeModel {
  /// A quality with the bytes it gave or is predicted to give.
  struct Point {
    let quality: Int
    let bytes: Int
  }

  private let anchor: Point
  private let slope: Double

  private init(anchor: Point, slope: Double) {
    self.anchor = anchor
    self.slope = slope
  }

  /// The same slope through another point.
  func moved(through point: Point) -> SizeModel { SizeModel(anchor: point, slope: slope) }

  /// A model through one point; -0.66 is the mean slope of photographed documents.
  init(_ point: Point) {
    anchor = point
    slope = -0.66
  }

  /// A model through two points of different quality; near-equal sizes would make it jump, so it is bounded.
  init(_ first: Point, _ second: Point) {
    anchor = second
    let rise = log(Double(second.bytes) / Double(first.bytes))
    let run = log(Self.scale(of: second.quality) / Self.scale(of: first.quality))
    slope = run == 0 ? -0.66 : min(-0.3, max(-1.5, rise / run))
  }

  /// The highest quality whose predicted size is at most `bytes`, 1 to 100.
  func quality(for bytes: Int) -> Int {
    let ratio = Double(max(bytes, 1)) / Double(max(anchor.bytes, 1))
    let wanted = Self.scale(of: anchor.quality) * pow(ratio, 1 / slope)
    // Down to the next whole quality: half a step over the budget costs a whole encode.
    let quality = wanted <= 100 ? (200 - wanted) / 2 : 5000 / wanted
    return min(100, max(1, Int(quality.rounded(.down))))
  }

  /// The bytes predicted for a quality.
  func bytes(at quality: Int) -> Int {
    let run = Self.scale(of: quality) / Self.scale(of: anchor.quality)
    return Int(Double(anchor.bytes) * pow(run, slope))
  }

  /// The factor on the standard's tables, in percent (IJG scale); at quality 100 it would be none at all.
  static func scale(of quality: Int) -> Double {
    quality < 50 ? 5000 / Double(max(quality, 1)) : max(1, 200 - 2 * Double(quality))
  }
}
