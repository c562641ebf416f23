import IntakeCore
import Synchronization

/// Adds up how long each stage of a row took.
final class Stopwatch: Sendable {
  private let clock: any RunClock
  private let spent = Mutex<[StageTiming]>([])

  init(clock: any RunClock) { self.clock = clock }

  /// The times so far, in the order in which the stages were first entered.
  var timings: [StageTiming] { spent.withLock { $0 } }

  /// Runs something and adds the time to a stage.
  func measure<Result>(_ stage: String, _ body: () async throws -> Result) async rethrows -> Result
  {
    let start = clock.monotonic
    defer { add(stage, milliseconds: (clock.monotonic - start) * 1000) }
    return try await body()
  }

  func add(_ stage: String, milliseconds: Double) {
    spent.withLock { spent in
      let index = spent.firstIndex { $0.stage == stage }
      let before = index.map { spent[$0].milliseconds } ?? 0
      let timing = StageTiming(stage: stage, milliseconds: before + milliseconds)
      if let index { spent[index] = timing } else { spent.append(timing) }
    }
  }
}
