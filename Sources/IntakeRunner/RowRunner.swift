import IntakeCore
import IntakeSystem
import Synchronization

/// Takes each row of a run from its line in the manifest to its outcome on disk.
final class RowRunner: Sendable {
  let runner: Runner
  private let working: WorkerPool
  let preparer: Preparer
  private let sending: Sending
  /// What earlier runs know about the rows; nil when no ledger is consulted.
  let view: (any LedgerView)?
  /// Both are nil in a check or dry run, which sends and records nothing.
  private let ledger: (any OpenLedger)?
  private let steps: Steps?
  let summary = Mutex(RunSummary())
  /// Notices that were shown: nobody reads the same sentence a million times.
  private let shown = Mutex<Set<String>>([])
  /// Wall time at the start of the run.
  private let started: UnixTime
  /// Places for rows that had to wait because they were in doubt.
  private let doubtful: Permits
  /// A row that an earlier run has seen accepted.
  private let acceptedRow = Mutex<(LoadedRow, Row)?>(nil)
  /// Whether there is one; saves taking the lock for each row that is skipped.
  private let hasAcceptedRow = Atomic(false)
  /// Rows that turned out to be unchanged since they were accepted: they don't count against `--limit`.
  let spared = Atomic(0)
  /// The smallest request that the target has answered with 413, in bytes.
  private let refusedBytes = Mutex(Int.max)

  init(
    _ runner: Runner, _ ledger: RunLedger?, working: WorkerPool, sending pool: WorkerPool
  ) {
    self.runner = runner
    view = ledger?.view
    self.ledger = ledger?.open
    self.working = working
    started = runner.clock.wall
    preparer = Preparer(runner)
    sending = Sending(runner, on: pool)
    steps = self.ledger.map { [sending] in Steps(sending, $0, runner.policy) }
    doubtful = Permits(capacity: runner.policy.concurrency + 2)
  }

  /// Begins with a row, or reports what could be decided without work on it.
  ///
  /// - Returns: whether the row became a task, which gives its place in the window back when it ends.
  func begin(_ finding: Finding, in group: inout DiscardingTaskGroup, window: Permits) -> Bool {
    switch finding {
    case .done(let outcome): count(outcome)
    case .leftOut(let reference, let standing):
      if let standing { summary.withLock { $0.countLeftOut(standing) } }
      runner.observer.leftOut(reference)
    case .failed(let error, let reference): fail(error, reference)
    case .wanted(let loaded, let row):
      let executor: any TaskExecutor =
        row.known.map { working.noting($0.key.description) } ?? working
      runner.monitor.note { $0.rows += 1 }
      group.addTask(executorPreference: executor) { [self] in
        var place = window
        do { try await run(loaded, row, &place) } catch { fail(error, row.reference) }
        place.leave()
        runner.monitor.note { $0.rows -= 1 }
      }
      return true
    }
    return false
  }

  /// The way of a row, from top to bottom: wanted? → prepare → settle or send → record → report.
  ///
  /// - Throws: `JournalError` when the ledger cannot be written; anything else is an error of the program.
  private func run(_ loaded: LoadedRow, _ row: Row, _ place: inout Permits) async throws {
    var (row, unsettled) = (row, Outcome?.none)
    // Wanted? `Finding` has seen that neither the ledger nor the operator rules it out.
    if row.known?.wasSentInThisRun == true, loaded.failures.isEmpty {
      return try await end(row.repeatsCustomer, row)
    }
    for round in 0... {
      // A row in doubt is left alone while its earlier attempt may still be under way.
      guard try await afterEarlierAttempt(&row, loaded, &place) else { break }
      // What crashed the program or a decoder before is not tried again.
      if let refused = row.refusedUntried(loaded, preparer) { return try await end(refused, row) }
      // An accepted row that looks changed may still have the same scans, or come to the same request.
      if row.standing == .accepted, await preparer.hasSameImages(loaded, row) {
        return report(row.alreadyAccepted())
      }
      // Prepare: its fields, its images, the request. Nothing is sent.
      var prepared: PreparedRow
      switch await prepare(loaded, row) {
      case .ready(let complete): prepared = complete
      case .refused(let errors, let images, let origin):
        return try await end(refused(errors, images, origin, row), row)
      case .notTried: return try await end(unsettled ?? row.notTried, row)
      }
      if let outcome = acceptedBefore(prepared, row) { return report(outcome) }
      guard let steps else { return rehearsed(prepared, row) }
      // Settle what an earlier attempt left in doubt, or send.
      let settled = try await settle(&prepared, loaded, &row, steps)
      var outcome =
        if let settled { settled } else { try await send(prepared, loaded, row, steps) }
      if outcome.verdict == .inDoubt || row.standing == .inDoubt {
        outcome = outcome.advised(about: prepared.submission)
      }
      // Record, then report: only what is on disk. If the target can settle a doubt, ask it in this run.
      guard settled == nil, canSettle(outcome, prepared, round) else {
        return try await end(unsettled?.followed(by: outcome) ?? outcome, row)
      }
      try await steps.ledger.record(outcome)
      row.known = try steps.ledger.row(for: row.identity)
      unsettled = unsettled?.followed(by: outcome) ?? outcome
    }
    if let unsettled { try await end(unsettled, row) }
  }

