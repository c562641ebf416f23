import CImaging

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
