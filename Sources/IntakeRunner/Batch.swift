import IntakeCore
import Synchronization

/// One run under way: feeds rows into tasks and adds up what becomes of them.
final class Batch: Sendable {
  let runner: Runner
  let rows: any RowSource
  let loading: WorkerPool
  let working: WorkerPool
  private let sending: WorkerPool
  /// Rows that exist at once: those being worked on, those being sent, and two ready so that nobody waits.
  let window: PermitPool
  /// Rows being worked on at once: one a worker, so that each holds at most one row's files in memory.
  let local: PermitPool
  let preparation: RowPreparation
  let sender: Sender
  let summary = Mutex(RunSummary())
  /// What has been told about rows, for nobody reads the same sentence a million times.
  private let told = Mutex<Set<String>>([])
  /// Wall time at the start of the run.
  let started: UnixTime

  init(_ runner: Runner, rows: any RowSource, loading: WorkerPool) throws(ThreadsUnavailable) {
    let policy = runner.policy
    self.runner = runner
    self.rows = rows
    started = runner.clock.wall
    self.loading = loading
    working = try WorkerPool(threads: policy.workers)
    sending = try WorkerPool(threads: policy.concurrency)
    window = PermitPool(capacity: policy.workers + policy.concurrency + 2)
    local = PermitPool(capacity: policy.workers)
    preparation = RowPreparation(
      pipeline: runner.pipeline, memory: PermitPool(capacity: policy.pixelMemory),
      clock: runner.clock,
      findsEverything: policy.mode == .check)
    sender = Sender(
      pipeline: runner.pipeline, policy: policy, clock: runner.clock, stop: runner.stop,
      observer: runner.observer, pool: sending)
  }

  var journal: any Journal { runner.pipeline.journal }
  var keepsLedger: Bool { runner.policy.mode.keepsLedger }

  func run() async -> RunSummary {
    let start = runner.clock.monotonic
    await withDiscardingTaskGroup { group in
      await withTaskExecutorPreference(loading) { await self.feed(&group) }
    }
    for pool in [working, sending] { pool.stop() }
    return summary.withLock { summary in
      summary.seconds = runner.clock.monotonic - start
      summary.stopReason = runner.stop.level == .none ? nil : runner.stop.reason
      return summary
    }
  }

  func work(on loaded: LoadedRow, as row: RowInProgress) async {
    do {
      switch loaded {
      case .bad(let record, let failures): try await refuse(record, failures, row)
      case .record(let record): try await work(on: record, as: row)
      }
    } catch let error as JournalError {
      summary.withLock { $0.journalError = $0.journalError ?? error.description }
      runner.stop.request(.soon, reason: error.description)
    } catch {
      // Whatever comes here is nobody's verdict on a row; the ledger has what is known of it.
      let what = "\(type(of: error))"
      runner.observer.log(.error, "internal error: \(what)", row: row.reference)
      summary.withLock { $0.internalError = $0.internalError ?? what }
      runner.stop.request(.soon, reason: "internal error: \(what)")
    }
  }

  private func tellOnce(_ notices: [String]) {
    for notice in notices where told.withLock({ $0.insert(notice).inserted }) {
      runner.observer.log(.notice, notice, row: nil)
    }
  }

  /// Ends a row that could not be loaded; a check goes on to what else is wrong with it.
  private func refuse(_ record: IntakeRecord, _ failures: [StageFailure], _ row: RowInProgress)
    async throws
  {
    var errors = failures.map { PipelineError(stage: "load", row: row.reference, underlying: $0) }
    var images: [Side: ShrinkReport] = [:]
    if preparation.findsEverything {
      await local.enter()
      let found = await preparation.inspect(record, knowing: failures, as: row)
      local.leave()
      errors += found.failures
      images = found.images
    }
    var outcome = refused(errors, row)
    outcome.images = images
    try await end(outcome)
  }

