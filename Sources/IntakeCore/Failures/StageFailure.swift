/// A failure that a stage explains: what the engine does about it, where it is, and the next step.
public struct StageFailure: Error, Sendable, Equatable {
  /// What the engine does about it.
  public let outcome: OutcomeClass
  /// The stable word.
  public let code: FailureCode
  /// One sentence on what is wrong, free of personal data; names the column or side.
  public let detail: String
  /// The next step for the operator; never empty.
  public let hint: String
  /// The column at fault, where it is one.
  public let column: ColumnName?
  /// The side at fault, where it is one.
  public let side: Side?
  /// The file at fault as the manifest gives it; shown to the operator, never kept.
  public let file: String?

  /// Describes a failure; by default the row is bad, and the hint is the code's own.
  public init(
    _ code: FailureCode, _ detail: String, hint: String? = nil, outcome: OutcomeClass = .rejected,
    column: ColumnName? = nil, side: Side? = nil, file: String? = nil
  ) {
    self.outcome = outcome
    self.code = code
    self.detail = detail
    self.hint = hint ?? code.hint
    self.column = column
    self.side = side
    self.file = file
  }

  /// The same failure with the image it is about, where that was not known before.
  public func about(side: Side, file: String?) -> StageFailure {
    StageFailure(
      code, detail, hint: hint, outcome: outcome, column: column, side: self.side ?? side,
      file: self.file ?? file)
  }
}

extension StageFailure: CustomStringConvertible {
  /// `code: detail (hint)`.
  public var description: String { "\(code): \(detail) (\(hint))" }
}

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
