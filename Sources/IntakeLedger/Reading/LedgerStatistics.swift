import IntakeCore

/// Counts and dates of a ledger.
public struct LedgerStatistics: Sendable, Equatable {
  /// Rows by standing.
  public let rows: LedgerCounts
  /// Rows that are not accepted, by the code of their last outcome.
  public let codes: [String: Int]
  /// Lines of the file.
  public let lines: Int
  /// The receiving API, nil for an empty ledger.
  public let target: String?
  /// The operations that rows were sent for, sorted.
  public let operations: [String]
  /// The parts of the manifest that the runs took, sorted; empty when they took all of it.
  public let shards: [String]
  /// The part that the ledger was begun for, which binds every later run; nil when that was no part only.
  public let shard: String?
  /// How often the ledger was opened by a run.
  public let runs: Int
  /// When the first run opened it.
  public let first: LedgerTime?
  /// When the last line about a row, or of a run, was written.
  public let last: LedgerTime?

  init(_ content: LedgerContent, in file: any JournalFile) {
    let states = content.index.states
    rows = LedgerCounts(states)
    lines = content.tip.count
    target = content.head?.target.map { LedgerWord.decoded($0) }
    operations = content.operations.sorted()
    shards = Set(content.runs.compactMap(\.shard)).sorted()
    shard = content.head?.shard
    runs = content.runs.count
    first = content.head?.time
    last = (states.map(\.lastTime) + content.runs.map(\.time)).max()
    var codes: [String: Int] = [:]
    for state in states where state.standing != .accepted && state.hasOutcome {
      // What an attempt before said is not why the row is in doubt.
      guard !state.isUnanswered, let code = LedgerRecord(at: state.outcomeOffset, of: file)?.code
      else { continue }
      codes[code, default: 0] += 1
    }
    self.codes = codes
  }
}