  private func work(on record: IntakeRecord, as row: RowInProgress) async throws {
    if let key = row.key, await journal.crashes(of: key) >= Batch.crashesToQuarantine,
      runner.policy.only != .failed
    {
      return try await end(quarantined(row))
    }
    tellOnce(runner.pipeline.assembler.notices(about: record))
    await local.enter()
    guard runner.stop.level == .none else {
      local.leave()
      return try await end(row.notTried)
    }
    let result = await preparation.run(record, as: row)
    local.leave()
    guard var submission = result.submission else {
      var outcome = refused(result.failures, row)
      outcome.images = result.images
      return try await end(outcome)
    }
    if let problem = submission.problem(withFollowUpsOnly: keepsLedger) {
      let error = PipelineError(
        stage: runner.pipeline.assemblerName, row: row.reference, underlying: problem)
      return try await end(refused([error], row))
    }
    submission.source = record.source
    let prepared = PreparedRow(submission: submission, images: result.images)
    guard keepsLedger else { return ready(prepared, row) }
    if await isSentAlready(submission, row) { return report(row.alreadyAccepted) }
    try await end(try await settleOrSend(prepared, record, row))
  }

  private func settleOrSend(
    _ prepared: PreparedRow, _ record: IntakeRecord, _ row: RowInProgress
  ) async throws -> Outcome {
    let sent = await asSentBefore(prepared, record, row)
    let settling = Settling(runner: runner, sender: sender)
    guard var outcome = try await settling.settle(sent.submission, row) else {
      if runner.policy.mode == .reconcile {
        return refused(.notAccepted, "the target does not have it", stage: "record", row)
      }
      return try await deliver(sent, record, row)
    }
    outcome.images = sent.images
    return outcome
  }

  /// Whether a row that looks changed comes to the very request that was accepted.
  private func isSentAlready(_ submission: Submission, _ row: RowInProgress) async -> Bool {
    guard let key = row.key, await journal.standing(of: key) == .accepted else { return false }
    return await journal.isUnchanged(submission, for: key)
  }

  /// A row that is not sent in this run and may be sent in the next.
  private func refused(
    _ code: FailureCode, _ detail: String, stage: String, _ row: RowInProgress
  ) -> Outcome {
    let failure = StageFailure(code, detail, outcome: .retryable(after: nil))
    return row.outcome(.failed, stage: stage, failure: failure)
  }

  private func refused(_ errors: [PipelineError], _ row: RowInProgress) -> Outcome {
    guard let first = errors.first else { return row.outcome(.failed) }
    let verdict: Verdict = first.failure.outcome == .rejected ? .rejected : .failed
    var outcome = row.outcome(verdict, stage: first.stage, failure: first.failure)
    outcome.further = errors.dropFirst().map(\.failure)
    if first.failure.outcome == .fatal {
      runner.stop.request(.soon, reason: "\(first.stage): \(first.failure.detail)")
    }
    return outcome
  }

  func outcome(of delivery: Delivery, _ row: RowInProgress) -> Outcome {
    let receipt = delivery.receipt
    row.stopwatch.add("submit", milliseconds: delivery.milliseconds)
    let verdict = receipt.outcome.verdict
    var failure: StageFailure?
    if verdict != .accepted {
      let code = receipt.code ?? .targetFailed
      failure = StageFailure(
        code, receipt.detail ?? code.rawValue, hint: receipt.hint, outcome: receipt.outcome,
        side: delivery.side)
    }
    var outcome = row.outcome(
      verdict, stage: verdict == .accepted ? nil : runner.pipeline.submitterName, failure: failure)
    outcome.receipt = receipt
    outcome.attempts = delivery.attempts
    return outcome
  }

  /// Writes an outcome down, then tells about it.
  private func end(_ outcome: Outcome) async throws {
    // The ledger knows rows by their identity, and a duplicate has that of the row it repeats.
    if keepsLedger, !outcome.repeatsAnotherRow, await isNews(outcome) {
      do {
        try await journal.record(outcome)
      } catch {
        if outcome.attempts > 0 { tellUnrecorded(outcome) }
        throw error
      }
    }
    let told = await stillInDoubt(outcome)
    report(told)
    if keepsLedger { await tellRecorders(told) }
  }

