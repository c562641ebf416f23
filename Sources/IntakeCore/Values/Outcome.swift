/// How one row ended: what `Record` writes, for good and bad rows alike.
public struct Outcome: Sendable {
  /// The row.
  public let row: RowReference
  /// The row's key in the ledger, where one was made.
  public var key: RowKey?
  /// How it ended.
  public let verdict: Verdict
  /// The stage that failed, for all but accepted and skipped rows.
  public var stage: String?
  /// Why, for all but accepted rows.
  public var failure: StageFailure?
  /// Every further problem of the row that was found in the same pass.
  public var further: [StageFailure] = []
  /// What the target answered, where it did.
  public var receipt: Receipt?
  /// Attempts to send in this run.
  public var attempts = 0
  /// What was sent of each side.
  public var images: [Side: ShrinkReport] = [:]
  /// Milliseconds spent in each stage, in pipeline order.
  public var timings: [StageTiming] = []

  /// Describes how a row ended.
  public init(row: RowReference, key: RowKey?, verdict: Verdict) {
    self.row = row
    self.key = key
    self.verdict = verdict
  }
}

/// The five ways a row can end, as results and summary name them.
public enum Verdict: String, Sendable, Hashable, CaseIterable {
  /// The target has it.
  case accepted
  /// The target or a check refused this row.
  case rejected
  /// Not sent, or definitely not accepted; may be sent again.
  case failed
  /// It may have been accepted.
  case inDoubt = "in_doubt"
  /// Accepted by an earlier run.
  case skipped
}

/// A row's name in the ledger: an HMAC of its identity, so it tells nothing about the customer.
public struct RowKey: Sendable, Hashable, CustomStringConvertible {
  /// URL-safe text, 22 characters.
  public let description: String

  /// Takes a key as a recorder made or read it.
  public init(_ text: String) { description = text }
}

/// How long a stage took.
public struct StageTiming: Sendable, Hashable {
  /// The name of the stage or role.
  public let stage: String
  /// Milliseconds.
  public let milliseconds: Double

  /// Pairs a stage with its time.
  public init(stage: String, milliseconds: Double) {
    self.stage = stage
    self.milliseconds = milliseconds
  }
}
