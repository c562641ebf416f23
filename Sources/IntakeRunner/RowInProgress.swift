import IntakeCore
import IntakeSystem

/// A row on its way: what every part of the runner needs to know about it.
struct RowInProgress: Sendable {
  let reference: RowReference
  /// Its name in the ledger; nil in a dry run, which keeps none.
  let key: RowKey?
  let stopwatch: Stopwatch
  let log: @Sendable (LogLevel, String) -> Void
  /// Tells what went into a stage and what came out.
  let passed: @Sendable (_ stage: String, _ input: any Sendable, _ output: any Sendable) -> Void

  /// Runs a stage; a crash inside it is noted against this row.
  func running<Result>(_ stage: String, _ body: () async throws -> Result) async rethrows -> Result
  {
    CrashNote.working(on: key?.description)
    defer { CrashNote.working(on: nil) }
    return try await stopwatch.measure(stage, body)
  }

  /// An outcome of this row with what is known so far.
  func outcome(_ verdict: Verdict, stage: String? = nil, failure: StageFailure? = nil) -> Outcome {
    var outcome = Outcome(row: reference, key: key, verdict: verdict)
    outcome.stage = stage
    outcome.failure = failure
    outcome.timings = stopwatch.timings
    return outcome
  }

  /// Skipped: an earlier run has done it.
  var alreadyAccepted: Outcome { alreadyAccepted("an earlier run has sent this row") }

  /// Skipped too, but nobody can tell any more whether the row is still what was sent.
  var acceptedAndPutAway: Outcome {
    alreadyAccepted("an earlier run has sent this row; a scan is no longer there to compare")
  }

  private func alreadyAccepted(_ detail: String) -> Outcome {
    outcome(.skipped, stage: "record", failure: StageFailure(.alreadyAccepted, detail))
  }

  /// Not sent, and nobody has tried: the run stopped before it was this row's turn.
  var notTried: Outcome {
    let failure = StageFailure(
      .stopped, "the run stopped before this row was sent", outcome: .retryable(after: nil))
    return outcome(.failed, stage: "submit", failure: failure)
  }

  /// Skipped as well, but the manifest says something else by now.
  var changedAfterAcceptance: Outcome {
    outcome(
      .skipped, stage: "record",
      failure: StageFailure(
        .changedAfterAcceptance, "a cell or an image was changed after the row had been accepted"))
  }

  /// Writes down that an attempt was definitely not accepted, so that a crash while waiting leaves no doubt.
  func noteFailedAttempt(_ delivery: Delivery, in journal: any Journal) async throws {
    var outcome = outcome(.failed, stage: "submit")
    outcome.failure = StageFailure(
      delivery.receipt.code ?? .targetFailed, delivery.receipt.detail ?? "",
      outcome: delivery.receipt.outcome)
    outcome.receipt = delivery.receipt
    outcome.attempts = delivery.attempts
    try await journal.record(outcome)
  }
}
