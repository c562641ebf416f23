import IntakeCore

/// Decides what to do with a row whose earlier attempt may have been accepted, before anything is sent again.
struct Settling: Sendable {
  let runner: Runner
  let sender: Sender

  /// The outcome of a row that is not sent, nil for one that is to be sent.
  func settle(_ submission: Submission, _ row: RowInProgress) async throws -> Outcome? {
    let journal = runner.pipeline.journal
    guard let key = row.key, await journal.standing(of: key) == .inDoubt else { return nil }
    switch runner.policy.ambiguous {
    case .resend: return nil
    case .hold: return held(row, "an earlier attempt may have been accepted (--ambiguous hold)")
    case .reconcile: return try await ask(submission, row)
    }
  }

  private func ask(_ submission: Submission, _ row: RowInProgress) async throws -> Outcome? {
    guard let inquiry = submission.target.inquiry(about: submission) else {
      return held(row, "an earlier attempt may have been accepted and this target cannot be asked")
    }
    let settlement: Settlement
    do {
      let response = try await sender.ask(inquiry, of: row)
      settlement = submission.target.settlement(of: response, about: submission)
    } catch let failure as StageFailure {
      settlement = .unknown(evidence: "asking the target failed: \(failure.detail)")
    }
    switch settlement {
    case .accepted(let evidence):
      var outcome = row.outcome(.accepted)
      outcome.receipt = Receipt(.accepted, detail: evidence)
      return outcome
    case .notAccepted(let evidence):
      row.log(.notice, "not accepted earlier: \(evidence); it is sent now")
      return nil
    case .unknown(let evidence): return held(row, evidence)
    }
  }

  private func held(_ row: RowInProgress, _ why: String) -> Outcome {
    row.outcome(.inDoubt, stage: "record", failure: StageFailure(.unsettled, why, outcome: .inDoubt))
  }
}
