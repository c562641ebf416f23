import IntakeCore
import IntakeSystem
import Synchronization

/// Sends one request after the other as the target bears it: turns, pauses, rate and permits of the whole run.
final class Sending: Sendable {
  private struct State {
    var retries: RetryPolicy
    var health: SendingHealth
    /// Monotonic time before which nobody sends.
    var pausedUntil = 0.0
    /// Monotonic time of the next free slot of `--rate`.
    var nextSlot = 0.0
  }

  private let runner: Runner
  private let pool: WorkerPool
  private let permits: Permits
  private let state: Mutex<State>

  init(_ runner: Runner, on pool: WorkerPool) {
    self.runner = runner
    self.pool = pool
    let health = SendingHealth(most: runner.policy.concurrency)
    permits = Permits(capacity: health.permits)
    state = Mutex(State(retries: RetryPolicy(runner.policy), health: health))
  }

  /// Waits for its turn and sends once; nil when the run stopped before that.
  ///
  /// - Parameters:
  ///   - isKnownBad: whether an earlier run saw this row refused.
  ///   - announce: puts on disk that a request is about to go out.
  func attempt(
    _ submission: Submission, _ row: Row, after earlier: Delivery, isKnownBad: Bool = false,
    announcing announce: () async throws -> Void
  ) async throws -> Delivery? {
    guard await takeTurn() else { return nil }
    // Nobody else may take the permit before a pause or a stop is in force.
    defer { permits.leave() }
    try await announce()
    let start = runner.clock.monotonic
    let receipt = await send(submission, row)
    let seconds = runner.clock.monotonic - start
    row.passed(runner.pipeline.submitterName, submission, receipt)
    var delivery = earlier
    delivery.receipt = receipt
    delivery.attempts += 1
    delivery.seconds += seconds
    delivery.wasInDoubt = earlier.wasInDoubt || receipt.outcome == .inDoubt
    let decision = decide(&delivery, submission.repeatSafety)
    if receipt.outcome != .inDoubt || delivery.decision == .giveUp {
      adapt { $0.note(receipt, seconds: seconds, isKnownBad: isKnownBad) }
    }
    carryOut(decision)
    return delivery
  }

  /// Asks the target once; takes its turn like any request.
  ///
  /// - Throws: `StageFailure` when there is no complete answer.
  func ask(_ inquiry: Submission, of row: Row) async throws(StageFailure) -> HTTPResponse {
    guard await takeTurn() else {
      throw StageFailure(.stopped, "the run stopped", outcome: .retryable(after: nil))
    }
    defer { permits.leave() }
    let context = row.context(at: runner.clock.wall)
    do {
      let response = try await withTaskExecutorPreference(pool) {
        try await self.runner.pipeline.submitter.ask(inquiry, in: context)
      }
      adapt { $0.noteInquiry(nil) }
      return response
    } catch {
      adapt { $0.noteInquiry((error as? StageFailure)?.code ?? .noAnswer) }
      if let failure = error as? StageFailure { throw failure }
      let wrapped = wrap(error, row)
      // A question changes nothing at the target: what went wrong with it is no verdict on the row.
      throw StageFailure(wrapped.code, wrapped.failure.detail, outcome: .retryable(after: nil))
    }
  }

  /// Asks until an answer settles what became of a request; a target that wants more than three questions goes round in circles.
  func settlement(of submission: Submission, _ row: Row) async -> Settlement {
    let target = submission.target
    guard var inquiry = target.inquiry(about: submission) else {
      return .unknown(
        evidence: "an earlier attempt may have been accepted and this target cannot be asked")
    }
    do throws(StageFailure) {
      for _ in 1...3 {
        let response = try await answer(to: inquiry, of: row)
        guard let next = target.inquiry(after: response, to: inquiry, about: submission) else {
          return target.settlement(of: response, about: submission)
        }
        inquiry = next
      }
      return .unknown(evidence: "three answers of the target settled nothing")
    } catch {
      // Refused credentials would be refused for every further row, and lock the account.
      if error.outcome == .fatal { runner.stop.request(.soon, reason: error.detail) }
      return .unknown(evidence: "asking the target failed: \(error.detail)")
    }
  }

  /// Asks again and again, as far as a reading may be repeated.
  private func answer(to inquiry: Submission, of row: Row) async throws(StageFailure)
    -> HTTPResponse
  {
    var delivery = Delivery.none
    while true {
      do throws(StageFailure) {
        return try await ask(inquiry, of: row)
      } catch {
        noteFailedInquiry(error, &delivery)
        guard await waitToRepeat(delivery, row) else { throw error }
      }
    }
  }

  /// What follows a question that got no answer: it is repeated like any reading.
  func noteFailedInquiry(_ failure: StageFailure, _ delivery: inout Delivery) {
    delivery.receipt = Receipt(failure)
    delivery.attempts += 1
    guard runner.stop.level == .none else { return delivery.decision = .giveUp }
    carryOut(decide(&delivery, .safe))
    if failure.outcome == .fatal { runner.stop.request(.soon, reason: failure.detail) }
  }

  /// Waits as the decision says; false when there is nothing to wait for, because all is decided.
  func waitToRepeat(_ delivery: Delivery, _ row: Row) async -> Bool {
    guard case .retry(let seconds, let everybody, let asked) = delivery.decision else {
      return false
    }
    runner.observer.waiting(seconds: seconds, asked: asked, row: row.reference)
    if !everybody {
      await runner.clock.sleep(until: runner.clock.monotonic + seconds, unless: runner.stop)
    }
    return true
  }

