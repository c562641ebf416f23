import IntakeCore

// A row's request and what follows it: each step until it is decided, none twice.
extension Sender {
  /// Sends a request and its follow-ups until they are decided; one operation per customer at a time.
  ///
  /// - Parameter earlier: the attempts of this run with another request for the same row.
  /// - Throws: `JournalError` when the ledger cannot be written: nothing more may be sent.
  func send(
    _ submission: Submission, of row: RowInProgress, after earlier: Delivery = .none
  ) async throws -> Delivery {
    guard let key = row.key else { throw JournalError("a row without a ledger cannot be sent") }
    await customers.lock(submission.customer)
    defer { customers.unlock(submission.customer) }
    guard !submission.followUps.isEmpty else {
      return try await deliver(submission, row, key, after: earlier)
    }
    var chain = StepChain(submission)
    let done = await pipeline.journal.stepsDone(of: submission, for: key)
    for step in 0...submission.followUps.count {
      if done.contains(step) {
        chain.skip(step)
        continue
      }
      let delivery =
        step == 0
        ? try await deliver(submission, row, key, after: earlier)
        : try await deliver(submission.followUps[step - 1], step, of: submission, row, key)
      chain.add(delivery, of: step)
      guard delivery.receipt.outcome == .accepted else { break }
      try await pipeline.journal.complete(step, of: submission, for: key)
    }
    return chain.delivery
  }

  /// Whether an earlier run sent this row and saw it refused.
  private func isKnownBad(_ key: RowKey) async -> Bool {
    guard await pipeline.journal.standing(of: key) == .notAccepted else { return false }
    return await pipeline.journal.lastOutcome(of: key)?.verdict == .rejected
  }

  private func deliver(
    _ submission: Submission, _ row: RowInProgress, _ key: RowKey, after earlier: Delivery
  ) async throws -> Delivery {
    let isKnownBad = await isKnownBad(key)
    var delivery = earlier
    repeat {
      let number = delivery.attempts + 1
      let next = try await attempt(submission, row, after: delivery, isKnownBad: isKnownBad) {
        try await self.pipeline.journal.intend(submission, for: key, attempt: number)
      }
      guard let next else { break }
      delivery = next
    } while try await waitToRepeat(delivery, row)
    delivery.receipt = delivery.settled
    return delivery
  }

  private func deliver(
    _ followUp: FollowUp, _ step: Int, of submission: Submission, _ row: RowInProgress,
    _ key: RowKey
  ) async throws -> Delivery {
    var delivery = Delivery.none
    repeat {
      let request: Submission
      do {
        let response = try await ask(followUp.inquiry, of: row)
        request = try submission.target.request(of: followUp, toldBy: response)
      } catch let failure as StageFailure {
        delivery.note(failure)
        delivery.decision = repeating(delivery)
        continue
      }
      let next = try await attempt(request, row, after: delivery, isKnownBad: false) {
        try await self.pipeline.journal.begin(step, of: submission, for: key)
      }
      guard let next else { break }
      delivery = next
    } while try await waitToRepeat(delivery, row)
    delivery.receipt = delivery.settled
    return delivery
  }
}

/// Adds up the steps of one row.
private struct StepChain {
  private let submission: Submission
  private var reports: [StepReport]
  private var sum = Delivery(receipt: Receipt(.accepted), attempts: 0)

  init(_ submission: Submission) {
    self.submission = submission
    reports = []
  }

  private func name(_ step: Int) -> String {
    step == 0 ? submission.operation : submission.followUps[step - 1].name
  }

  mutating func skip(_ step: Int) { reports.append(StepReport(name(step), .skipped)) }

  mutating func add(_ delivery: Delivery, of step: Int) {
    let receipt = delivery.receipt
    reports.append(
      StepReport(
        name(step), receipt.outcome.verdict, http: receipt.http, bodyBytes: receipt.bodyBytes))
    sum.attempts += delivery.attempts
    sum.milliseconds += delivery.milliseconds
    sum.wasInDoubt = delivery.wasInDoubt
    if step == 0 {
      sum.receipt = receipt
    } else if receipt.outcome != .accepted {
      fail(receipt, submission.followUps[step - 1])
    }
  }

  /// The row fails with what its follow-up said; type and size stay those of the request.
  private mutating func fail(_ receipt: Receipt, _ followUp: FollowUp) {
    var failed = sum.receipt
    failed.outcome = receipt.outcome
    failed.http = receipt.http
    failed.code = receipt.code
    failed.detail =
      "the customer is there, \(followUp.name) is not: "
      + (receipt.detail ?? receipt.code?.rawValue ?? "no answer")
    failed.hint = receipt.hint
    sum.receipt = failed
    sum.side = followUp.side
  }

  var delivery: Delivery {
    var delivery = sum
    delivery.receipt.steps = reports
    return delivery
  }
}
