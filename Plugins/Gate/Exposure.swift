import IntakeCore

/// How dark and how bright a picture is at its ends.
struct Exposure {
  /// What the darkest five-thousandth does not exceed, 0 to 255: a white page with one line of print has ink there.
  let darkest: Int
  /// What the brightest hundredth reaches, 0 to 255: smaller spots are lamps and reflections.
  let brightest: Int

  init(_ luma: Plane) {
    var counts = [Int](repeating: 0, count: 256)
    for sample in luma.samples { counts[Int(sample)] += 1 }
    darkest = Self.level(in: counts, beyond: luma.samples.count / 5_000)
    brightest = 255 - Self.level(in: counts.reversed(), beyond: luma.samples.count / 100)
  }

  private static func level(in counts: [Int], beyond limit: Int) -> Int {
    var sum = 0
    for (level, count) in counts.enumerated() {
      sum += count
      if sum > limit { return level }
    }
    return 255
  }

  /// What is wrong when nothing is bright.
  func darkness(_ limits: GateOptions) -> String? {
    guard brightest < limits.darkLevel else { return nil }
    return "the picture is too dark: its brightest hundredth reaches \(brightest) of 255, "
      + "at least \(limits.darkLevel) is asked for"
  }

  /// What is wrong when nothing is dark.
  func brightness(_ limits: GateOptions) -> String? {
    guard darkest > limits.brightLevel else { return nil }
    return "the picture is too bright: its darkest spots are at \(darkest) of 255, "
      + "at most \(limits.brightLevel) is allowed"
  }
}