  /// Sends once; an error that isn't a verdict of the submitter counts as in doubt: nobody knows how far it came.
  private func send(_ submission: Submission, _ row: Row) async -> Receipt {
    let context = row.context(at: runner.clock.wall)
    do {
      return try await withTaskExecutorPreference(pool) {
        try await self.runner.pipeline.submitter.run(submission, in: context)
      }
    } catch let failure as StageFailure {
      return Receipt(failure)
    } catch is CancellationError {
      return Receipt(
        .inDoubt, code: .noAnswer, detail: "the run was aborted while the request was under way")
    } catch {
      return Receipt(.inDoubt, code: .stageFailed, detail: wrap(error, row).failure.detail)
    }
  }

  /// Wraps what the submitter threw, and logs what no failure explains.
  private func wrap(_ error: any Error, _ row: Row) -> PipelineError {
    let wrapped = PipelineError(
      stage: runner.pipeline.submitterName, row: row.reference, underlying: error)
    if wrapped.isForeign { row.log(.error, wrapped.logText) }
    return wrapped
  }
}

// What follows an attempt.
extension Sending {
  private func decide(_ delivery: inout Delivery, _ safety: RepeatSafety) -> RetryPolicy.Decision {
    let chance = runner.clock.random(in: 0...1)
    let outcome = delivery.receipt.outcomeForRepeating(safety)
    let attempt = delivery.attempts
    delivery.decision = state.withLock {
      $0.retries.decide(outcome, attempt: attempt, chance: chance)
    }
    return delivery.decision
  }

  /// What a decision means for the other rows: a pause, or the end of the run.
  private func carryOut(_ decision: RetryPolicy.Decision) {
    switch decision {
    case .retry(let seconds, everybody: true, _):
      let until = runner.clock.monotonic + seconds
      state.withLock { $0.pausedUntil = max($0.pausedUntil, until) }
    case .stop(let reason): runner.stop.request(.soon, reason: reason)
    case .retry, .giveUp: break
    }
  }

  /// Lets the target's health take note of something, and acts on what it makes of that.
  private func adapt(_ note: (inout SendingHealth) -> String?) {
    let (reason, capacity) = state.withLock { (note(&$0.health), $0.health.permits) }
    permits.resize(to: capacity)
    if let reason { runner.stop.request(.soon, reason: reason) }
  }
}

// Turns.
extension Sending {
  /// Waits for its turn and takes a permit; false, without one, when the run stops meanwhile.
  ///
  /// First the permit, then the slot of the rate: a row that waits for a permit holds no slot, so rows that
  /// queue behind a slow canary do not leave together, and a pause costs no slots.
  private func takeTurn() async -> Bool {
    while runner.stop.level == .none {
      let pause = state.withLock { $0.pausedUntil }
      await runner.clock.sleep(until: pause, unless: runner.stop)
      await permits.enter()
      if await takeSlot() { return true }
      permits.leave()
    }
    return false
  }

  /// Waits for the next slot of the rate; false when a pause began meanwhile or the run stops.
  private func takeSlot() async -> Bool {
    while runner.stop.level == .none {
      let now = runner.clock.monotonic
      // A slot is taken when it is due within one slice of sleep: nobody holds one for later.
      let wait = state.withLock { state -> Double? in
        if state.pausedUntil > now { return nil }
        guard let rate = runner.policy.rate else { return 0 }
        let wait = max(0, state.nextSlot - now)
        if wait <= 0.2 { state.nextSlot = now + wait + 1 / rate }
        return wait
      }
      guard let wait else { return false }
      await runner.clock.sleep(until: now + min(wait, 0.2), unless: runner.stop)
      guard wait <= 0.2 else { continue }
      // A pause may have begun while it slept.
      let isPaused = state.withLock { $0.pausedUntil > runner.clock.monotonic }
      return runner.stop.level == .none && !isPaused
    }
    return false
  }
}

/// What became of a request after all its attempts so far.
struct Delivery: Sendable {
  var receipt: Receipt
  var attempts = 0
  var seconds = 0.0
  /// What follows the last attempt.
  var decision = RetryPolicy.Decision.giveUp
  /// Whether an attempt may have been accepted without an answer.
  var wasInDoubt = false
  /// The side that a failed follow-up was about.
  var side: Side?

  /// Before the first attempt: what a row comes to when the run stops now.
  static let none = Delivery(
    receipt: Receipt(
      .retryable(after: nil), code: .stopped, detail: "the run stopped before this row was sent"))

  /// The receipt for the ledger: what one attempt left in doubt, a refusal of a later one does not clear up.
  var settled: Receipt {
    guard wasInDoubt, receipt.outcome != .accepted, receipt.outcome != .inDoubt else {
      return receipt
    }
    var doubtful = receipt
    doubtful.outcome = .inDoubt
    let detail = receipt.detail ?? receipt.code?.rawValue ?? "no answer"
    doubtful.detail = detail + "; an earlier attempt of this run may have been accepted"
    doubtful.code = .noAnswer
    doubtful.hint = nil
    return doubtful
  }
}

extension Receipt {
  /// The receipt of an attempt that failed without an answer.
  fileprivate init(_ failure: StageFailure) {
    self.init(failure.outcome, code: failure.code, detail: failure.detail, hint: failure.hint)
  }

  /// The class that decides on a repeat: a lost answer to a request that may be repeated counts as a failed one.
  ///
  /// Only 5xx, 408 and answers that never came: a complete answer that nobody can read will be no other next time.
  fileprivate func outcomeForRepeating(_ safety: RepeatSafety) -> OutcomeClass {
    guard outcome == .inDoubt, safety == .idempotent, [.targetFailed, .noAnswer].contains(code)
    else { return outcome }
    return .retryable(after: nil)
  }
}
