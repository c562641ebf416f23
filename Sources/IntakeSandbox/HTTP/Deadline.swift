/// A point in time that a blocking call must not outlast; monotonic, so a stepped clock changes nothing.
struct Deadline: Sendable {
  private let instant: ContinuousClock.Instant

  /// A deadline that many milliseconds from now.
  init(milliseconds: Int) {
    instant = ContinuousClock.now.advanced(by: .milliseconds(milliseconds))
  }

  private init(_ instant: ContinuousClock.Instant) { self.instant = instant }

  /// Whichever of the two comes first.
  func orSooner(_ other: Deadline) -> Deadline { Deadline(min(instant, other.instant)) }

  /// Milliseconds left as `poll(2)` takes them, rounded up; 0 when the time has passed.
  var pollTimeout: Int32 {
    let left = ContinuousClock.now.duration(to: instant)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1
    return Int32(clamping: milliseconds)
  }
}
