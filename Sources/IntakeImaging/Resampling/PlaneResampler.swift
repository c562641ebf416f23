import CImaging
import IntakeCore

/// How to resize a plane; planes of the same shape share it.
struct ResamplingPlan {
  let input: PixelSize
  let output: PixelSize
  /// Nil if the direction stays as it is.
  let vertical: FilterTaps?
  let horizontal: FilterTaps?

  /// Plans both directions; ratios and shifts are those of `FilterTaps`.
  init(
    from input: PixelSize, to output: PixelSize, ratioX: Double, ratioY: Double,
    shift: (x: Double, y: Double) = (0, 0)
  ) {
    self.input = input
    self.output = output
    horizontal = FilterTaps(
      input: input.width, output: output.width, ratio: ratioX, shift: shift.x, multiple: 8)
    vertical = FilterTaps(
      input: input.height, output: output.height, ratio: ratioY, shift: shift.y, multiple: 2)
  }
}

/// Resizes one plane row by row, and keeps only the rows under the filter.
struct PlaneResampler: ~Copyable {
  private let plan: ResamplingPlan
  /// The last rows, each at its number modulo `capacity`.
  private let ring: RowBuffer<UInt8>
  private let wide: RowBuffer<Int16>
  private let capacity: Int
  private var window: [UnsafePointer<UInt8>?]
  private var received = 0
  private var emitted = 0
  private var samples: [UInt8]

  /// Starts with zeroed rows and output.
  init(_ plan: ResamplingPlan) {
    self.plan = plan
    let taps = plan.vertical?.count ?? 0
    capacity = taps + 1
    ring = RowBuffer(width: taps == 0 ? 0 : plan.input.width, rows: capacity)
    wide = RowBuffer(width: plan.input.width + (plan.horizontal?.count ?? 0))
    window = Array(repeating: nil, count: taps)
    samples = [UInt8](repeating: 0, count: plan.output.width * plan.output.height)
  }

  /// Takes the next row; rows beyond the planned height are ignored.
  mutating func push(_ row: UnsafePointer<UInt8>) {
    guard received < plan.input.height else { return }
    received += 1
    guard let vertical = plan.vertical else {
      if plan.horizontal == nil {
        emit { $0.update(from: row, count: $1) }
      } else {
        imaging_widen_row(row, Int32(plan.input.width), wide.samples)
        emitWide()
      }
      return
    }
    ring.row((received - 1) % capacity).update(from: row, count: plan.input.width)
    while emitted < plan.output.height, isComplete(vertical) { blend(vertical) }
  }

  /// Whether every row under the filter of the next output row has arrived.
  private func isComplete(_ taps: FilterTaps) -> Bool {
    received >= min(Int(taps.starts[emitted]) + taps.count, plan.input.height)
  }

  private mutating func blend(_ taps: FilterTaps) {
    let first = Int(taps.starts[emitted])
    // Weights beyond the last row are zero, so any row will do there.
    for tap in 0..<taps.count {
      window[tap] = UnsafePointer(ring.row(min(first + tap, received - 1) % capacity))
    }
    taps.weights.withUnsafeBufferPointer { weights in
      guard let base = weights.baseAddress else { return }
      imaging_blend_rows(
        window, base + emitted * taps.count, Int32(taps.count), Int32(plan.input.width),
        wide.samples)
    }
    emitWide()
  }

  private mutating func emitWide() {
    let wide = wide.samples
    guard let horizontal = plan.horizontal else {
      emit { imaging_narrow_row(wide, Int32($1), $0) }
      return
    }
    emit {
      imaging_filter_row(
        wide, horizontal.starts, horizontal.weights, Int32(horizontal.count), Int32($1), $0)
    }
  }

  private mutating func emit(_ body: (UnsafeMutablePointer<UInt8>, _ width: Int) -> Void) {
    let width = plan.output.width
    let start = emitted * width
    samples.withUnsafeMutableBufferPointer { samples in
      guard let base = samples.baseAddress else { return }
      body(base + start, width)
    }
    emitted += 1
  }

  /// The resized plane, once all rows have been pushed.
  consuming func finish() -> Plane {
    Plane(width: plan.output.width, height: plan.output.height, samples: samples)
  }
}

/// Zeroed memory for rows, with the slack on the right that the kernels read and write.
struct RowBuffer<Sample: FixedWidthInteger>: ~Copyable {
  let samples: UnsafeMutablePointer<Sample>
  /// Samples from row to row.
  let stride: Int

  /// Allocates `rows` rows of at least `width` samples.
  init(width: Int, rows: Int = 1) {
    let slack = Int(IMAGING_ROW_SLACK)
    stride = (width + 2 * slack - 1) / slack * slack
    samples = .allocate(capacity: stride * rows)
    samples.initialize(repeating: 0, count: stride * rows)
  }

  deinit { samples.deallocate() }

  /// The start of a row.
  func row(_ index: Int) -> UnsafeMutablePointer<Sample> { samples + index * stride }
}
