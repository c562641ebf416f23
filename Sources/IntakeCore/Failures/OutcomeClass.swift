/// The closed set of classes that the engine acts on; stages and targets choose, only the runner decides what follows.
public enum OutcomeClass: Sendable, Equatable {
  /// The target has the row; a complete, recognised answer says so.
  case accepted
  /// This row is bad: sending it again unchanged will not help.
  case rejected
  /// Definitely not processed; may be sent again, after so many seconds where the server said so.
  case retryable(after: Double?)
  /// It may have been processed: nobody knows until the target is asked.
  case inDoubt
  /// The target is down or throttling: pause everybody, then try again after so many seconds.
  case yield(after: Double?)
  /// Every further row would fail alike: stop the run.
  case fatal
}

extension OutcomeClass {
  /// How a row ends whose last attempt ended so.
  public var verdict: Verdict {
    switch self {
    case .accepted: return .accepted
    case .rejected: return .rejected
    case .retryable, .yield, .fatal: return .failed
    case .inDoubt: return .inDoubt
    }
  }
}
