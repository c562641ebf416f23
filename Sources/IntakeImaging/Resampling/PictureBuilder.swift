import CImaging
import IntakeCore

/// Turns decoded rows into the finished picture: resized, 4:2:0 or gray.
struct PictureBuilder: ~Copyable {
  private var luma: PlaneResampler
  private var blue: ChromaLane?
  private var red: ChromaLane?

  /// Plans a picture; `chroma` is the size of the decoded chroma planes, nil for gray.
  init(_ plan: DecodePlan, chroma: PixelSize?) {
    let from = plan.decoded
    let to = plan.output
    luma = PlaneResampler(
      ResamplingPlan(
        from: from, to: to, ratioX: Double(from.width) / Double(to.width),
        ratioY: Double(from.height) / Double(to.height)))
    let chroma = chroma.map { ChromaPlan(size: $0, plan) }
    blue = chroma.map { ChromaLane($0) }
    red = chroma.map { ChromaLane($0) }
  }

  mutating func pushLuma(_ row: UnsafePointer<UInt8>) { luma.push(row) }
  mutating func pushBlue(_ row: UnsafePointer<UInt8>) { blue?.push(row) }
  mutating func pushRed(_ row: UnsafePointer<UInt8>) { red?.push(row) }

  /// The picture as stored, before turning.
  consuming func finish() -> Bitmap {
    let luma = luma.finish()
    guard let blue = blue.take(), let red = red.take() else { return Bitmap(luma: luma) }
    return Bitmap(luma: luma, chroma: Bitmap.Chroma(blue: blue.finish(), red: red.finish()))
  }
}

/// What both chroma planes of a picture share.
struct ChromaPlan {
  let width: Int
  /// Whether the plane comes at full resolution in a direction, and a box filter halves it first.
  let halvesWidth: Bool
  let halvesHeight: Bool
  let resampling: ResamplingPlan

  /// Plans planes of `size` that belong to the plan's luma.
  init(size: PixelSize, _ plan: DecodePlan) {
    let (luma, output) = (plan.decoded, plan.output)
    let stepX = Self.step(luma.width, size.width)
    let stepY = Self.step(luma.height, size.height)
    width = size.width
    halvesWidth = stepX == 1
    halvesHeight = stepY == 1
    let boxed = PixelSize(
      width: stepX == 1 ? (size.width + 1) / 2 : size.width,
      height: stepY == 1 ? (size.height + 1) / 2 : size.height)
    resampling = ResamplingPlan(
      from: boxed, to: output.halved,
      ratioX: Double(luma.width) / Double(output.width) * 2 / Double(max(stepX, 2)),
      ratioY: Double(luma.height) / Double(output.height) * 2 / Double(max(stepY, 2)),
      shift: plan.chromaShift)
  }

  /// Luma samples per chroma sample: 1, 2 or 4.
  private static func step(_ luma: Int, _ chroma: Int) -> Int {
    chroma >= luma ? 1 : (luma + chroma - 1) / chroma <= 2 ? 2 : 4
  }
}

/// Processes one chroma plane: a box filter halves what comes at full resolution, then it is resized.
struct ChromaLane: ~Copyable {
  private let plan: ChromaPlan
  private let pending: RowBuffer<UInt8>
  private let scratch: RowBuffer<UInt8>
  private var hasPending = false
  private var resampler: PlaneResampler

  /// Starts with zeroed rows and output.
  init(_ plan: ChromaPlan) {
    self.plan = plan
    pending = RowBuffer(width: plan.halvesHeight ? plan.width : 0)
    scratch = RowBuffer(width: plan.resampling.input.width)
    resampler = PlaneResampler(plan.resampling)
  }

  /// Takes the next row.
  mutating func push(_ row: UnsafePointer<UInt8>) {
    guard plan.halvesHeight else {
      pass(row, row)
      return
    }
    if hasPending {
      pass(UnsafePointer(pending.samples), row)
    } else {
      pending.samples.update(from: row, count: plan.width)
    }
    hasPending.toggle()
  }

  private mutating func pass(_ upper: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>) {
    let count = Int32(plan.width)
    switch (plan.halvesWidth, plan.halvesHeight) {
    case (true, true): imaging_quarter_rows(upper, lower, count, scratch.samples)
    case (true, false): imaging_halve_row(upper, count, scratch.samples)
    case (false, true): imaging_average_rows(upper, lower, count, scratch.samples)
    case (false, false):
      resampler.push(upper)
      return
    }
    resampler.push(UnsafePointer(scratch.samples))
  }

  /// The plane, once all rows have been pushed; an odd last row is averaged with itself.
  consuming func finish() -> Plane {
    if hasPending { pass(UnsafePointer(pending.samples), UnsafePointer(pending.samples)) }
    return resampler.finish()
  }
}
