import IntakeCore
import IntakeSystem
import Synchronization

/// Decides when each request of the run may go out: turns, pauses, rate and permits, as the target's health allows.
final class Sending: Sendable {
  private struct State {
    var health: TargetHealth
    /// Monotonic time of the next free slot of `--rate`.
    var nextSlot = 0.0
    /// Monotonic time at which the bytes sent so far are within `--bwlimit`.
    var nextBytes = 0.0
    /// Questions about rows in doubt that are waiting for their turn.
    var questions = 0
    /// Rows that are waiting for their turn, by their failures so far.
    var waiting: [Int: Int] = [:]

    /// Whether it is this turn; while the target is down, questions come before anything new.
    ///
    /// The row with the most failures goes first. A gateway that lets one request in 10 ms through would otherwise keep
    /// turning the same row away behind others, until its retries are used up (2 rows of 30).
    func mayGo(_ turn: Turn, at now: Double) -> Bool {
      guard health.mayGo(isQuestion: turn == .question, at: now) else { return false }
      guard case .row(let failures) = turn else { return true }
      return (health.outage == nil || questions == 0)
        && !waiting.contains { $0.key > failures && $0.value > 0 }
    }

    mutating func count(_ turn: Turn, _ change: Int) {
      switch turn {
      case .question: questions += change
      case .row(let failures): waiting[failures, default: 0] += change
      }
    }
  }

  /// What a turn is for.
  private enum Turn: Equatable {
    case question
    case row(failures: Int)
  }

  private let runner: Runner
  private let pool: WorkerPool
  private let permits = Permits(capacity: 1)
  private let state: Mutex<State>

  init(_ runner: Runner, on pool: WorkerPool) {
    self.runner = runner
    self.pool = pool
    state = Mutex(State(health: TargetHealth(runner.policy)))
  }

  /// Waits for the row's turn, records that a request is about to go out, and sends once; nil when the run stops first.
  func attempt(
    _ submission: Submission, _ row: Row, after earlier: Delivery,
    announcing announce: () async throws -> Void
  ) async throws -> Delivery? {
    var waited = 0.0
    let turn = Turn.row(failures: earlier.failures)
    let size = submission.bodySize(with: nil)
    guard let event = await takeTurn(turn, &waited, bytes: size) else { return nil }
    // Held until a pause or a stop is in force: nobody may slip in before.
    defer { endTurn() }
    try await announce()
    let start = runner.clock.monotonic
    let receipt = await send(submission, row)
    row.passed(runner.pipeline.submitterName, submission, receipt)
    var attempt = TargetHealth.Attempt()
    (attempt.event, attempt.row) = (event, row.reference.line)
    attempt.seconds = runner.clock.monotonic - start
    attempt.safety = submission.repeatSafety
    attempt.canBeSettled = receipt.outcome == .inDoubt && canSettle(submission)
    attempt.isKnownBad = row.wasRefused
    var delivery = earlier
    delivery.seconds += attempt.seconds
    delivery.waited += waited
    note(receipt, of: attempt, &delivery, row)
    return delivery
  }

  /// Asks the target once, in a turn of its own; nil, with the reason in `delivery`, when there is no complete answer.
  func ask(_ inquiry: Submission, of row: Row, _ delivery: inout Delivery) async -> HTTPResponse? {
    guard let event = await takeTurn(.question, &delivery.waited) else {
      (delivery.receipt, delivery.repeats) = (Delivery.none.receipt, false)
      return nil
    }
    defer { endTurn() }
    var attempt = TargetHealth.Attempt()
    (attempt.event, attempt.safety) = (event, .safe)
    let context = row.context
    do {
      let response = try await withTaskExecutorPreference(pool) {
        try await self.runner.pipeline.submitter.ask(inquiry, in: context)
      }
      var question = Delivery.none
      note(Receipt(.accepted, http: response.status), of: attempt, &question, row)
      delivery.repeats = false
      return response
    } catch {
      var receipt = error as? Receipt ?? Receipt(wrap(error, row).failure)
      // What a question was answered says nothing about the requests of rows.
      (receipt.http, receipt.bodyBytes) = (nil, 0)
      // A question changes nothing at the target, so its failure leaves nothing in doubt.
      if receipt.outcome == .inDoubt { receipt.outcome = .retryable(after: nil) }
      note(receipt, of: attempt, &delivery, row)
      return nil
    }
  }

  /// Whether the target can be asked about a request; called only when one is in doubt, because it may be costly.
  func canSettle(_ submission: Submission) -> Bool {
    runner.policy.ambiguous == .reconcile && submission.target.inquiry(about: submission) != nil
  }

  /// Asks what became of a request.
  func settlement(of submission: Submission, _ row: Row) async -> Settlement {
    let (answer, problem) = await lastAnswer(about: submission, row)
    return answer.map { submission.target.settlement(of: $0, about: submission) }
      ?? .unknown(evidence: problem)
  }

