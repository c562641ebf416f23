/// A step after a request was accepted: something of the same row that goes to an address the target tells first.
///
/// The runner asks anew at each attempt, for such addresses expire, and remembers each step that is done.
public struct FollowUp: Sendable {
  /// What it brings, as results and ledger name it: letters, digits, `.`, `-` and `_`; at most 32 bytes.
  public let name: String
  /// The side it brings, where it is an image.
  public let side: Side?
  /// The read-only request whose answer tells the address.
  public let inquiry: Submission
  /// The request itself, complete but for the address.
  public let request: Submission

  /// Describes a step.
  public init(name: String, side: Side?, inquiry: Submission, request: Submission) {
    self.name = name
    self.side = side
    self.inquiry = inquiry
    self.request = request
  }
}

/// What became of one step of a row that takes several.
public struct StepReport: Sendable {
  /// The operation's name for the request itself, the follow-up's for each further step.
  public let name: String
  /// How it ended; `skipped` when an earlier run has done it.
  public var verdict: Verdict
  /// Status code of the last answer.
  public var http: Int?
  /// Bytes of its body.
  public var bodyBytes: Int

  /// Describes how a step ended.
  public init(_ name: String, _ verdict: Verdict, http: Int? = nil, bodyBytes: Int = 0) {
    self.name = name
    self.verdict = verdict
    self.http = http
    self.bodyBytes = bodyBytes
  }
}
