import IntakeCore

/// Decides what to do with a row whose earlier attempt may have been accepted, before anything is sent again.
struct Settling: Sendable {
  let runner: Runner
  let sender: Sender

  /// The outcome of a row that is not sent, nil for one that is to be sent.
  func settle(_ submission: Submission, _ row: RowInProgress) async throws -> Outcome? {
    let journal = runner.pipeline.journal
    guard let key = row.key, await journal.standing(of: key) == .inDoubt else { return nil }
    // Whoever asks for a second sending has decided for changed rows too: the newest content counts.
    if runner.policy.ambiguous == .resend { return nil }
    guard await journal.isUnchanged(submission, for: key) else { return changed(row) }
    let done = await journal.stepsDone(of: submission, for: key)
    if done.contains(0) { return rest(row, of: submission, done) }
    switch runner.policy.ambiguous {
    case .resend: return nil
    case .hold: return held(row, "an earlier attempt may have been accepted (--ambiguous hold)")
    case .reconcile: return try await ask(submission, row)
    }
  }

  private func unfinished(_ row: RowInProgress) -> Outcome {
    row.outcome(
      .failed, stage: "record",
      failure: StageFailure(
        .notAccepted, "the customer is there, what follows it is still to be sent",
        outcome: .retryable(after: nil)))
  }

  /// The request itself was accepted; a follow-up cannot be asked about, and may be repeated instead.
  private func rest(_ row: RowInProgress, of submission: Submission, _ done: Set<Int>) -> Outcome? {
    let mayRepeat = submission.followUps.enumerated().allSatisfy { number, followUp in
      done.contains(number + 1) || [.safe, .idempotent].contains(followUp.request.repeatSafety)
    }
    let isHeld =
      runner.policy.ambiguous == .hold || runner.policy.mode == .reconcile || !mayRepeat
    return isHeld ? held(row, "a follow-up of the accepted request may be missing") : nil
  }

  private func ask(_ submission: Submission, _ row: RowInProgress) async throws -> Outcome? {
    guard let inquiry = submission.target.inquiry(about: submission) else {
      return held(row, "an earlier attempt may have been accepted and this target cannot be asked")
    }
    let settlement = try await settlement(of: submission, asking: inquiry, row)
    if let key = row.key {
      if case .accepted(let evidence) = settlement, !submission.followUps.isEmpty {
        // The customer alone was asked about: what follows it is still to be sent.
        try await runner.pipeline.journal.complete(0, of: submission, for: key)
        row.log(.notice, "accepted earlier: \(evidence)")
        return runner.policy.mode == .reconcile ? unfinished(row) : nil
      }
      try await runner.pipeline.journal.settle(key, as: settlement)
    }
    switch settlement {
    case .accepted(let evidence):
      var outcome = row.outcome(.accepted)
      outcome.receipt = Receipt(.accepted, detail: evidence)
      return outcome
    case .notAccepted(let evidence):
      row.log(.notice, "not accepted earlier: \(evidence)")
      return nil
    case .unknown(let evidence): return held(row, evidence)
    }
  }

  /// A late first attempt could overwrite what a second one brings, so nothing is sent before the first is settled.
  private func changed(_ row: RowInProgress) -> Outcome {
    let detail = "the row was changed while an earlier attempt is in doubt"
    return row.outcome(
      .inDoubt, stage: "record", failure: StageFailure(.changedInDoubt, detail, outcome: .inDoubt))
  }

  /// Asks until an answer settles the matter; a target that wants more than three questions goes round in circles.
  private func settlement(
    of submission: Submission, asking first: Submission, _ row: RowInProgress
  ) async throws -> Settlement {
    let target = submission.target
    var inquiry = first
    do {
      for _ in 1...3 {
        let response = try await sender.answer(to: inquiry, of: row)
        guard let next = target.inquiry(after: response, to: inquiry, about: submission) else {
          return target.settlement(of: response, about: submission)
        }
        inquiry = next
      }
      return .unknown(evidence: "three answers of the target settled nothing")
    } catch let failure as StageFailure {
      // Refused credentials would be refused for every further row, and lock the account.
      if failure.outcome == .fatal { runner.stop.request(.soon, reason: failure.detail) }
      return .unknown(evidence: "asking the target failed: \(failure.detail)")
    }
  }

  private func held(_ row: RowInProgress, _ why: String) -> Outcome {
    row.outcome(
      .inDoubt, stage: "record", failure: StageFailure(.unsettled, why, outcome: .inDoubt))
  }
}
