import IntakeCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
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

  /// The bytes aimed at: a little less than the budget, for the model is off by 1 to 2 %.
  private var aim: Int { budget - budget / 50 }
  /// Full encodes at most, besides a try at the cap.
  private static let fullEncodes = 3
  /// What the search ends with.
  struct Result {
    /// The best encoding that fits, nil when none at or above the floor does.
    var best: (bytes: [UInt8], quality: Int)?
    /// The bytes expected at the floor, for choosing fewer pixels.
    var bytesAtFloor = 0
    var attempts: [ShrinkReport.Attempt] = []
  }

  /// Searches with an encoder.
  func run(_ encoder: JPEGEncoder) throws(StageFailure) -> Result {
    var result = Result()
    guard let sample = try sampled(encoder, quality: cap, &result) else {
      // Too small to sample: the standard's tables first, for most small pictures fit at once.
      let point = try full(encoder, quality: cap, tables: .standard, &result)
      if result.best != nil { return result }
      return try refine(encoder, from: SizeModel(point), tables: .optimal, &result)
    }
    if sample.point.bytes <= budget + budget / 100 {
      let point = try full(encoder, quality: cap, tables: sample.tables, &result)
      if result.best != nil { return result }
      return try refine(encoder, from: SizeModel(point), tables: sample.tables, &result)
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

  /// The model is a line only nearby: with a third sample where it is asked far away, 48 scans at 60 KB and edge 2048
  /// took 1.54 full encodes each instead of 1.69.
  private static func isFar(_ quality: Int, from point: SizeModel.Point) -> Bool {
    abs(log(SizeModel.scale(of: quality) / SizeModel.scale(of: point.quality))) > 0.2
  }

  /// A second point near the goal, but far enough from the first to give a slope.
  private func secondQuality(_ sample: SizeModel.Point) -> Int {
    max(floor, min(cap - 5, SizeModel(sample).quality(for: aim)))
  }

  private func refine(
    _ encoder: JPEGEncoder, from model: SizeModel, tables: JPEGEncoder.Tables,
    _ result: inout Result
  ) throws(StageFailure) -> Result {
    var model = model
    var quality = min(cap, model.quality(for: aim))
    // A prediction just below the floor may be wrong by as much: the floor itself is tried once.
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

  /// The quality to try next; the same again means that the last one is good enough.
  private func next(after point: SizeModel.Point, _ model: SizeModel) -> Int {
    let guess = min(cap, model.quality(for: aim))
    if point.bytes > budget {
      let lower = min(point.quality - 1, guess)
      return lower < floor && point.quality > floor ? floor : lower
    }
    // A better fill is worth an encode only when a good part of the budget lies idle.
    guard point.bytes < budget - budget / 8, guess > point.quality else { return point.quality }
    return guess
  }

  private func sampled(_ encoder: JPEGEncoder, quality: Int, _ result: inout Result)
    throws(StageFailure) -> (point: SizeModel.Point, tables: JPEGEncoder.Tables)?
  {
    guard let sample = try encoder.sample(quality: quality) else { return nil }
    result.note(encoder.edge, quality, sample.size, isSample: true)
    return (SizeModel.Point(quality: quality, bytes: sample.size), sample.tables)
  }

  private func full(
    _ encoder: JPEGEncoder, quality: Int, tables: JPEGEncoder.Tables, _ result: inout Result
  ) throws(StageFailure) -> SizeModel.Point {
    let encoded = try encoder.encode(quality: quality, tables: tables, capacity: budget)
    result.note(encoder.edge, quality, encoded.size, isSample: false)
    // Size is not strictly monotonic in quality: what counts is what was seen to fit.
    if let bytes = encoded.bytes, quality > result.best?.quality ?? 0 {
      result.best = (bytes, quality)
    }
    return SizeModel.Point(quality: quality, bytes: encoded.size)
  }
}

extension FitSearch.Result {
  fileprivate mutating func note(_ edge: Int, _ quality: Int, _ bytes: Int, isSample: Bool) {
    attempts.append(
      ShrinkReport.Attempt(edge: edge, quality: quality, bytes: bytes, isSample: isSample))
  }
}
