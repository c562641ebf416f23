import IntakeCore
import IntakeSystem
import Synchronization

/// A row on its way: what the ledger knows about it, how long each stage takes, and how it can end.
struct Row: Sendable {
  let reference: RowReference
  /// What the ledger knows it by.
  let identity: RowName
  private let fields: CustomerFields
  /// What the ledger knows about it, looked up once; nil when no ledger is consulted.
  var known: (any KnownRow)?
  private let source: SourceRow?
  private let runner: Runner
  private let stopwatch: Stopwatch

  init(
    _ loaded: LoadedRow, _ name: RowName, known: (any KnownRow)?, loadedIn seconds: Double,
    _ runner: Runner
  ) {
    (reference, identity) = (loaded.record.row, name)
    fields = loaded.record.fields
    self.known = known
    source = loaded.source
    self.runner = runner
    stopwatch = Stopwatch(clock: runner.clock)
    stopwatch.add("load", seconds: seconds)
  }

  var standing: Standing { known?.standing ?? .unknown }

  /// Whether an earlier run saw it refused: another refusal then says nothing about the target.
  var wasRefused: Bool {
    standing == .notAccepted && known?.lastOutcome?.verdict == .rejected
  }

  func log(_ level: LogLevel, _ message: String) {
    runner.observer.log(level, message, row: reference)
  }

  /// What a stage learns about the row.
  var context: StageContext { context(after: CustomerFields()) }

  /// The same after a stage has changed cells or filled some in.
  func context(after changed: CustomerFields) -> StageContext {
    StageContext(
      row: reference, time: runner.clock.wall, log: { [self] in log($0, $1) },
      mask: { [self] in mask(changed) })
  }

  /// Hides the row's values, and those that a stage has made of them, in the words of others.
  private func mask(_ changed: CustomerFields) -> TextMask {
    runner.policy.showsPersonal ? .nothing : TextMask(hiding: fields.texts + changed.texts)
  }

  /// Runs a stage on a value, takes the time, and shows `--tap` what went in and what came out.
  func run(
    _ step: PipelineStep, timedAs name: String? = nil, on value: any Sendable,
    in context: StageContext
  ) async throws(PipelineError) -> any Sendable {
    let output = try await stopwatch.measure(name ?? step.name) { () throws(PipelineError) in
      try await step.run(value, in: context)
    }
    passed(step.name, value, output)
    return output
  }

  func passed(_ stage: String, _ input: any Sendable, _ output: any Sendable) {
    runner.observer.passed(stage, input: input, output: output, row: reference)
  }
}

// How a row can end.
extension Row {
  func outcome(_ verdict: Verdict, stage: String? = nil, failure: StageFailure? = nil) -> Outcome {
    var outcome = Outcome(row: reference, key: known?.key, verdict: verdict)
    outcome.source = source
    outcome.stage = stage
    outcome.failure = failure
    outcome.timings = stopwatch.timings
    return outcome
  }

  /// Skipped: an earlier run has done it.
  func alreadyAccepted(_ detail: String = "an earlier run has sent this row") -> Outcome {
    skipped(.alreadyAccepted, detail)
  }

  /// Skipped too, but the manifest has changed since; `problem` says why the new content could not be sent anyway.
  func changedAfterAcceptance(_ problem: StageFailure? = nil) -> Outcome {
    let isRenamed = reference.label.map { known?.hadAnotherLabel(than: $0) == true } ?? false
    let detail =
      "a cell or an image was changed after the row had been accepted"
      + (isRenamed ? " under another id: make sure that it is the same customer" : "")
    let reason = problem.map { ", and as it is now it cannot be sent: \($0.code): \($0.detail)" }
    return skipped(.changedAfterAcceptance, detail + (reason ?? ""), hint: problem?.hint)
  }

  private func skipped(_ code: FailureCode, _ detail: String, hint: String? = nil) -> Outcome {
    var outcome = outcome(
      .skipped, stage: "record", failure: StageFailure(code, detail, hint: hint))
    outcome.since = known?.accepted
    return outcome
  }

