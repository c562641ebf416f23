public import IntakeCore

/// Hears what happens during a run; called from many threads, one call after the other per row.
public protocol RunObserver: Sendable {
  /// A row has ended and is on disk.
  func finished(_ outcome: Outcome)
  /// A request is complete and was not sent, for this is a dry run or a check.
  func prepared(_ submission: Submission, outcome: Outcome)
  /// A row waits before its next attempt; `asked` when the server said how long.
  func waiting(seconds: Double, asked: Bool, row: RowReference)
  /// A value has gone through a stage.
  func passed(_ stage: String, input: any Sendable, output: any Sendable, row: RowReference)
  /// Something to tell the operator.
  func log(_ level: LogLevel, _ message: String, row: RowReference?)
}

extension RunObserver {
  /// Nobody taps the pipeline.
  public func passed(
    _ stage: String, input: any Sendable, output: any Sendable, row: RowReference
  ) {}
}
