/// A failure that a stage explains: what the engine does about it, where it is, and the next step.
public struct StageFailure: Error, Sendable, Equatable {
  /// What the engine does about it.
  public let outcome: OutcomeClass
  /// The stable word.
  public let code: FailureCode
  /// One sentence on what is wrong, free of personal data; names the column or side.
  public private(set) var detail: String
  /// The next step for the operator; never empty.
  public var hint: String
  /// The column at fault, where it is one.
  public let column: ColumnName?
  /// The side at fault, where it is one.
  public private(set) var side: Side?
  /// The file at fault as the manifest gives it; shown to the operator, never kept.
  public private(set) var file: String?
  /// An existing file that may be meant instead; shown wherever `file` is.
  public let similar: String?
  /// What to add to the command line to put it right, where that is possible.
  public let remedy: [String]

  /// Describes a failure; by default the row is bad, and the hint is the code's own.
  public init(
    _ code: FailureCode, _ detail: String, hint: String? = nil, outcome: OutcomeClass = .rejected,
    column: ColumnName? = nil, side: Side? = nil, file: String? = nil, similar: String? = nil,
    remedy: [String] = []
  ) {
    self.outcome = outcome
    self.code = code
    self.detail = detail
    self.hint = hint ?? code.hint
    self.column = column
    self.side = side
    self.file = file
    self.similar = similar
    self.remedy = remedy
  }

  /// A cell that must not be empty, and why: `the path needs it`.
  public static func missing(_ column: ColumnName, _ reason: String) -> StageFailure {
    StageFailure(
      .missingValue, "column \"\(column)\" is empty, and \(reason)", column: column)
  }

  /// A cell with what is wrong with it: `isn't a valid e-mail address`.
  public static func invalid(_ column: ColumnName, _ complaint: String) -> StageFailure {
    StageFailure(.invalidValue, "column \"\(column)\" \(complaint)", column: column)
  }

  /// The same failure with the image it is about, where that was not known before; the detail begins with its side.
  public func about(side: Side, file: String?) -> StageFailure {
    var failure = self
    let name = (self.side ?? side).rawValue
    if !detail.hasPrefix(name) { failure.detail = "\(name): \(detail)" }
    failure.side = self.side ?? side
    failure.file = self.file ?? file
    return failure
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
  /// How a row ends if its last attempt ended like this.
  public var verdict: Verdict {
    switch self {
    case .accepted: return .accepted
    case .rejected: return .rejected
    case .retryable, .yield, .fatal: return .failed
    case .inDoubt: return .inDoubt
    }
  }
}

/// The one error that leaves the pipeline: what failed, in which stage, with which row.
public struct PipelineError: Error, Sendable {
  /// The name of the stage that threw.
  public let stage: String
  /// The row.
  public let row: RowReference
  /// What the engine acts on; made from `underlying` when a stage threw something of its own.
  public private(set) var failure: StageFailure
  /// What the stage threw.
  public let underlying: any Error

  /// Wraps whatever a stage threw; an error that is wrapped already stays as it is.
  public init(stage: String, row: RowReference, underlying: any Error) {
    if let wrapped = underlying as? PipelineError {
      self = wrapped
    } else {
      self.stage = stage
      self.row = row
      self.underlying = underlying
      failure = PipelineError.failure(for: underlying, in: stage)
    }
  }

  private static func failure(for error: any Error, in stage: String) -> StageFailure {
    switch error {
    case let failure as StageFailure: return failure
    case is CancellationError:
      return StageFailure(
        .stopped, "the run stopped before this row was done", outcome: .retryable(after: nil))
    default:
      // The text of a foreign error may hold anything, a name or a path: only its type is shown.
      return StageFailure(.stageFailed, "\(stage) threw \(type(of: error))")
    }
  }

  /// The stable word.
  public var code: FailureCode { failure.code }

  /// The same error with the image that it is about; a stop is about none.
  public func about(side: Side, file: String) -> PipelineError {
    guard !(underlying is CancellationError) else { return self }
    var error = self
    error.failure = failure.about(side: side, file: file)
    return error
  }
}

// What the log says about errors other than failures of a row.
extension PipelineError {
  /// Whether the stage threw something of its own, which the log has to explain.
  public var isForeign: Bool { !(underlying is StageFailure || underlying is CancellationError) }

  /// `shrink threw CodecError: …`.
  public var logText: String { "\(stage) threw \(PipelineError.logText(of: underlying))" }

  /// The type of an error; its text only where it is one of the program's own, because a foreign text may hold anything.
  public static func logText(of error: any Error) -> String {
    let text = (error as? any PrintableError).map { ": \($0)" } ?? ""
    return "\(type(of: error))\(text)"
  }
}

/// An error whose description holds nothing personal, so that a log may show it.
public protocol PrintableError: Error, CustomStringConvertible {}

extension JournalError: PrintableError {}
extension OptionError: PrintableError {}
extension StageFailure: PrintableError {}

extension PipelineError: CustomStringConvertible {
  /// `line 12: shrink: cannot_fit: …`.
  public var description: String { "line \(row.line): \(stage): \(failure)" }
}
