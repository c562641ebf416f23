public import IntakeCore
import IntakeSystem

/// Takes rows out of a ledger: the file is written anew without them, so their bytes are gone.
public struct LedgerPruning: Sendable, Equatable {
  /// Rows that were taken out.
  public let removedRows: Int
  /// Lines that were taken out.
  public let removedLines: Int
  /// Lines that stay.
  public let keptLines: Int

  /// Takes out the settled rows whose last line is older than a moment, and the rows given by key.
  ///
  /// Rows in doubt stay however old they are, unless their key is given: forgetting them would send them again.
  /// A crash leaves the old file or the new one, whole.
  public static func run(
    _ path: String, olderThan limit: LedgerTime?, forgetting rows: [RowKey] = []
  ) async throws(JournalError) -> LedgerPruning {
    try await OwnThread.run { () throws(JournalError) in
      try LedgerPruning(path, limit, Set(rows.compactMap { Fingerprint($0.description) }))
    }
  }

  private init(
    _ path: String, _ limit: LedgerTime?, _ forgotten: Set<Fingerprint>
  ) throws(JournalError) {
    guard DurableFile.exists(path) else {
      throw JournalError("there is no ledger \(path): check the path")
    }
    // The lock is held until the new file has the name: whoever opens the old one meanwhile is refused.
    let file = try LedgerFile.openLocked(path)
    let content = try LedgerContent(of: file)
    _ = try LedgerRepair.cutTornEnd(of: file, after: content.tip)
    let index = content.index
    func isRemoved(_ key: Fingerprint) -> Bool {
      if forgotten.contains(key) { return true }
      guard let limit, let state = index[key], state.lastTime < limit else { return false }
      return state.standing != .inDoubt
    }
    let removed = index.states.count { isRemoved($0.key) }
    removedRows = removed
    guard removed > 0 else {
      (removedLines, keptLines) = (0, content.tip.count)
      return
    }
    var draft = try LedgerDraft(for: path)
    do throws(JournalError) {
      var scan = LedgerScan(file)
      _ = try scan.run { (record, _) throws(JournalError) in
        if let key = record.key, isRemoved(key) { return }
        try draft.add(record)
      }
    } catch {
      draft.discard()
      throw error
    }
    keptLines = draft.count
    removedLines = content.tip.count - keptLines
    try draft.publish(as: path)
  }
}
