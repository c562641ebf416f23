import CImaging
import IntakeCore

/// The way of one chroma plane: halved by a box where it comes at full resolution, then resized.
struct ChromaLane: ~Copyable {
  private let width: Int
  private let halvesWidth: Bool
  private let halvesHeight: Bool
  private let pending: RowBuffer<UInt8>
  private let scratch: RowBuffer<UInt8>
  private var hasPending = false
  private var resampler: PlaneResampler

  /// Plans a plane of `size` that belongs to luma of size `luma`, which becomes `output`.
  init(size: PixelSize, luma: PixelSize, output: PixelSize) {
    let stepX = Self.step(luma.width, size.width)
    let stepY = Self.step(luma.height, size.height)
    width = size.width
    halvesWidth = stepX == 1
    halvesHeight = stepY == 1
    let boxed = PixelSize(
      width: halvesWidth ? (size.width + 1) / 2 : size.width,
      height: halvesHeight ? (size.height + 1) / 2 : size.height)
    pending = RowBuffer(width: halvesHeight ? size.width : 0)
    scratch = RowBuffer(width: boxed.width)
    resampler = PlaneResampler(
      from: boxed, to: output.halved,
      ratioX: Double(luma.width) / Double(output.width) * 2 / Double(max(stepX, 2)),
      ratioY: Double(luma.height) / Double(output.height) * 2 / Double(max(stepY, 2)))
  }

  /// Luma samples per chroma sample: 1, 2 or 4.
  private static func step(_ luma: Int, _ chroma: Int) -> Int {
    chroma >= luma ? 1 : (luma + chroma - 1) / chroma <= 2 ? 2 : 4
  }

  /// Takes the next row.
  mutating func push(_ row: UnsafePointer<UInt8>) {
    guard halvesHeight else {
      pass(row, row)
      return
    }
    if hasPending {
      pass(UnsafePointer(pending.samples), row)
    } else {
      pending.samples.update(from: row, count: width)
    }
    hasPending.toggle()
  }

  private mutating func pass(_ upper: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>) {
    let count = Int32(width)
    switch (halvesWidth, halvesHeight) {
    case (true, true): imaging_quarter_rows(upper, lower, count, scratch.samples)
    case (true, false): imaging_halve_row(upper, count, scratch.samples)
    case (false, true): imaging_average_rows(upper, lower, count, scratch.samples)
    case (false, false):
      resampler.push(upper)
      return
    }
    resampler.push(UnsafePointer(scratch.samples))
  }

  /// The plane, once all rows have been pushed; an odd last row stands for itself.
  consuming func finish() -> Plane {
    if hasPending { pass(UnsafePointer(pending.samples), UnsafePointer(pending.samples)) }
    return resampler.finish()
  }
}
