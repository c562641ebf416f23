/// One step of a pipeline: takes a value and returns the next one.
///
/// It keeps no state between items, because several run through the same value at once. It throws a
/// `StageFailure` to say what the engine and the operator should do, or anything else, which fails that row.
public protocol Stage<Input, Output>: Plugin {
  /// What it takes.
  associatedtype Input: Sendable
  /// What it returns.
  associatedtype Output: Sendable

  /// Does the work for one item; runs on a thread that may block.
  func run(_ input: consuming Input, in context: StageContext) async throws -> Output
}

/// What a stage may know about the item it works on.
public struct StageContext: Sendable {
  /// The row.
  public let row: RowReference
  /// The side, while an image is worked on.
  public let side: Side?
  /// Bytes before base64 that this image may have at most, as the request leaves room for it; nil for no bound.
  public let imageBudget: Int?
  /// Seconds since 1970 at the start of the attempt; virtual in simulations.
  public let time: UnixTime
  private let sink: (@Sendable (LogLevel, String) -> Void)?

  /// Describes an item.
  public init(
    row: RowReference, side: Side? = nil, imageBudget: Int? = nil, time: UnixTime = 0,
    log: (@Sendable (LogLevel, String) -> Void)? = nil
  ) {
    self.row = row
    self.side = side
    self.imageBudget = imageBudget
    self.time = time
    self.sink = log
  }

  /// Tells the operator something about this item, on standard error; leave personal data out.
  public func log(_ level: LogLevel, _ message: String) { sink?(level, message) }

  /// The same context for one side with its share of the budget.
  public func forSide(_ side: Side, imageBudget: Int?) -> StageContext {
    StageContext(row: row, side: side, imageBudget: imageBudget, time: time, log: sink)
  }
}

/// How much a log line matters.
public enum LogLevel: String, Sendable, Comparable, CaseIterable {
  /// Details for the author of a stage, and what is going on; shown with `--verbose`.
  case debug, info
  /// Ordinary, and worth telling.
  case notice
  /// Something that people should look at.
  case warning
  /// Something that went wrong.
  case error

  /// Later levels matter more.
  public static func < (left: LogLevel, right: LogLevel) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}