  /// Asks which parts of an accepted request the target keeps as they were sent; nil when it doesn't answer.
  func partsKept(of submission: Submission, _ row: Row) async -> Set<String>? {
    await lastAnswer(about: submission, row).answer.map {
      submission.target.partsKept(by: $0, of: submission)
    }
  }

  /// The answer to the last question about a request, or why there is none; a target that needs more than three
  /// questions goes round in circles.
  private func lastAnswer(about submission: Submission, _ row: Row) async -> (
    answer: HTTPResponse?, problem: String
  ) {
    let target = submission.target
    guard var inquiry = target.inquiry(about: submission) else {
      return (
        nil, "an earlier attempt may have been accepted and this target cannot be asked"
      )
    }
    for _ in 1...3 {
      var delivery = Delivery.none
      var answer: HTTPResponse?
      repeat { answer = await ask(inquiry, of: row, &delivery) } while delivery.repeats
      guard let answer else {
        let receipt = delivery.receipt
        let reason = receipt.code == .stopped ? "the run stopped" : receipt.detail ?? "no answer"
        return (nil, "asking the target failed: \(reason)")
      }
      guard let next = target.inquiry(after: answer, to: inquiry, about: submission) else {
        return (answer, "")
      }
      inquiry = next
    }
    return (nil, "three answers of the target settled nothing")
  }

  /// Sends once; an error that isn't the submitter's verdict counts as in doubt: nobody knows how far the request got.
  private func send(_ submission: Submission, _ row: Row) async -> Receipt {
    let context = row.context
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

  /// Wraps what the submitter threw, and logs errors of unknown types.
  private func wrap(_ error: any Error, _ row: Row) -> PipelineError {
    let wrapped = PipelineError(
      stage: runner.pipeline.submitterName, row: row.reference, underlying: error)
    if wrapped.isForeign { row.log(.error, wrapped.logText) }
    return wrapped
  }
}

// What follows an attempt.
extension Sending {
  /// Tells the target's health about an attempt, and acts on its advice.
  private func note(
    _ receipt: Receipt, of attempt: TargetHealth.Attempt, _ delivery: inout Delivery, _ row: Row
  ) {
    let now = runner.clock.monotonic
    var (receipt, attempt) = (receipt, attempt)
    (attempt.failures, attempt.chance) = (delivery.failures, runner.clock.random(in: 0...1))
    let (before, advice, health) = state.withLock { [attempt] state in
      let before = state.health.outage
      // The target has answered, so its certificate was good a moment ago.
      if state.health.hasAnswered, receipt.code == .tlsFailed {
        receipt.outcome = .retryable(after: nil)
      }
      // A request that the run itself stopped says nothing about the target.
      let advice =
        receipt.code == .stopped
        ? TargetHealth.Advice() : state.health.note(receipt, of: attempt, at: now)
      let downSince = state.health.outage.flatMap { outage in
        outage.failures > 1 ? runner.clock.wall - (now - outage.since) : nil
      }
      runner.monitor.note { $0.downSince = downSince }
      return (before, advice, state.health)
    }
    permits.resize(to: health.permits)
    delivery.add(receipt)
    delivery.repeats = advice.repeats
    if advice.isCounted { delivery.failures += 1 }
    if let seconds = advice.pause {
      var asked = false
      if case .yield(.some) = receipt.outcome { asked = true }
      note(wait: seconds, asked: asked, receipt, health)
      runner.observer.waiting(seconds: seconds, asked: asked, row: row.reference)
    }
    logOutage(before, health.outage, advice, now, receipt)
    if let reason = advice.stop { runner.stop.request(.soon, reason: reason) }
  }

  /// Shows in the monitor what everybody is waiting for.
  private func note(wait seconds: Double, asked: Bool, _ receipt: Receipt, _ health: TargetHealth) {
    var wait = asked ? RunMonitor.Wait.askedByTarget : .retry
    if case .yield(.none) = receipt.outcome { wait = .throttled }
    if let outage = health.outage, outage.failures > 1 { wait = .targetIsDown }
    let until = runner.clock.wall + seconds
    runner.monitor.note { [wait] in $0.waits[wait] = max(until, $0.waits[wait] ?? until) }
  }

