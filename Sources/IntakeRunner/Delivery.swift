import IntakeCore

/// What became of a request after all its attempts so far.
struct Delivery: Sendable {
  var receipt: Receipt
  var attempts: Int
  var milliseconds = 0.0
  /// What follows the last attempt.
  var decision = RetryPolicy.Decision.giveUp
  /// Whether an attempt may have been accepted without an answer.
  var wasInDoubt = false
  /// The side that a failed follow-up was about.
  var side: Side?

  /// Before the first attempt: what a row comes to when the run stops now.
  static let none = Delivery(
    receipt: Receipt(
      .retryable(after: nil), code: .stopped, detail: "the run stopped before this row was sent"),
    attempts: 0)

  /// Takes note of an inquiry that failed before anything could be sent.
  mutating func note(_ failure: StageFailure) {
    receipt = Receipt(
      failure.outcome, code: failure.code, detail: failure.detail, hint: failure.hint)
    attempts += 1
  }

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
  /// The class that decides on a repeat: a lost answer to a request that may be repeated counts as a failed one.
  ///
  /// Only 5xx, 408 and answers that never came: a complete answer that nobody can read will be no other next time.
  func outcomeForRepeating(_ safety: RepeatSafety) -> OutcomeClass {
    guard outcome == .inDoubt, safety == .idempotent, [.targetFailed, .noAnswer].contains(code)
    else { return outcome }
    return .retryable(after: nil)
  }
}
