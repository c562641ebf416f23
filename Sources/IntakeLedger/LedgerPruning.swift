package import IntakeCore
import IntakeSystem

/// Takes rows out of a ledger: the file is written again without them, so their bytes are gone.
package struct LedgerPruning: Sendable, Equatable {
  /// Rows that were taken out.
  package let removedRows: Int
  /// Lines that were taken out.
  package let removedLines: Int
  /// Lines that stay.
  package let keptLines: Int

  /// Takes out the settled rows whose last line is older than a moment, and the rows given by key.
  ///
  /// Rows in doubt stay however old they are, unless their key is given: forgetting them would send them again.
  /// A crash leaves the old file or the new one, whole.
  package static func run(
    _ path: String, olderThan limit: UTCTime?, forgetting rows: [RowKey] = []
  ) async throws(JournalError) -> LedgerPruning {
    try await onOwnThread { () throws(JournalError) in
      try LedgerPruning(path, limit, Set(rows.compactMap { Fingerprint($0.description) }))
    }
  }

  private init(
    _ path: String, _ limit: UTCTime?, _ forgotten: Set<Fingerprint>
  ) throws(JournalError) {
    guard DurableFile.exists(path) else {
      throw JournalError("there is no ledger \(path): check the path")
    }
    // The lock is held until the new file has the name: whoever opens the old one meanwhile is refused.
    let file = try LedgerFile.openLocked(path)
    let content = try LedgerContent(of: file)
    _ = try LedgerFile.cutTornEnd(of: file, after: content.tip)
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
    keptLines = try LedgerDraft.publish(as: path) { (draft) throws(JournalError) in
      try draft.add(linesOf: file) { $0.key.map(isRemoved) != true }
    }
    removedLines = content.tip.count - keptLines
  }
}

/// A new ledger under another name, written in large pieces and given its real name when it is whole on disk.
struct LedgerDraft {
  private let file: AppendOnlyFile
  private var tip = LedgerTip()
  private var buffer: [UInt8] = []

  /// Writes a ledger; an old one of that name is replaced at the instant at which the new one is whole on disk.
  ///
  /// - Returns: how many lines it has.
  static func publish(
    as path: String, _ write: (inout LedgerDraft) throws(JournalError) -> Void
  ) throws(JournalError) -> Int {
    var draft = try LedgerDraft(for: path)
    do throws(JournalError) {
      try write(&draft)
      try draft.flush()
    } catch {
      try? DurableFile.remove(draft.file.path)
      throw error
    }
    let file = draft.file
    try JournalError.explaining("ledger \(path) cannot be replaced") {
      () throws(SystemCallFailure) in
      try file.synchronize()
      try DurableFile.rename(file.path, to: path)
    }
    return draft.tip.count
  }

  /// Starts a file beside the final one; what a crash left of an earlier draft is replaced.
  private init(for path: String) throws(JournalError) {
    file = try JournalError.explaining("a new file beside ledger \(path) cannot be written") {
      () throws(SystemCallFailure) in
      let draft = path + ".draft"
      try DurableFile.remove(draft)
      return try AppendOnlyFile.open(draft, .creating)
    }
  }

  /// Adds a line with the next number; when the file gets its name, all of it is on disk.
  mutating func add(_ record: LedgerRecord) throws(JournalError) {
    let line = record.line(number: tip.count, synced: tip.count, after: tip.checksum)
    tip.advance(by: line.bytes.count, checksum: line.checksum)
    buffer += line.bytes
    if buffer.count >= LineReader.chunk { try flush() }
  }

  /// Adds the lines of a ledger, or those of them that are wanted.
  mutating func add(
    linesOf ledger: any JournalFile, where isWanted: (LedgerRecord) -> Bool = { _ in true }
  ) throws(JournalError) {
    var scan = LedgerScan(ledger)
    _ = try scan.run { (record, _) throws(JournalError) in
      if isWanted(record) { try add(record) }
    }
  }

  private mutating func flush() throws(JournalError) {
    let bytes = buffer
    buffer.removeAll(keepingCapacity: true)
    try JournalError.explaining(
      "the new ledger \(file.path) cannot be written", try file.append(bytes))
  }
}
