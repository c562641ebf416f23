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

  /// Wraps whatever a stage threw.
  public init(stage: String, row: RowReference, underlying: any Error) {
    self.stage = stage
    self.row = row
    self.underlying = underlying
    switch underlying {
    case let failure as StageFailure: self.failure = failure
    case is CancellationError:
      failure = StageFailure(
        .stopped, "the run stopped before this row was done", outcome: .retryable(after: nil))
    default:
      // The text of a foreign error may hold anything, a name or a path: only its type is told.
      failure = StageFailure(.stageFailed, "\(stage) threw \(type(of: underlying))")
    }
  }

  /// The stable word.
  public var code: FailureCode { failure.code }
}

extension PipelineError: CustomStringConvertible {
  /// `line 12: shrink: cannot_fit: …`.
  public var description: String { "line \(row.line): \(stage): \(failure)" }
}