  /// Logs how long the target has been down, when it is tried next, and when it is back.
  private func logOutage(
    _ before: TargetHealth.Outage?, _ after: TargetHealth.Outage?, _ advice: TargetHealth.Advice,
    _ now: Double, _ receipt: Receipt
  ) {
    if let before, before.failures > 1, after == nil {
      let seconds = Int((now - before.since).rounded())
      runner.observer.log(.notice, "the target is back after \(seconds) s", row: nil)
    }
    guard let after, after.failures > 1, let pause = advice.pause, advice.stop == nil else {
      return
    }
    let past = DurationText.words(now - after.since)
    let cause = receipt.detail.map { " (\($0))" } ?? ""
    runner.observer.log(
      .notice,
      "the target has been down for \(past)\(cause): next try in \(Int(pause.rounded(.up))) s",
      row: nil)
  }
}

// Turns.
extension Sending {
  /// Waits for its turn and takes a permit; returns the number of the last event, or nil and no permit when the run stops.
  ///
  /// The permit comes before the slot of `--rate`: rows that queue for a permit behind a slow canary hold no slots, so
  /// they do not leave together, and a pause costs no slots.
  ///
  /// `waited` grows by the seconds spent on the target or the rate, not those spent behind another row.
  private func takeTurn(_ turn: Turn, _ waited: inout Double, bytes: Int = 0) async -> Int? {
    state.withLock { $0.count(turn, 1) }
    defer { state.withLock { $0.count(turn, -1) } }
    while runner.stop.level == .none {
      let now = runner.clock.monotonic
      let (mayGo, pause) = state.withLock {
        ($0.mayGo(turn, at: now), $0.health.pausedUntil - now)
      }
      guard mayGo else {
        await runner.clock.sleep(seconds: pause > 0 ? min(0.2, pause) : 0.2)
        waited += runner.clock.monotonic - now
        continue
      }
      await permits.enter()
      let start = runner.clock.monotonic
      let slot = await takeSlot(turn, bytes)
      waited += runner.clock.monotonic - start
      if let event = slot {
        runner.monitor.note { $0.requests += 1 }
        return event
      }
      permits.leave()
    }
    return nil
  }

  private func endTurn() {
    runner.monitor.note { $0.requests -= 1 }
    permits.leave()
  }

  /// Waits for the next slot of the rate and for room for its bytes; nil when a pause begins or the run stops.
  ///
  /// Once it is its turn, a body leaves as fast as it can, so that `--bwlimit` makes no row miss its deadline.
  private func takeSlot(_ turn: Turn, _ bytes: Int) async -> Int? {
    while runner.stop.level == .none {
      let now = runner.clock.monotonic
      // A slot is taken only when it is due within one slice of sleep: nobody reserves one for later.
      let wait = state.withLock { state -> Double? in
        guard state.mayGo(turn, at: now) else { return nil }
        let start = max(now, state.nextSlot, bytes > 0 ? state.nextBytes : 0)
        guard start - now <= 0.2 else { return start - now }
        if let rate = runner.policy.rate { state.nextSlot = start + 1 / rate }
        if let limit = runner.policy.bytesPerSecond, bytes > 0 {
          state.nextBytes = start + Double(bytes) / limit
        }
        return start - now
      }
      guard let wait else { return nil }
      if wait > 0.2 {
        let until = runner.clock.wall + wait
        runner.monitor.note { $0.waits[.limit] = until }
      }
      await runner.clock.sleep(until: now + min(wait, 0.2), unless: runner.stop)
      guard wait <= 0.2 else { continue }
      // A pause may have begun in the meantime.
      return state.withLock { state in
        let mayGo = state.mayGo(turn, at: runner.clock.monotonic)
        return mayGo && runner.stop.level == .none ? state.health.event : nil
      }
    }
    return nil
  }
}

/// What became of a request in its attempts so far.
struct Delivery: Sendable {
  var receipt: Receipt
  var attempts = 0
  /// Attempts that count against the retries of the row.
  var failures = 0
  var seconds = 0.0
  /// Seconds spent waiting for the target or the rate.
  var waited = 0.0
  /// Whether another attempt follows the last one.
  var repeats = false
  /// Whether some attempt may have been accepted although no answer came.
  var wasInDoubt = false
  /// The side that a failed follow-up was about.
  var side: Side?
  /// What precedes the reason when a follow-up failed.
  var missing = ""

  /// Before the first attempt: what a row ends with when the run stops now.
  static let none = Delivery(
    receipt: Receipt(
      .retryable(after: nil), code: .stopped, detail: "the run stopped before this row was sent"))

  mutating func add(_ receipt: Receipt) {
    self.receipt = receipt
    attempts += 1
    wasInDoubt = wasInDoubt || receipt.outcome == .inDoubt
  }

  /// The receipt for the ledger: a later refusal does not settle what an earlier attempt left in doubt.
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

  var isTooLarge: Bool { receipt.http == 413 && receipt.outcome == .rejected }

  mutating func explain(_ reason: String) { receipt.detail = missing + reason }

  /// Explains what was too large, in bytes, and what was done about it.
  mutating func explain(tooLarge size: Int, _ rest: String) {
    explain("the target answered 413 to a body of \(size) bytes, \(rest)")
    receipt.hint =
      receipt.hint ?? "lower shrink.max-bytes, or set assemble.max-body to the target's limit"
  }
}
