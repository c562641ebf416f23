import IntakeCore
import IntakeSystem
import Synchronization

/// Settles or sends a row's request and its follow-ups: each step until it is decided, none twice.
struct Steps: Sendable {
  let ledger: any OpenLedger
  private let sending: Sending
  private let policy: RunPolicy
  private let customers = NamedLocks<Personal<String>>()
  private let control = Control()

  init(_ sending: Sending, _ ledger: any OpenLedger, _ policy: RunPolicy) {
    self.ledger = ledger
    self.sending = sending
    self.policy = policy
  }

  /// Sends a request and its follow-ups until they are decided, one customer's at a time.
  ///
  /// - Parameter earlier: this run's attempts with another request for the same row.
  /// - Throws: `JournalError` when the ledger cannot be written: nothing more may be sent.
  func send(
    _ submission: Submission, of row: Row, after earlier: Delivery = .none
  ) async throws -> Delivery {
    guard let known = row.known else { throw JournalError("a row without a ledger cannot be sent") }
    await customers.lock(submission.customer)
    defer { customers.unlock(submission.customer) }
    // Another row of the same customer may have been sent while this one was prepared.
    if !known.wasSentInThisRun, earlier.attempts == 0,
      try ledger.row(for: row.identity).wasSentInThisRun
    {
      return .conflict
    }
    guard !submission.followUps.isEmpty else {
      return try await send(0, of: submission, row, known, after: earlier)
    }
    var sum = Delivery(receipt: Receipt(.accepted))
    let done = known.stepsDone(of: submission)
    for step in 0...submission.followUps.count {
      let followUp = step == 0 ? nil : submission.followUps[step - 1]
      let name = followUp?.name ?? submission.operation
      if done.contains(step) {
        sum.receipt.steps.append(StepReport(name, .skipped))
        continue
      }
      let delivery = try await send(
        step, of: submission, row, known, after: step == 0 ? earlier : .none)
      sum.add(delivery, as: name, of: followUp)
      guard delivery.receipt.outcome == .accepted else { break }
      try await ledger.complete(step, of: submission, for: known.key)
    }
    return sum
  }

  /// Sends one step; before each attempt at a follow-up it asks the target for the address, because addresses expire.
  private func send(
    _ step: Int, of submission: Submission, _ row: Row, _ known: any KnownRow,
    after earlier: Delivery
  ) async throws -> Delivery {
    var (request, delivery) = (submission, earlier)
    repeat {
      if step > 0 {
        let followUp = submission.followUps[step - 1]
        guard let answer = await sending.ask(followUp.inquiry, of: row, &delivery) else { continue }
        do throws(StageFailure) {
          request = try submission.target.request(of: followUp, answeredBy: answer)
        } catch {
          delivery.add(Receipt(error))
          break
        }
      }
      let number = delivery.attempts + 1
      let next = try await sending.attempt(request, row, after: delivery) {
        if step > 0 { return try await ledger.begin(step, of: submission, for: known.key) }
        try await ledger.intend(submission, for: known.key, attempt: number)
      }
      guard let next else { break }
      delivery = next
    } while try await recordFailure(delivery, row)
    delivery.receipt = delivery.settled
    if delivery.receipt.outcome == .accepted { control.offer(submission) }
    return delivery
  }

  /// Records a failed attempt before the next one, unless it is in doubt; returns whether there is a next one.
  private func recordFailure(_ delivery: Delivery, _ row: Row) async throws -> Bool {
    if delivery.repeats, !delivery.wasInDoubt {
      try await ledger.record(row.failedAttempt(delivery))
    }
    return delivery.repeats
  }
}

// Rows in doubt.
extension Steps {
  /// The outcome of a row in doubt that is not sent; nil for a row that is to be sent.
  ///
  /// - Parameter accepted: finds a request that an earlier run has seen accepted.
  func settle(
    _ submission: Submission, of row: inout Row, accepted: () async -> Submission?
  ) async throws -> Outcome? {
    // `--ambiguous resend` decides for changed rows too: the newest content counts.
    guard let known = row.known, policy.ambiguous != .resend else { return nil }
    // A first attempt that arrives late could overwrite the second, so it is settled before anything is sent.
    guard known.isUnchanged(submission) else {
      return row.staysInDoubt(
        "the row was changed while an earlier attempt is in doubt", .changedInDoubt)
    }
    let done = known.stepsDone(of: submission)
    if done.contains(0) {
      // The target cannot be asked about a follow-up, but some may be repeated.
      let mayGoOn =
        policy.ambiguous == .reconcile && policy.mode == .send
        && submission.mayRepeatFollowUps(besides: done)
      return mayGoOn ? nil : row.staysInDoubt("a follow-up of the accepted request may be missing")
    }
    if policy.ambiguous == .hold {
      return row.staysInDoubt("an earlier attempt may have been accepted (--ambiguous hold)")
    }
    var settlement = await sending.settlement(of: submission, row)
    if case .differs(let parts) = settlement {
      settlement = await control.verdict(onDifferencesIn: parts, sending, row, accepted)
    }
    let outcome = try await outcome(of: settlement, submission, row, known.key)
    // The ledger knows now what the target's answer proved.
    row.known = try ledger.row(for: row.identity)
    return outcome
  }

