/// A receiving API: all that differs between vendors besides the body's layout.
public protocol Target: Sendable {
  /// Short name, as in `--to`: `dcams`, `noah`.
  var name: String { get }

  /// Checks credentials and endpoint before anything is read or sent.
  ///
  /// - Throws: `StageFailure` with a hint that says what to correct.
  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure)

  /// The request to send: secrets in their places, signed if the vendor wants that; called once an attempt.
  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest

  /// What a complete answer means.
  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt

  /// A better next step than the code's own after an answer that means the same everywhere (401, 403, 413 …).
  ///
  /// `clockSkew` is how many seconds the target's clock is ahead of this machine's, nil when it does not say.
  func hint(for response: HTTPResponse, clockSkew: Double?) -> String?

  /// The request of a follow-up with its address, as the answer to the follow-up's inquiry tells it.
  ///
  /// - Throws: `StageFailure` when the answer holds none.
  func request(of followUp: FollowUp, toldBy response: HTTPResponse) throws(StageFailure)
    -> Submission

  /// A read-only request that tells what became of a submission in doubt, nil when the API has none.
  func inquiry(about submission: Submission) -> Submission?

  /// The next question after an answer that proves nothing by itself, nil when it settles the matter.
  func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission?

  /// What the answer to the last inquiry proves about the submission.
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement
}

extension Target {
  /// No check by default.
  public func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {}
  /// No follow-ups by default.
  public func request(of followUp: FollowUp, toldBy response: HTTPResponse)
    throws(StageFailure) -> Submission
  {
    throw StageFailure(.internalError, "this target has no follow-ups", outcome: .rejected)
  }
  /// The code's own hint by default.
  public func hint(for response: HTTPResponse, clockSkew: Double?) -> String? { nil }
  /// One question by default.
  public func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission? { nil }
  /// No inquiry by default: rows in doubt are held.
  public func inquiry(about submission: Submission) -> Submission? { nil }
  /// Nothing is proved by default.
  public func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    .unknown(evidence: "this target cannot be asked")
  }
}

/// Seconds since 1970-01-01 00:00 UTC, with fractions.
public typealias UnixTime = Double

/// What asking the target proved about a row in doubt; the evidence is a short text without personal data.
public enum Settlement: Sendable, Equatable {
  /// The target has it.
  case accepted(evidence: String)
  /// The target does not have it: it may be sent.
  case notAccepted(evidence: String)
  /// The answer proves neither.
  case unknown(evidence: String)
}
