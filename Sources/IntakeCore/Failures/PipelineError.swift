/// The one error that leaves the pipeline: what failed, in which stage, with which row.
public struct PipelineError: Error, Sendable {
  /// The name of the stage that threw.
  public let stage: String
  /// The row.
  public let row: RowReference
  /// What the engine acts on; made from `underlying` when a stage threw something of its own.
  public let failure: StageFailure
  /// What the stage threw.
  public let underlying: any Error

  /// Wraps whatever a stage threw; an error that is wrapped already stays as it is.
  public init(stage: String, row: RowReference, underlying: any Error) {
    if let wrapped = underlying as? PipelineError {
      self = wrapped
      return
    }
    self.stage = stage
    self.row = row
    self.underlying = underlying
    failure = PipelineError.failure(for: underlying, in: stage)
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

  /// The same error with the image that it is about.
  public func about(side: Side, file: String) -> PipelineError {
    PipelineError(self, failure.about(side: side, file: file))
  }

  private init(_ error: PipelineError, _ failure: StageFailure) {
    (stage, row, underlying) = (error.stage, error.row, error.underlying)
    self.failure = failure
  }
}

// What the log says about errors that are no failures of a row.
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
