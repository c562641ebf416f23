public import IntakeCore
import Synchronization

/// Where the runner takes time and chance from, so that a simulation can supply its own.
public protocol RunClock: Sendable {
  /// Seconds since some start; never jumps.
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
  /// Sleeps until a monotonic time, in slices of 0.2 s, so that a stop is noticed soon.
  public func sleep(until end: Double, unless stop: StopSwitch) async {
    while stop.level == .none, monotonic < end {
      await sleep(seconds: min(0.2, end - monotonic))
    }
  }
}

/// Adds up how long each stage of a row took.
public final class Stopwatch: Sendable {
  private let clock: any RunClock
  private let spent = Mutex<[StageTiming]>([])

  /// Starts with nothing measured.
  public init(clock: any RunClock) { self.clock = clock }

  /// The times so far, in the order in which the stages were first entered.
  public var timings: [StageTiming] { spent.withLock { $0 } }

  /// Runs something and adds the time to a stage.
  public func measure<Result, Failure>(_ stage: String, _ body: () async throws(Failure) -> Result)
    async throws(Failure) -> Result
  {
    let start = clock.monotonic
    defer { add(stage, seconds: clock.monotonic - start) }
    return try await body()
  }

  /// Adds seconds to the time of a stage.
  public func add(_ stage: String, seconds: Double) {
    spent.withLock { spent in
      let index = spent.firstIndex { $0.stage == stage }
      let before = index.map { spent[$0].milliseconds } ?? 0
      let timing = StageTiming(stage: stage, milliseconds: before + seconds * 1000)
      if let index { spent[index] = timing } else { spent.append(timing) }
    }
  }
}

/// Whether the run should go on.
public final class StopSwitch: Sendable {
  /// How urgent it is.
  public enum Level: Int, Sendable, Comparable {
    /// Go on.
    case none
    /// Start no further row, finish those in flight.
    case soon
    /// Stop sending at once; what was sent without an answer is in doubt.
    case now

    /// Later levels are more urgent.
    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  private struct State {
    var level = Level.none
    var reason: String?
    var watchers: [Int: @Sendable (Level) -> Void] = [:]
    var nextWatcher = 0
  }

  private let state = Mutex(State())

  /// Starts without a request.
  public init() {}

  /// How urgent it is now.
  public var level: Level { state.withLock { $0.level } }

  /// The reason of the first request.
  public var reason: String? { state.withLock { $0.reason } }

  /// Asks for a stop; a level is never lowered.
  public func request(_ level: Level, reason: String) {
    let watchers = state.withLock { state -> [@Sendable (Level) -> Void] in
      guard level > state.level else { return [] }
      state.level = level
      state.reason = state.reason ?? reason
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher(level) }
  }

  /// Calls back whenever the level rises, until `forget` is called with the token.
  public func watch(_ watcher: @escaping @Sendable (Level) -> Void) -> Int {
    state.withLock { state in
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = watcher
      return state.nextWatcher
    }
  }

  /// Stops calling a watcher.
  public func forget(_ token: Int) { _ = state.withLock { $0.watchers.removeValue(forKey: token) } }
}