  private func outcome(
    of settlement: Settlement, _ submission: Submission, _ row: Row, _ key: RowKey
  ) async throws -> Outcome? {
    switch settlement {
    case .differs(let parts): return row.staysInDoubt(Control.evidence(of: parts))
    case .unknown(let evidence): return row.staysInDoubt(evidence)
    case .notAccepted(let evidence):
      try await ledger.settle(key, as: settlement)
      row.log(.notice, "not accepted earlier: \(evidence)")
      return nil
    case .accepted(let evidence) where submission.followUps.isEmpty:
      try await ledger.settle(key, as: settlement)
      var outcome = row.outcome(.accepted)
      outcome.receipt = Receipt(.accepted, detail: evidence)
      return outcome
    case .accepted(let evidence):
      // The question was about the customer alone: the follow-ups are still to be sent.
      try await ledger.complete(0, of: submission, for: key)
      row.log(.notice, "accepted earlier: \(evidence)")
      guard policy.mode == .reconcile else { return nil }
      return row.notSent(
        .notAccepted, "the customer is there, what follows it is still to be sent",
        stage: "record")
    }
  }
}

extension Delivery {
  /// Not sent: only the operator knows which of two rows about one customer is right.
  fileprivate static let conflict = Delivery(
    receipt: Receipt(
      .rejected, code: .conflictingRow,
      detail: "an earlier row of this run is about the same customer"))

  /// Adds a step: a follow-up that failed gives the row its verdict, code and text; the rest stays that of the request.
  fileprivate mutating func add(_ step: Delivery, as name: String, of followUp: FollowUp?) {
    let new = step.receipt
    let report = StepReport(
      name, new.outcome.verdict, http: new.http, bodyBytes: new.bodyBytes)
    let reports = receipt.steps + [report]
    attempts += step.attempts
    seconds += step.seconds
    waited += step.waited
    wasInDoubt = step.wasInDoubt
    if let followUp, new.outcome != .accepted {
      (receipt.outcome, receipt.http, receipt.code) = (new.outcome, new.http, new.code)
      (receipt.message, receipt.hint, receipt.bodySize) = (new.message, new.hint, new.bodySize)
      (side, missing) = (followUp.side, "the customer is there, \(followUp.name) is not: ")
      explain(new.detail ?? new.code?.rawValue ?? "no answer")
    } else if followUp == nil {
      receipt = new
    }
    receipt.steps = reports
  }
}

/// Finds out, once a run, what the target returns as it was given: only there does a difference prove anything.
///
/// A target that re-encodes images, or writes names in capitals and "Street" as "ST", shows a difference for every row,
/// accepted ones included. So this asks about a request that is known to be accepted.
final class Control: Sendable {
  private struct State {
    var request: Submission?
    var kept: Set<String>?
  }

  private let state = Mutex(State())

  /// Keeps the first accepted request of this run; one is enough, because its body may have megabytes.
  func offer(_ request: Submission) {
    state.withLock { $0.request = $0.request ?? request }
  }

  /// What differences prove: that a request was not accepted if the target keeps these parts as they were sent; else
  /// nothing.
  ///
  /// - Parameter accepted: finds a request of an earlier run when this run has none.
  func verdict(
    onDifferencesIn parts: [String], _ sending: Sending, _ row: Row,
    _ accepted: () async -> Submission?
  ) async -> Settlement {
    if state.withLock({ $0.request }) == nil, let earlier = await accepted() { offer(earlier) }
    let (request, known) = state.withLock { ($0.request, $0.kept) }
    var kept = known
    if kept == nil, let request {
      kept = await sending.partsKept(of: request, row)
      state.withLock { [kept] in $0.kept = kept }
    }
    let evidence = Control.evidence(of: parts)
    guard kept?.isSuperset(of: parts) == true else {
      return .unknown(
        evidence: evidence
          + ", and no accepted row shows that the target keeps that as it was sent")
    }
    return .notAccepted(evidence: evidence)
  }

  static func evidence(of parts: [String]) -> String {
    "stored differs in " + parts.joined(separator: ", ")
  }
}

extension Submission {
  /// Whether every follow-up that is not done may be sent again.
  fileprivate func mayRepeatFollowUps(besides done: Set<Int>) -> Bool {
    followUps.enumerated().allSatisfy { number, followUp in
      done.contains(number + 1) || [.safe, .idempotent].contains(followUp.request.repeatSafety)
    }
  }
}
