public import IntakeCore

/// Where the runner takes time and chance from, so that a simulation can supply its own.
public protocol RunClock: Sendable {
  /// Seconds that never jump back.
  var monotonic: Double { get }
  /// Seconds since 1970.
  var wall: UnixTime { get }
  /// Waits; ends early, without an error, when the task is cancelled.
  func sleep(seconds: Double) async
  /// A number in the range, evenly spread.
  func random(in range: ClosedRange<Double>) -> Double
}

/// The kernel's clocks and the system's random numbers.
public struct SystemRunClock: RunClock {
  /// Makes the clock.
  public init() {}
  /// Seconds since some start that never jumps.
  public var monotonic: Double { SystemTime.monotonic }
  /// Seconds since 1970.
  public var wall: UnixTime { SystemTime.wall }
  /// Waits without holding a thread.
  public func sleep(seconds: Double) async {
    guard seconds > 0 else { return }
    try? await Task.sleep(for: .seconds(seconds))
  }
  /// A number in the range, evenly spread.
  public func random(in range: ClosedRange<Double>) -> Double { Double.random(in: range) }
}

extension RunClock {
  /// Sleeps until a monotonic time in slices of 0.2 s, so that a signal is heeded at once.
  public func sleep(until end: Double, unless stop: StopSwitch) async {
    while stop.level == .none, monotonic < end {
      await sleep(seconds: min(0.2, end - monotonic))
    }
  }
}
