import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Finds the highest quality at which a picture fits a budget, in as few encodes as possible.
struct FitSearch {
  /// The most bytes the picture may take.
  let budget: Int
  /// The highest quality to use.
  let cap: Int
  /// The lowest quality to accept.
  let floor: Int

  /// The bytes to aim at: a little below the budget, because the model is off by 1 to 2 %.
  private var aim: Int { budget - budget / 50 }
  /// Full encodes at most, besides one at the cap.
  private static let fullEncodes = 3

  /// What the search has found.
  struct Result {
    /// The best encoding that fits; nil if none at or above the floor does.
    var best: (bytes: [UInt8], quality: Int)?
    /// The bytes expected at the floor, from which a smaller size is chosen.
    var bytesAtFloor = 0
    var attempts: [ShrinkReport.Attempt] = []

    fileprivate mutating func note(
      _ encoder: JPEGEncoder, _ quality: Int, _ bytes: Int, isSample: Bool
    ) -> SizeModel.Point {
      attempts.append(
        ShrinkReport.Attempt(
          edge: encoder.edge, quality: quality, bytes: bytes, isSample: isSample))
      return SizeModel.Point(quality: quality, bytes: bytes)
    }
  }

  func run(_ encoder: JPEGEncoder) throws(StageFailure) -> Result {
    var result = Result()
    let first = try sampled(encoder, quality: cap, &result)
    guard let sample = first, sample.point.bytes > budget + budget / 100 else {
      // Too small to sample, or nearly fitting: most such pictures fit at once.
      let point = try full(encoder, quality: cap, tables: first?.tables ?? .standard, &result)
      if result.best != nil { return result }
      return try refine(
        encoder, from: SizeModel(point), tables: first?.tables ?? .optimal, &result)
    }
    let second = try sampled(encoder, quality: secondQuality(sample.point), &result) ?? sample
    var model = SizeModel(sample.point, second.point)
    var tables = second.tables
    let quality = max(floor, model.quality(for: aim))
    if Self.isFar(quality, from: second.point),
      let third = try sampled(encoder, quality: quality, &result)
    {
      model = SizeModel(second.point, third.point)
      tables = third.tables
    }
    return try refine(encoder, from: model, tables: tables, &result)
  }

  /// The model is only good nearby: with a third sample for qualities far away, 48 scans at 60 KB and edge 2048 took
  /// 1.54 full encodes each instead of 1.69.
  private static func isFar(_ quality: Int, from point: SizeModel.Point) -> Bool {
    abs(log(SizeModel.scale(of: quality) / SizeModel.scale(of: point.quality))) > 0.2
  }

  /// A second point: near the goal, but far enough from the first to give a slope.
  private func secondQuality(_ sample: SizeModel.Point) -> Int {
    max(floor, min(cap - 5, SizeModel(sample).quality(for: aim)))
  }

  /// Encodes at the floor to measure the fewest bytes; should they fit, they are the best.
  func encodeAtFloor(_ encoder: JPEGEncoder, _ result: inout Result) throws(StageFailure) {
    result.bytesAtFloor = try full(encoder, quality: floor, tables: .optimal, &result).bytes
  }

  private func refine(
    _ encoder: JPEGEncoder, from model: SizeModel, tables: JPEGEncoder.Tables,
    _ result: inout Result
  ) throws(StageFailure) -> Result {
    var model = model
    var quality = min(cap, model.quality(for: aim))
    // A prediction just below the floor may be wrong by as much, so the floor itself is tried.
    if quality < floor, model.bytes(at: floor) <= budget + budget / 10 { quality = floor }
    var last: SizeModel.Point?
    var tried: Set<Int> = []
    for _ in 0..<Self.fullEncodes where quality >= floor {
      tried.insert(quality)
      let point = try full(encoder, quality: quality, tables: tables, &result)
      model = last.map { SizeModel($0, point) } ?? model.moved(through: point)
      last = point
      quality = next(after: point, model)
      if tried.contains(quality) { break }
    }
    result.bytesAtFloor = model.bytes(at: floor)
    return result
  }

  /// The quality to try next; that of the last try if it was good enough.
  private func next(after point: SizeModel.Point, _ model: SizeModel) -> Int {
    let guess = min(cap, model.quality(for: aim))
    if point.bytes > budget {
      let lower = min(point.quality - 1, guess)
      return lower < floor && point.quality > floor ? floor : lower
    }
    // Filling the budget better is worth an encode only if a good part of it is unused.
    guard point.bytes < budget - budget / 8, guess > point.quality else { return point.quality }
    return guess
  }

  private func sampled(_ encoder: JPEGEncoder, quality: Int, _ result: inout Result)
    throws(StageFailure) -> (point: SizeModel.Point, tables: JPEGEncoder.Tables)?
  {
    guard let sample = try encoder.sample(quality: quality) else { return nil }
    return (result.note(encoder, quality, sample.size, isSample: true), sample.tables)
  }

  private func full(
    _ encoder: JPEGEncoder, quality: Int, tables: JPEGEncoder.Tables, _ result: inout Result
  ) throws(StageFailure) -> SizeModel.Point {
    let encoded = try encoder.encode(quality: quality, tables: tables, capacity: budget)
    // Size isn't strictly monotonic in quality, so only what was seen to fit counts.
    if let bytes = encoded.bytes, quality > result.best?.quality ?? 0 {
      result.best = (bytes, quality)
    }
    return result.note(encoder, quality, encoded.size, isSample: false)
  }
}

/// How the size of a JPEG depends on its quality: log(size) falls nearly linearly with log(quantiser scale).
struct SizeModel {
  /// A quality and the bytes that it gave or should give.
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

  /// A model through two points of different quality; its slope is bounded, because nearly equal sizes would spoil it.
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
    // Rounded down: half a step over the budget costs a whole encode.
    let quality = wanted <= 100 ? (200 - wanted) / 2 : 5000 / wanted
    return min(100, max(1, Int(quality.rounded(.down))))
  }

  /// The bytes predicted for a quality.
  func bytes(at quality: Int) -> Int {
    let run = Self.scale(of: quality) / Self.scale(of: anchor.quality)
    return Int(Double(anchor.bytes) * pow(run, slope))
  }

  /// The factor on the standard's tables in percent (IJG scale), at least 1: it would be 0 for quality 100.
  static func scale(of quality: Int) -> Double {
    quality < 50 ? 5000 / Double(max(quality, 1)) : max(1, 200 - 2 * Double(quality))
  }
}
