import IntakeCore
import Synchronization

/// Sends one request after the other as the target bears it: the only place that repeats anything.
final class Sender: Sendable {
  private struct State {
    var retries: RetryPolicy
    var health: SendingHealth
    /// Monotonic time before which nobody sends.
    var pausedUntil = 0.0
    /// Monotonic time of the next free slot of `--rate`.
    var nextSlot = 0.0
  }

  private let pipeline: Pipeline
  private let policy: RunPolicy
  private let clock: any RunClock
  private let stop: StopSwitch
  private let observer: any RunObserver
  private let pool: WorkerPool
  private let permits: PermitPool
  private let customers = CustomerLocks()
  private let state: Mutex<State>

  init(
    pipeline: Pipeline, policy: RunPolicy, clock: any RunClock, stop: StopSwitch,
    observer: any RunObserver, pool: WorkerPool
  ) {
    self.pipeline = pipeline
    self.policy = policy
    self.clock = clock
    self.stop = stop
    self.observer = observer
    self.pool = pool
    let health = SendingHealth(most: policy.concurrency)
    permits = PermitPool(capacity: health.permits)
    let retries = RetryPolicy(
      connectionAttempts: policy.connectionAttempts, throttleAttempts: policy.throttleAttempts)
    state = Mutex(State(retries: retries, health: health))
  }

  /// Sends a request until it is decided; one operation per customer at a time.
  ///
  /// - Parameter earlier: the attempts of this run with another request for the same row.
  /// - Throws: `JournalError` when the ledger cannot be written: nothing more may be sent.
  func send(
    _ submission: Submission, of row: RowInProgress, after earlier: Delivery? = nil
  ) async throws -> Delivery {
    await customers.lock(submission.customer)
    defer { customers.unlock(submission.customer) }
    let isKnownBad = await isKnownBad(row)
    var delivery = earlier ?? Delivery(receipt: Sender.stopped, attempts: 0)
    while true {
      guard await takeTurn() else { return delivery }
      let decision: RetryPolicy.Decision
      do {
        // Nobody else may take the permit before a pause or a stop is in force.
        defer { permits.leave() }
        delivery = try await attemptOnce(submission, row, after: delivery, isKnownBad)
        decision = decide(delivery)
        if case .retry(let seconds, true, _) = decision { pauseEverybody(seconds) }
        if case .stop(let reason) = decision { stop.request(.soon, reason: reason) }
      }
      guard case .retry(let seconds, let everybody, let asked) = decision else {
        return delivery
      }
      try await row.noteFailedAttempt(delivery, in: pipeline.journal)
      observer.waiting(seconds: seconds, asked: asked, row: row.reference)
      if !everybody { await pause(seconds) }
    }
  }

  /// Asks the target about a row in doubt; takes its turn like any request, and is not repeated in this run.
  func ask(_ inquiry: Submission, of row: RowInProgress) async throws -> HTTPResponse {
    guard await takeTurn() else {
      throw StageFailure(.stopped, "the run stopped", outcome: .retryable(after: nil))
    }
    defer { permits.leave() }
    let context = StageContext(row: row.reference, time: clock.wall, log: row.log)
    return try await withTaskExecutorPreference(pool) {
      try await self.pipeline.submitter.ask(inquiry, in: context)
    }
  }

  private static let stopped = Receipt(
    .retryable(after: nil), code: .stopped, detail: "the run stopped before this row was sent")

  /// Whether an earlier run sent this row and saw it refused.
  private func isKnownBad(_ row: RowInProgress) async -> Bool {
    guard let key = row.key, await pipeline.journal.standing(of: key) == .notAccepted else {
      return false
    }
    return await pipeline.journal.lastOutcome(of: key)?.verdict == .rejected
  }

  private func attemptOnce(
    _ submission: Submission, _ row: RowInProgress, after earlier: Delivery, _ isKnownBad: Bool
  ) async throws -> Delivery {
    guard let key = row.key else { throw JournalError("a row without a ledger cannot be sent") }
    try await pipeline.journal.intend(submission, for: key, attempt: earlier.attempts + 1)
    let start = clock.monotonic
    let receipt = await run(submission, row)
    let seconds = clock.monotonic - start
    row.passed(pipeline.submitterName, submission, receipt)
    adapt(to: receipt, seconds: seconds, isKnownBad)
    return Delivery(
      receipt: receipt, attempts: earlier.attempts + 1,
      milliseconds: earlier.milliseconds + seconds * 1000)
  }

  /// Sends once; an error that is no verdict of the submitter counts as in doubt, for nobody knows how far it came.
  private func run(_ submission: Submission, _ row: RowInProgress) async -> Receipt {
    let context = StageContext(row: row.reference, time: clock.wall, log: row.log)
    do {
      return try await withTaskExecutorPreference(pool) {
        try await self.pipeline.submitter.run(submission, in: context)
      }
    } catch let failure as StageFailure {
      return Receipt(
        failure.outcome, code: failure.code, detail: failure.detail, hint: failure.hint)
    } catch {
      return Receipt(
        .inDoubt, code: .stageFailed, detail: "\(pipeline.submitterName) threw \(type(of: error))")
    }
  }

  private func decide(_ delivery: Delivery) -> RetryPolicy.Decision {
    let chance = clock.random(in: 0...1)
    return state.withLock {
      $0.retries.decide(delivery.receipt.outcome, attempt: delivery.attempts, chance: chance)
    }
  }

  private func adapt(to receipt: Receipt, seconds: Double, _ isKnownBad: Bool) {
    let (reason, capacity) = state.withLock { state in
      (
        state.health.note(receipt, seconds: seconds, isKnownBad: isKnownBad), state.health.permits
      )
    }
    permits.resize(to: capacity)
    if let reason { stop.request(.soon, reason: reason) }
  }

  private func pauseEverybody(_ seconds: Double) {
    let until = clock.monotonic + seconds
    state.withLock { $0.pausedUntil = max($0.pausedUntil, until) }
  }

  /// Waits for its turn and takes a permit; false, without one, when the run stops meanwhile.
  private func takeTurn() async -> Bool {
    while await waitForTurn() {
      await permits.enter()
      // A pause or a stop may have come while this row waited for its permit.
      let isPaused = state.withLock { $0.pausedUntil > clock.monotonic }
      if stop.level == .none, !isPaused { return true }
      permits.leave()
    }
    return false
  }

  /// Waits for the end of a pause and for the next slot of the rate; false when the run stops meanwhile.
  private func waitForTurn() async -> Bool {
    while true {
      guard stop.level == .none else { return false }
      let now = clock.monotonic
      let wait = state.withLock { state -> Double in
        if state.pausedUntil > now { return state.pausedUntil - now }
        guard let rate = policy.rate else { return 0 }
        let slot = max(state.nextSlot, now)
        state.nextSlot = slot + 1 / rate
        return -(slot - now)
      }
      if wait <= 0 {
        await pause(-wait)
        return stop.level == .none
      }
      await pause(wait)
    }
  }

  /// Sleeps in slices of 0.2 s, so that a signal is heeded at once.
  private func pause(_ seconds: Double) async {
    let end = clock.monotonic + seconds
    while stop.level == .none, clock.monotonic < end {
      await clock.sleep(seconds: min(0.2, end - clock.monotonic))
    }
  }
}

/// What became of a request after all its attempts.
struct Delivery: Sendable {
  var receipt: Receipt
  var attempts: Int
  var milliseconds = 0.0
}
