import CImaging

#if canImport(Glibc)
  import Glibc
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

  /// Plans a direction; nil if it stays as it is.
  ///
  /// `ratio` is input samples per output sample: nearly `input / output`, but chroma, whose size is rounded up, must
  /// follow the luma's ratio to stay in place. `shift` moves the output to smaller coordinates, in output samples.
  /// `count` is rounded up to a multiple of `multiple`.
  init?(input: Int, output: Int, ratio: Double, shift: Double, multiple: Int) {
    guard input != output || ratio != 1 || shift != 0 else { return nil }
    let stretch = max(ratio, 1)
    let radius = 3 * stretch
    let spans = (0..<output).map { index in
      let center = (Double(index) + 0.5 - shift) * ratio - 0.5
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
      let sum = Self.lanczos(
        from: Double(span.first) - span.center, stretch: stretch, into: &exact, count: length)
      Self.round(exact[..<length], sum: sum, into: &weights, at: index * count)
    }
    self.weights = weights
  }

  /// Scales to fixed point; the largest weight takes what rounding leaves over, so that white stays white.
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

  /// Evaluates the filter at `offset`, `offset + 1`, … and returns the sum.
  ///
  /// With θ = πx/3 the filter is sin²θ (3 - 4 sin²θ) / 3θ². Rotation gives the next sine: two calls an output sample
  /// instead of two a weight, which took 1.5 % of a photo's time.
  private static func lanczos(
    from offset: Double, stretch: Double, into values: inout [Double], count: Int
  ) -> Double {
    let step = Double.pi / (3 * stretch)
    let (stepSine, stepCosine) = (sin(step), cos(step))
    var (sine, cosine) = (sin(offset * step), cos(offset * step))
    var sum = 0.0
    for tap in 0..<count {
      let angle = (offset + Double(tap)) * step
      let square = sine * sine
      let isInside = abs(angle) < Double.pi
      let isCenter = abs(angle) < 1e-8
      let value = isCenter ? 1 : square * (3 - 4 * square) / (3 * angle * angle)
      values[tap] = isInside ? value : 0
      sum += values[tap]
      (sine, cosine) = (
        sine * stepCosine + cosine * stepSine, cosine * stepCosine - sine * stepSine
      )
    }
    return sum
  }
}