  /// Refused: only the operator knows which of two rows about one customer is right.
  var repeatsCustomer: Outcome {
    let detail = "an earlier row of this run is about the same customer"
    return outcome(.rejected, stage: "record", failure: StageFailure(.conflictingRow, detail))
  }

  /// Refused without another try, because it crashed the program or lost a decoder before; nil for other rows.
  func refusedUntried(_ loaded: LoadedRow, _ preparer: Preparer) -> Outcome? {
    guard let known, loaded.failures.isEmpty, runner.policy.only != .failed else { return nil }
    // One crash may be anybody's; two on the same row are that row's.
    if known.crashes >= 2 {
      let detail = "the program crashed twice while it worked on this row"
      return outcome(.rejected, stage: "record", failure: StageFailure(.quarantined, detail))
    }
    guard standing == .notAccepted,
      known.endedDecoder(with: preparer.origin(of: loaded.record, self)),
      let last = known.lastOutcome, let failure = last.failure
    else { return nil }
    let detail = "an earlier run lost the process that decoded this image; it was not tried again"
    var again = StageFailure(failure.code, detail)
    if let side = failure.side {
      let file = loaded.record.images.first { $0.side == side }?.path
      again = again.about(side: side, file: file)
    }
    return outcome(.rejected, stage: last.stage, failure: again)
  }

  /// Not sent in this run; may be sent in the next.
  func notSent(_ code: FailureCode, _ detail: String, stage: String) -> Outcome {
    outcome(
      .failed, stage: stage, failure: StageFailure(code, detail, outcome: .retryable(after: nil)))
  }

  /// Not tried: the run stopped before it was this row's turn.
  var notTried: Outcome {
    notSent(.stopped, "the run stopped before this row was sent", stage: submitter)
  }

  private var submitter: String { runner.pipeline.submitterName }

  /// Stays in doubt: nothing is sent before the earlier attempt is settled.
  func staysInDoubt(_ detail: String, _ code: FailureCode = .unsettled) -> Outcome {
    outcome(
      .inDoubt, stage: "record", failure: StageFailure(code, detail, outcome: .inDoubt))
  }

  /// Refused or failed before anything was sent.
  func refused(_ errors: [PipelineError], images: [Side: ShrinkReport] = [:]) -> Outcome {
    let first = errors.first
    let verdict: Verdict = first?.failure.outcome == .rejected ? .rejected : .failed
    var outcome = outcome(verdict, stage: first?.stage, failure: first?.failure)
    outcome.further = errors.dropFirst().map(\.failure)
    outcome.images = images
    return outcome
  }

  /// What became of the row at the target.
  func sent(_ delivery: Delivery, _ prepared: PreparedRow) -> Outcome {
    let receipt = delivery.receipt
    stopwatch.add("submit", seconds: delivery.seconds)
    var outcome = outcome(receipt.outcome.verdict)
    if outcome.verdict != .accepted {
      let code = receipt.code ?? .targetFailed
      outcome.stage = submitter
      outcome.failure = StageFailure(
        code, (receipt.detail ?? code.rawValue) + message(of: receipt, prepared),
        hint: receipt.hint, outcome: receipt.outcome, side: delivery.side)
    }
    outcome.receipt = withoutCells(receipt, prepared.fields)
    outcome.attempts = delivery.attempts
    outcome.waited = delivery.waited
    outcome.images = prepared.images
    return outcome
  }

  /// What the target itself says about the reason, with the row's values hidden unless they may be shown.
  private func message(of receipt: Receipt, _ prepared: PreparedRow) -> String {
    receipt.quotation(
      mask(prepared.fields), limit: runner.policy.showsPersonal ? 2_000 : 300)
  }

