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

  let pipeline: Pipeline
  private let policy: RunPolicy
  private let clock: any RunClock
  private let stop: StopSwitch
  private let observer: any RunObserver
  private let pool: WorkerPool
  private let permits: PermitPool
  let customers = CustomerLocks()
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

  /// Asks the target about a row in doubt, again and again as far as a reading may be repeated.
  func answer(to inquiry: Submission, of row: RowInProgress) async throws -> HTTPResponse {
    var delivery = Delivery.none
    // Nothing is sent here, so nothing that goes wrong changes what is known of the row.
    delivery.wasInDoubt = true
    while true {
      do {
        return try await ask(inquiry, of: row)
      } catch let failure as StageFailure {
        delivery.note(failure)
        delivery.decision = repeating(delivery)
        guard try await waitToRepeat(delivery, row) else { throw failure }
      }
    }
  }

  /// Asks the target once; takes its turn like any request.
  func ask(_ inquiry: Submission, of row: RowInProgress) async throws -> HTTPResponse {
    guard await takeTurn() else {
      throw StageFailure(.stopped, "the run stopped", outcome: .retryable(after: nil))
    }
    defer { permits.leave() }
    let context = StageContext(row: row.reference, time: clock.wall, log: row.log)
    do {
      let response = try await withTaskExecutorPreference(pool) {
        try await self.pipeline.submitter.ask(inquiry, in: context)
      }
      adapt { $0.noteInquiry(nil) }
      return response
    } catch {
      adapt { $0.noteInquiry((error as? StageFailure)?.code ?? .noAnswer) }
      throw error
    }
  }

  /// Waits for its turn and sends once; nil when the run stopped before that.
  ///
  /// - Parameters:
  ///   - isKnownBad: whether an earlier run saw this row refused.
  ///   - announce: puts on disk that a request is about to go out.
  func attempt(
    _ submission: Submission, _ row: RowInProgress, after earlier: Delivery, isKnownBad: Bool,
    announcing announce: () async throws -> Void
  ) async throws -> Delivery? {
    guard await takeTurn() else { return nil }
    // Nobody else may take the permit before a pause or a stop is in force.
    defer { permits.leave() }
    try await announce()
    let start = clock.monotonic
    let receipt = await run(submission, row)
    let seconds = clock.monotonic - start
    row.passed(pipeline.submitterName, submission, receipt)
    var delivery = Delivery(
      receipt: receipt, attempts: earlier.attempts + 1,
      milliseconds: earlier.milliseconds + seconds * 1000)
    delivery.decision = decide(delivery, submission.repeatSafety)
    delivery.wasInDoubt = earlier.wasInDoubt || receipt.outcome == .inDoubt
    if receipt.outcome != .inDoubt || delivery.decision == .giveUp {
      adapt(to: receipt, seconds: seconds, isKnownBad)
    }
    if case .retry(let seconds, true, _) = delivery.decision { pauseEverybody(seconds) }
    if case .stop(let reason) = delivery.decision { stop.request(.soon, reason: reason) }
    return delivery
  }

  /// What follows an inquiry of a follow-up that failed: it is repeated like any reading.
  func repeating(_ delivery: Delivery) -> RetryPolicy.Decision {
    guard stop.level == .none else { return .giveUp }
    let decision = decide(delivery, .safe)
    if case .retry(let seconds, true, _) = decision { pauseEverybody(seconds) }
    if case .stop(let reason) = decision { stop.request(.soon, reason: reason) }
    if delivery.receipt.outcome == .fatal {
      stop.request(.soon, reason: delivery.receipt.detail ?? "the target refused the run")
    }
    return decision
  }

  /// Waits as the decision says; false when there is nothing to wait for, because all is decided.
  func waitToRepeat(_ delivery: Delivery, _ row: RowInProgress) async throws -> Bool {
    guard case .retry(let seconds, let everybody, let asked) = delivery.decision else {
      return false
    }
    // An attempt in doubt stays so on disk until one is accepted.
    if !delivery.wasInDoubt { try await row.noteFailedAttempt(delivery, in: pipeline.journal) }
    observer.waiting(seconds: seconds, asked: asked, row: row.reference)
    if !everybody { await pause(seconds) }
    return true
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

  private func decide(_ delivery: Delivery, _ safety: RepeatSafety) -> RetryPolicy.Decision {
    let chance = clock.random(in: 0...1)
    let outcome = delivery.receipt.outcomeForRepeating(safety)
    return state.withLock {
      $0.retries.decide(outcome, attempt: delivery.attempts, chance: chance)
    }
  }

  private func adapt(to receipt: Receipt, seconds: Double, _ isKnownBad: Bool) {
    adapt { $0.note(receipt, seconds: seconds, isKnownBad: isKnownBad) }
  }

  /// Lets the target's health take note of something, and acts on what it makes of that.
  private func adapt(_ note: (inout SendingHealth) -> String?) {
    let (reason, capacity) = state.withLock { (note(&$0.health), $0.health.permits) }
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
