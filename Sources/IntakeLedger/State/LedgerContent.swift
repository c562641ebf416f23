import IntakeCore
import IntakeSystem

/// What a ledger holds, read and checked from its first line to its last good one.
struct LedgerContent {
  let index: LedgerIndex
  let tip: LedgerTip
  /// The first line, which says what the ledger is about; nil for an empty ledger.
  let head: LedgerRecord?
  /// The lines of the runs; the line of a merge is none.
  let runs: [LedgerRecord]
  /// Every operation that rows were sent for.
  let operations: Set<String>

  init(of file: any JournalFile) throws(JournalError) {
    // A row takes about two lines of 250 bytes; an estimate that is too low only costs time.
    let size = (try? file.size()) ?? 0
    var index = LedgerIndex(expecting: size / 500)
    var head: LedgerRecord?
    var runs: [LedgerRecord] = []
    var operations: Set<String> = []
    // Most lines name the operation of the line before: comparing is ten times cheaper than hashing.
    var last = ""
    var scan = LedgerScan(file)
    tip = try scan.run { (record, offset) throws(JournalError) in
      if offset == 0 { head = record }
      if record.kind == .open, record.tool != LedgerMerge.tool { runs.append(record) }
      if let operation = record.operation, operation != last {
        operations.insert(operation)
        last = operation
      }
      index.apply(record, at: offset)
    }
    (self.index, self.head) = (index, head)
    (self.runs, self.operations) = (runs, operations)
  }

  /// Refuses a ledger that is about something else, or whose keys are not those in the key file.
  func check(target: String, keys: KeyRing, path: String) throws(JournalError) {
    guard let head else { return }
    guard head.kind == .open, let known = head.target else {
      throw JournalError(
        "ledger \(path) does not begin with the line of a run: it is no whole ledger; restore it from a backup"
      )
    }
    guard known == target else {
      throw JournalError(
        "ledger \(path) is about \(known), not \(target): name another ledger for this target")
    }
    guard head.keyProof == keys.proof() else {
      throw JournalError(
        "the key file \(KeyRing.path(for: path)) belongs to another ledger: with it no row would be "
          + "recognised and all would be sent again. Restore the right one")
    }
  }

  /// Refuses a run over another part of the manifest than the ledger was begun for.
  ///
  /// The rows of the other parts are in other ledgers: taken for new ones here, they would be sent twice.
  func check(shard: String?, path: String) throws(JournalError) {
    guard let known = head?.shard, known != shard else { return }
    throw JournalError(
      "ledger \(path) is of shard \(known), and this run takes \(shard.map { "shard \($0)" } ?? "all rows"): "
        + "rows that other ledgers hold would be sent twice. Give --shard \(known), or name another ledger"
    )
  }
}
