import IntakeCore

// What failed now does not clear up what an earlier attempt left open.
extension Batch {
  /// The outcome as the ledger knows the row: in doubt, where it stays so in spite of what was found now.
  func stillInDoubt(_ outcome: Outcome) async -> Outcome {
    guard keepsLedger, outcome.verdict == .rejected || outcome.verdict == .failed,
      !outcome.isNotTried, !outcome.repeatsAnotherRow, let key = outcome.key,
      await journal.standing(of: key) == .inDoubt
    else { return outcome }
    return outcome.inDoubtSinceBefore
  }
}

extension Outcome {
  /// The same outcome of a row whose earlier attempt may have been accepted.
  fileprivate var inDoubtSinceBefore: Outcome {
    var told = Outcome(row: row, key: key, verdict: .inDoubt)
    let reason = failure.map { "\($0.code): \($0.detail)" } ?? verdict.rawValue
    let step = failure.map { $0.hint + "; then " } ?? ""
    told.stage = stage
    told.failure = StageFailure(
      .unsettled, "an earlier attempt may have been accepted; this time \(reason)",
      hint: step + "run the same command again, or settle it with docintake reconcile --mark",
      outcome: .inDoubt, column: failure?.column, side: failure?.side, file: failure?.file)
    (told.further, told.receipt, told.attempts) = (further, receipt, attempts)
    (told.images, told.timings) = (images, timings)
    return told
  }
}
