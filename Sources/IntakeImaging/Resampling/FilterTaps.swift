import CImaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The weights of a Lanczos filter with three lobes, for every output sample along one direction.
struct FilterTaps {
  /// Weights per output sample.
  let count: Int
  /// The first input sample of each output sample.
  let starts: [Int32]
  /// `count` weights per output sample, 14 fractional bits, adding up to exactly 1.
  let weights: [Int16]

  /// Plans a direction.
  ///
  /// `ratio` is input samples per output sample: nearly `input / output`, but chroma rows are rounded up and
  /// must follow the luma's ratio to stay in place. `count` is rounded up to a multiple of `multiple`.
  init(input: Int, output: Int, ratio: Double, multiple: Int) {
    let stretch = max(ratio, 1)
    let radius = 3 * stretch
    let spans = (0..<output).map { index in
      let center = (Double(index) + 0.5) * ratio - 0.5
      let first = min(max(0, Int((center - radius).rounded(.up))), input - 1)
      let last = max(first, min(input - 1, Int((center + radius).rounded(.down))))
      return (center: center, first: first, last: last)
    }
    let longest = spans.map { $0.last - $0.first + 1 }.max() ?? 1
    count = (longest + multiple - 1) / multiple * multiple
    starts = spans.map { Int32($0.first) }
    var weights = [Int16](repeating: 0, count: output * count)
    var exact = [Double](repeating: 0, count: longest)
    for (index, span) in spans.enumerated() {
      let length = span.last - span.first + 1
      var sum = 0.0
      for tap in 0..<length {
        exact[tap] = Self.lanczos((Double(span.first + tap) - span.center) / stretch)
        sum += exact[tap]
      }
      Self.round(exact[..<length], sum: sum, into: &weights, at: index * count)
    }
    self.weights = weights
  }

  /// Scales to fixed point; what rounding leaves over goes to the largest weight, so that white stays white.
  private static func round(
    _ exact: ArraySlice<Double>, sum: Double, into weights: inout [Int16], at start: Int
  ) {
    let one = Double(1 << IMAGING_WEIGHT_BITS)
    var left = 1 << Int(IMAGING_WEIGHT_BITS)
    var largest = start
    for (tap, value) in exact.enumerated() {
      let weight = Int16((value / sum * one).rounded())
      weights[start + tap] = weight
      left -= Int(weight)
      if weight > weights[largest] { largest = start + tap }
    }
    weights[largest] += Int16(left)
  }

  private static func lanczos(_ x: Double) -> Double {
    let distance = abs(x)
    guard distance < 3 else { return 0 }
    guard distance > 1e-9 else { return 1 }
    let angle = Double.pi * distance
    // sin(a) = 3 sin(a/3) - 4 sin³(a/3): one sine instead of two.
    let third = sin(angle / 3)
    return 3 * third * third * (3 - 4 * third * third) / (angle * angle)
  }
}