  /// Stops the run: the ledger cannot be written, or the error isn't about the row.
  private func fail(_ error: any Error, _ row: RowReference) {
    if let error = error as? JournalError {
      summary.withLock { $0.journalError = $0.journalError ?? error.description }
      return runner.stop.request(.soon, reason: error.description)
    }
    let what = PipelineError.logText(of: error)
    runner.observer.log(.error, "internal error: \(what)", row: row)
    summary.withLock { $0.internalError = $0.internalError ?? what }
    runner.stop.request(.soon, reason: "internal error: \(what)")
  }
}

// Wanted?
extension RowRunner {
  /// The outcome of an accepted row whose request has been prepared; nil when the request is to be sent.
  private func acceptedBefore(_ prepared: PreparedRow, _ row: Row) -> Outcome? {
    guard row.standing == .accepted else { return nil }
    if row.known?.isUnchanged(prepared.submission) == true { return row.alreadyAccepted() }
    return runner.policy.resubmitsChanged ? nil : row.changedAfterAcceptance()
  }

  /// Waits until an earlier attempt can no longer be under way; false when the run stops first.
  private func afterEarlierAttempt(
    _ row: inout Row, _ loaded: LoadedRow, _ place: inout Permits
  ) async throws -> Bool {
    guard let ledger, row.standing == .inDoubt, runner.policy.ambiguous != .hold,
      loaded.failures.isEmpty, let last = row.known?.lastWritten
    else { return true }
    // An earlier run's line may be the intent of an attempt that went on until the run was killed, perhaps a moment
    // ago. A clock that was set back must not make anybody wait longer than the full time.
    let ended = last > started ? last : min(last + RunPolicy.longestAttempt, started)
    let wait = min(ended + runner.policy.settleAfter - runner.clock.wall, runner.policy.settleAfter)
    guard wait > 0 else { return true }
    row.log(.notice, "waiting \(Int(wait.rounded(.up))) s: an attempt may still be under way")
    let until = runner.clock.wall + wait
    runner.monitor.note { $0.waits[.inDoubt] = max(until, $0.waits[.inDoubt] ?? until) }
    // Another row takes its place in the window: a few rows in doubt must not hold up a batch.
    place.leave()
    await runner.clock.sleep(until: runner.clock.monotonic + wait, unless: runner.stop)
    place = doubtful
    await place.enter()
    // Another row of the same customer may have settled it in the meantime.
    row.known = try ledger.row(for: row.identity)
    return runner.stop.level == .none
  }
}

// Prepare.
extension RowRunner {
  private func prepare(_ loaded: LoadedRow, _ row: Row, imageBudget: Int? = nil) async
    -> Preparer.Result
  {
    if loaded.failures.isEmpty {
      for notice in runner.pipeline.assembler.notices(about: loaded.record)
      where shown.withLock({ $0.insert(notice).inserted }) {
        runner.observer.log(.notice, notice, row: nil)
      }
    }
    return await preparer.prepare(loaded, row, imageBudget: imageBudget)
  }

