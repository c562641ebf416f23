/// How a row in doubt was settled without sending it again.
public enum Settled: String, Sendable, CaseIterable {
  /// The target has it: it is not sent again.
  case accepted
  /// The target does not have it: it may be sent.
  case notAccepted = "not_accepted"
}