  /// The receipt with `other` for a status or type that repeats a cell, which a target may answer by mistake.
  private func withoutCells(_ receipt: Receipt, _ sent: CustomerFields) -> Receipt {
    guard receipt.status != nil || receipt.type != nil else { return receipt }
    // Of its own column, the status is the very word that is expected.
    let cells = [fields, sent].flatMap { fields in
      fields.texts(of: fields.columns.filter { $0.column != .status })
    }
    // A mask costs more than all else that is done with an answer, and hardly any has a cell in these words.
    let words = [receipt.status, receipt.type].compactMap { $0?.utf8.lettersAndDigits }
    let isSuspicious = cells.contains { cell in
      let bytes = cell.utf8.lettersAndDigits
      return !cell.utf8.allSatisfy { $0 < 0x80 } || words.contains { bytes.contains($0) }
    }
    guard isSuspicious else { return receipt }
    let mask = TextMask(hiding: cells)
    let shown: (String) -> String = { mask.hides($0) ? "other" : $0 }
    var receipt = receipt
    (receipt.status, receipt.type) = (receipt.status.map(shown), receipt.type.map(shown))
    return receipt
  }

  /// One attempt that was definitely not accepted and is repeated: recorded so that a crash leaves no doubt.
  func failedAttempt(_ delivery: Delivery) -> Outcome {
    var outcome = notSent(
      delivery.receipt.code ?? .targetFailed, delivery.receipt.detail ?? "", stage: submitter)
    outcome.receipt = withoutCells(delivery.receipt, fields)
    outcome.attempts = delivery.attempts
    return outcome
  }

  /// The outcome as the ledger sees it: a failure now does not settle what an earlier attempt left in doubt.
  func keepingDoubt(_ outcome: Outcome) -> Outcome {
    guard standing == .inDoubt, outcome.verdict == .rejected || outcome.verdict == .failed,
      !outcome.isNotTried, !outcome.repeatsAnotherRow
    else { return outcome }
    let failure = outcome.failure
    let reason = failure.map { "\($0.code): \($0.detail)" } ?? outcome.verdict.rawValue
    let step = failure.map { $0.hint + "; then " } ?? ""
    var doubtful = outcome
    doubtful.verdict = .inDoubt
    doubtful.failure = StageFailure(
      .unsettled, "an earlier attempt may have been accepted; this time \(reason)",
      hint: step
        + (outcome.cannotBeAsked
          ? FailureCode.handSettlement
          : "run the same command again, or settle it with docintake reconcile --mark"),
      outcome: .inDoubt, column: failure?.column, side: failure?.side, file: failure?.file)
    return doubtful
  }
}

extension Sequence<UInt8> {
  /// In lower case, without what stands between them.
  fileprivate var lettersAndDigits: [UInt8] {
    filter(\.isASCIIAlphanumeric).map(\.asciiLowercased)
  }
}

extension CustomerFields {
  /// Every cell that results don't show anyway.
  fileprivate var texts: [String] {
    texts(of: columns.filter { ![.id, .reference, .front, .back].contains($0.column) })
  }

  /// The cells of some columns; dates also in a form in which the year is a separate word.
  fileprivate func texts(of columns: [ColumnName]) -> [String] {
    columns.flatMap { name in
      [
        self[name.column, name.number]?.exposed, date(name.column, name.number)?.dashed,
      ].compactMap(\.self)
    }
  }
}

extension Outcome {
  /// The outcome of a row in doubt with the step that is left where the target can't be asked about it.
  func advised(about submission: Submission) -> Outcome {
    guard submission.target.inquiry(about: submission) == nil else { return self }
    var advised = self
    advised.cannotBeAsked = true
    if verdict == .inDoubt { advised.failure?.hint = FailureCode.handSettlement }
    return advised
  }

  /// The outcome after one that this run had left in doubt; the doubt stays when nothing was tried since.
  func followed(by next: Outcome) -> Outcome {
    guard !next.isNotTried else { return self }
    var next = next
    next.attempts += attempts
    // The answer to a question says nothing of the request.
    if next.receipt?.bodyBytes == 0 { next.receipt?.bodyBytes = receipt?.bodyBytes ?? 0 }
    return next
  }
}