  /// The outcome of a row that got no request; a failure that every row would meet stops the run.
  private func refused(
    _ errors: [PipelineError], _ images: [Side: ShrinkReport], _ origin: RowOrigin?, _ row: Row
  ) -> Outcome {
    for error in errors where error.isForeign { row.log(.error, error.logText) }
    guard let first = errors.first?.failure else { return row.refused(errors, images: images) }
    if first.outcome == .fatal {
      runner.stop.request(.soon, reason: "\(errors[0].stage): \(first.detail)")
    }
    if row.standing == .accepted, first.outcome == .rejected, !runner.policy.resubmitsChanged,
      !first.code.isAboutAnotherRow
    {
      return row.changedAfterAcceptance(first)
    }
    var outcome = row.refused(errors, images: images)
    // An image that ended the process that decoded it is left alone by later runs.
    let deadly: Set<FailureCode> = [.decoderCrashed, .decoderTimeout, .decoderMemory]
    if errors.contains(where: { deadly.contains($0.code) }) { outcome.deadlyFiles = origin?.files }
    return outcome
  }
}

// Settle or send.
extension RowRunner {
  /// The outcome of a row in doubt that is not sent; nil for a row that is to be sent.
  private func settle(
    _ prepared: inout PreparedRow, _ loaded: LoadedRow, _ row: inout Row, _ steps: Steps
  ) async throws -> Outcome? {
    var outcome: Outcome?
    if row.standing == .inDoubt {
      // After a 413, the earlier attempt may have had smaller images.
      if let known = row.known, !known.isUnchanged(prepared.submission),
        prepared.submission.origin.map({ known.change(to: $0) }) == RowChange.none,
        let second = await smaller(prepared, loaded, row).row, known.isUnchanged(second.submission)
      {
        prepared = second
      }
      guard runner.stop.level == .none else { return row.notTried }
      outcome = try await steps.settle(prepared.submission, of: &row, accepted: acceptedRequest)
    }
    if outcome == nil, runner.policy.mode == .reconcile {
      return row.notSent(.notAccepted, "the target does not have it", stage: "record")
    }
    outcome?.images = prepared.images
    return outcome
  }

  /// Keeps the first row that an earlier run has seen accepted and that is unchanged.
  func noteAccepted(_ loaded: LoadedRow, _ row: Row) {
    guard !hasAcceptedRow.load(ordering: .relaxed) else { return }
    acceptedRow.withLock { $0 = (loaded, row) }
    hasAcceptedRow.store(true, ordering: .relaxed)
  }

  /// The request of a row that an earlier run has seen accepted; nil when no such row is still the same.
  private func acceptedRequest() async -> Submission? {
    guard let (loaded, row) = acceptedRow.withLock({ $0 }),
      case .ready(let prepared) = await prepare(loaded, row),
      row.known?.isUnchanged(prepared.submission) == true
    else { return nil }
    return prepared.submission
  }

  /// Whether this run asks about a row that ended in doubt; it is sent again as often as a failed row.
  private func canSettle(_ outcome: Outcome, _ prepared: PreparedRow, _ round: Int) -> Bool {
    outcome.verdict == .inDoubt && round < runner.policy.retries
      && runner.stop.level == .none && sending.canSettle(prepared.submission)
  }

  /// Sends a row; after a 413, once more with images of half the bytes if they stay legible.
  private func send(
    _ prepared: PreparedRow, _ loaded: LoadedRow, _ row: Row, _ steps: Steps
  ) async throws -> Outcome {
    var (prepared, row) = (prepared, row)
    let refused = refusedBytes.withLock { $0 }
    if prepared.submission.totalBytes >= refused,
      let second = await smaller(prepared, loaded, row).row, second.submission.totalBytes < refused
    {
      prepared = second
    }
    var delivery = try await steps.send(prepared.submission, of: row)
    guard delivery.isTooLarge else { return row.sent(delivery, prepared) }
    refusedBytes.withLock { $0 = min($0, prepared.submission.totalBytes) }
    let size = delivery.receipt.bodySize ?? prepared.submission.bodySize(with: nil)
    let (second, reason) = await smaller(prepared, loaded, row)
    guard let second else {
      delivery.explain(tooLarge: size, reason)
      return row.sent(delivery, prepared)
    }
    try await steps.ledger.record(row.failedAttempt(delivery))
    row.log(.notice, "the target answered 413: sending once more with smaller images")
    let attempts = delivery.attempts
    // The first request had other content, so what the ledger knew about its steps is void.
    row.known = try steps.ledger.row(for: row.identity)
    delivery = try await steps.send(second.submission, of: row, after: delivery)
    guard delivery.attempts > attempts else {
      delivery.explain(tooLarge: size, "and the run stopped before smaller images were sent")
      return row.sent(delivery, prepared)
    }
    if delivery.isTooLarge {
      let smaller = delivery.receipt.bodySize ?? second.submission.bodySize(with: nil)
      delivery.explain(tooLarge: size, "and to one of \(smaller) with smaller images")
    }
    return row.sent(delivery, second)
  }