  /// Whether the ledger may know better: what it says of a row that nobody tried is still true.
  private func isNews(_ outcome: Outcome) async -> Bool {
    guard outcome.isNotTried, let key = outcome.key else { return true }
    return await journal.standing(of: key) == .unknown
  }

  /// A recorder that fails ends the run, for whoever reads its records would miss rows without knowing.
  private func tellRecorders(_ outcome: Outcome) async {
    for recorder in runner.pipeline.recorders {
      do {
        try await recorder.run(outcome, in: StageContext(row: outcome.row))
      } catch {
        let name = type(of: recorder).name
        let detail = (error as? StageFailure)?.detail ?? "\(type(of: error))"
        runner.observer.log(.error, "\(name) did not record: \(detail)", row: outcome.row)
        runner.stop.request(.soon, reason: "\(name) did not record: \(detail)")
      }
    }
  }

  /// The ledger will call the row in doubt; the operator may use the answer to settle it.
  private func tellUnrecorded(_ outcome: Outcome) {
    let verdict = outcome.verdict.rawValue.replacing("_", with: " ")
    runner.observer.log(
      .error, "was sent and ended \(verdict), but the ledger could not take it down",
      row: outcome.row)
  }

  /// One crash may be anybody's; two on the same row are that row's.
  private static let crashesToQuarantine = 2

  private func quarantined(_ row: RowInProgress) -> Outcome {
    let detail = "the program crashed twice while it worked on this row"
    return row.outcome(
      .rejected, stage: "record", failure: StageFailure(.quarantined, detail))
  }

  private func ready(_ prepared: PreparedRow, _ row: RowInProgress) {
    var outcome = row.outcome(.skipped)
    outcome.images = prepared.images
    outcome.receipt = Receipt(.accepted)
    outcome.receipt?.bodyBytes = prepared.bodyBytes
    outcome.receipt?.steps = prepared.submission.plannedSteps
    summary.withLock { $0.addReady(outcome) }
    runner.observer.prepared(prepared.submission, outcome: outcome)
  }

  func report(_ outcome: Outcome) {
    let (failed, done) = summary.withLock { summary in
      summary.add(outcome)
      return (summary.notAccepted - summary.notTried, summary.rows)
    }
    runner.observer.finished(outcome)
    if let halt = runner.policy.halt, halt.isReached(failed: failed, of: done) {
      runner.stop.request(
        halt.level, reason: "\(failed) of \(done) rows were not accepted (--halt)")
    }
  }
}

extension Submission {
  /// The steps of a row that takes several, as a check tells them.
  fileprivate var plannedSteps: [StepReport] {
    guard !followUps.isEmpty else { return [] }
    let requests = [(operation, self)] + followUps.map { ($0.name, $0.request) }
    return requests.map { StepReport($0, .accepted, bodyBytes: $1.bodySize(with: nil)) }
  }

  /// What is over its limit: found before anything of the row is sent.
  ///
  /// The request is measured without credentials, which nobody has in a check; what sends it measures again.
  fileprivate func problem(withFollowUpsOnly: Bool) -> StageFailure? {
    if !withFollowUpsOnly, bodySize(with: nil) > bodyLimit {
      return StageFailure(
        .bodyTooLarge, "the body has \(bodySize(with: nil)) bytes, the limit is \(bodyLimit)")
    }
    let step = followUps.first { $0.request.bodySize(with: nil) > $0.request.bodyLimit }
    guard let step else { return nil }
    let size = step.request.bodySize(with: nil)
    return StageFailure(
      .bodyTooLarge, "\(step.name) has \(size) bytes, the limit is \(step.request.bodyLimit)",
      side: step.side)
  }
}

extension Outcome {
  /// Whether the row has the key of an earlier one; with the customer of another but its own id it has a key of its own.
  var repeatsAnotherRow: Bool {
    switch failure?.code {
    case .duplicateRow: return true
    case .conflictingRow:
      return failure?.column?.column != .email || (row.id == nil && row.reference == nil)
    default: return false
    }
  }
}
