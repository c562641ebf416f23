public import IntakeCore
import Synchronization

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