  /// The same row with images of half the bytes, because a 413 does not say the limit; if there is none, why, as the
  /// end of a sentence about the body.
  private func smaller(_ prepared: PreparedRow, _ loaded: LoadedRow, _ row: Row) async
    -> (row: PreparedRow?, reason: String)
  {
    let bytes = prepared.images.values.reduce(0) { $0 + $1.sent.bytes }
    guard bytes > 0 else { return (nil, "and the request holds no image to shrink") }
    switch await prepare(loaded, row, imageBudget: bytes / 2) {
    case .notTried: return (nil, "and the run stopped before smaller images were tried")
    case .refused(let errors, _, _):
      let reason = errors.first.map { ": " + $0.failure.detail } ?? ""
      return (nil, "and its images of \(bytes) do not get down to half of that\(reason)")
    case .ready(let second) where second.submission.totalBytes < prepared.submission.totalBytes:
      return (second, "")
    case .ready: return (nil, "and its images of \(bytes) did not get smaller")
    }
  }
}

// Record and report.
extension RowRunner {
  /// Writes an outcome down, then reports it.
  private func end(_ outcome: Outcome, _ row: Row) async throws {
    guard let ledger, outcome.verdict != .skipped else { return report(outcome) }
    // A duplicate has the identity of the row it repeats, so a line about it would be about that row. About a row
    // that nobody tried, the ledger may know more already.
    if !outcome.repeatsAnotherRow, !outcome.isNotTried || row.standing == .unknown {
      do {
        try await ledger.record(outcome)
      } catch {
        if outcome.attempts > 0 {
          // The ledger will list the row in doubt; with this answer the operator can settle it.
          let verdict = outcome.verdict.rawValue.replacing("_", with: " ")
          row.log(
            .error, "was sent and ended \(verdict), but it could not be recorded in the ledger")
        }
        throw error
      }
    }
    // Steps recorded in this run may have settled what was in doubt when the row was looked up.
    var latest = row
    if row.standing == .inDoubt { latest.known = try ledger.row(for: row.identity) }
    let known = latest.keepingDoubt(outcome)
    report(known)
    for recorder in runner.pipeline.recorders { await hand(known, to: recorder, row) }
  }

  /// A recorder that fails stops the run: whoever reads its records would miss rows without knowing it.
  private func hand(_ outcome: Outcome, to recorder: any Recorder, _ row: Row) async {
    do {
      try await recorder.run(outcome, in: row.context)
    } catch {
      let name = type(of: recorder).name
      let detail = (error as? StageFailure)?.detail ?? PipelineError.logText(of: error)
      row.log(.error, "\(name) did not record: \(detail)")
      runner.stop.request(.soon, reason: "\(name) did not record: \(detail)")
    }
  }

  private func report(_ outcome: Outcome) {
    if outcome.failure?.code == .alreadyAccepted { spared.add(1, ordering: .relaxed) }
    count(outcome)
    runner.observer.flush()
  }

  /// Counts and reports a row; its line may wait for those that follow at once.
  private func count(_ outcome: Outcome) {
    let (failed, done) = summary.withLock { summary in
      summary.add(outcome, isCheck: runner.policy.mode == .check)
      return (summary.notAccepted - summary.notTried, summary.rows)
    }
    runner.observer.finished(outcome)
    if let halt = runner.policy.halt, halt.isReached(failed: failed, of: done) {
      runner.stop.request(
        halt.level, reason: "\(failed) of \(done) rows were not accepted (--halt)")
    }
  }

  /// Reports a row of a check or dry run.
  private func rehearsed(_ prepared: PreparedRow, _ row: Row) {
    if row.standing == .inDoubt, runner.policy.ambiguous != .resend {
      return report(
        row.staysInDoubt("an earlier attempt may have been accepted")
          .advised(about: prepared.submission))
    }
    let outcome = prepared.ready(row)
    summary.withLock { $0.addReady(outcome) }
    runner.observer.prepared(prepared.submission, outcome: outcome)
    runner.observer.flush()
  }
}
