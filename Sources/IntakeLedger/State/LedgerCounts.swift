import IntakeCore

/// How many rows a ledger knows, by standing.
public struct LedgerCounts: Sendable, Equatable {
  /// Rows that the target has.
  public private(set) var accepted = 0
  /// Rows that the target does not have: refused, failed, or never sent.
  public private(set) var notAccepted = 0
  /// Rows that were sent without an answer.
  public private(set) var inDoubt = 0
  /// Rows that were begun and neither sent nor ended.
  public private(set) var unfinished = 0

  init(_ states: [RowState]) {
    for state in states {
      switch state.standing {
      case .accepted: accepted += 1
      case .notAccepted: notAccepted += 1
      case .inDoubt: inDoubt += 1
      case .unknown: unfinished += 1
      }
    }
  }

  /// All rows.
  public var total: Int { accepted + notAccepted + inDoubt + unfinished }

  mutating func add(_ other: LedgerCounts) {
    accepted += other.accepted
    notAccepted += other.notAccepted
    inDoubt += other.inDoubt
    unfinished += other.unfinished
  }
}
