package import IntakeCore
import IntakeSystem

/// Joins the ledgers of several machines into one like any other: it can be read, continued and merged.
package struct LedgerMerge: Sendable {
  /// Lines of the new ledger.
  package let lines: Int
  /// Rows by standing.
  package let rows: LedgerCounts
  /// How many shards there are, of which none is missing; nil when the runs took the whole manifest.
  package let shards: Int?
  /// The ledgers with the last run of each; nil for one that was merged and not continued.
  package let parts: [(path: String, lastRun: LedgerRun?)]

  /// The ledgers whose last run was killed, or stopped before the end of its part.
  package var unfinished: [String] {
    parts.filter { [.killed, .stopped].contains($0.lastRun?.ending) }.map(\.path)
  }

  /// Writes the ledger `output` with its key file.
  ///
  /// - Throws: `JournalError` when a shard is missing or there twice, when two ledgers know the same row, when
  ///   they are about different targets, when one is in use or damaged, or when `output` is there already.
  package static func run(
    _ inputs: [String], output: String,
    sharedKeys: @escaping @Sendable (String) -> String? = { _ in nil }
  ) async throws(JournalError) -> LedgerMerge {
    try await onOwnThread { () throws(JournalError) in
      try LedgerMerge(
        inputs.map { path throws(JournalError) in try locked(path, sharedKeys) }, output)
    }
  }

  private init(_ ledgers: [LedgerReader], _ output: String) throws(JournalError) {
    guard let first = ledgers.first else { throw JournalError("there is no ledger to merge") }
    guard !DurableFile.exists(output) else { throw LedgerMerge.isThere(output) }
    if let other = ledgers.first(where: { $0.head?.target != first.head?.target }) {
      throw JournalError(
        "ledger \(first.path) is about \(first.target ?? "-"), and \(other.path) about \(other.target ?? "-"): "
          + "merge ledgers of one target only")
    }
    try LedgerMerge.checkRows(of: ledgers)
    shards = try LedgerMerge.checkShards(of: ledgers)
    parts = ledgers.map { ledger in
      var run = ledger.runs.last
      run?.hasEnded = true
      return (ledger.path, run)
    }
    rows = LedgerCounts(ledgers.lazy.flatMap(\.index.states))
    let keys = KeyRing(
      joining: try ledgers.map { ledger throws(JournalError) in try ledger.keys() })
    // The batch began when its first shard did, not when the ledgers were joined.
    var head = LedgerRecord(.open, at: ledgers.compactMap(\.first).min() ?? .now())
    (head.tool, head.target, head.keyProof) = (LedgerMerge.tool, first.head?.target, keys.proof())
    lines = try LedgerDraft.write(beside: output) { [head] (draft) throws(JournalError) in
      try draft.add(head)
      for ledger in ledgers { try draft.add(linesOf: ledger.file) }
    } publish: { (draft) throws(JournalError) in
      // The same command after a crash finds its own keys.
      let place = KeyPlaces(of: output).own
      guard try KeyRing.readOrMake(place, keys).proof() == keys.proof() else {
        throw LedgerMerge.isThere(place)
      }
      do throws(SystemCallFailure) {
        // Not `rename`: a run may have begun a ledger of that name.
        try draft.publish(as: output)
      } catch {
        guard error.code != SystemCallFailure.exists else { throw LedgerMerge.isThere(output) }
        throw JournalError(
          "the new ledger \(output) cannot be written (\(error)): \(error.nextStep)")
      }
    }
  }

  private static func isThere(_ path: String) -> JournalError {
    JournalError("\(path) is there already: name another file with --output")
  }

  /// Reads a ledger, locked against runs while the result lives.
  private static func locked(
    _ path: String, _ sharedKeys: @escaping @Sendable (String) -> String?
  ) throws(JournalError) -> LedgerReader {
    let file = try LedgerFile.openForReading(path)
    let isFree = try JournalError.explaining(
      "ledger \(path) cannot be read", try file.lock(shared: true))
    guard isFree else {
      throw JournalError("ledger \(path) is in use: wait for the run to end, then merge")
    }
    let ledger = try LedgerReader(file, sharedKeys: sharedKeys)
    guard ledger.target != nil else { throw JournalError("ledger \(path) is empty: leave it out") }
    return ledger
  }

  /// Refuses ledgers that know the same row, because nothing says which of the two is right about it.
  private static func checkRows(of ledgers: [LedgerReader]) throws(JournalError) {
    var owners: [Fingerprint: Int] = [:]
    for (number, ledger) in ledgers.enumerated() {
      for state in ledger.index.states {
        guard let other = owners.updateValue(number, forKey: state.key) else { continue }
        throw JournalError(
          "ledgers \(ledgers[other].path) and \(ledger.path) both know row \(state.key): "
            + "give each ledger once, and only ledgers of different shards")
      }
    }
  }

  /// Refuses ledgers of which a shard is missing or there twice.
  ///
  /// Runs over a merged ledger, and the line of the merge itself, take the whole manifest; they prove nothing.
  ///
  /// - Returns: the number of shards; nil when every run took the whole manifest.
  private static func checkShards(of ledgers: [LedgerReader]) throws(JournalError) -> Int? {
    var owners: [Int: String] = [:]
    var total: Int?
    for ledger in ledgers {
      for text in ledger.shards {
        guard let (index, count) = text.halves(at: "/"), Int(count) ?? .max <= 1_000_000,
          let shard = Shard(index: Int(index) ?? 0, of: Int(count) ?? 0)
        else {
          throw JournalError(
            "ledger \(ledger.path) names a shard \(text), which isn't of the form i/n")
        }
        guard total ?? shard.count == shard.count else {
          throw JournalError(
            "ledger \(ledger.path) is of \(shard.count) shards and another of \(total ?? 0): merge those of "
              + "one batch")
        }
        total = shard.count
        if let other = owners.updateValue(ledger.path, forKey: shard.index) {
          throw JournalError(
            "ledgers \(other) and \(ledger.path) are both of shard \(shard): give one of them")
        }
      }
    }
    guard let total else { return nil }
    if let path = ledgers.first(where: \.shards.isEmpty)?.path {
      throw JournalError("ledger \(path) is of no shard and others are: leave it out")
    }
    let missing = (1...total).filter { owners[$0] == nil }
    guard missing.isEmpty else {
      let list = missing.prefix(20).map { "\($0)/\(total)" }.joined(separator: ", ")
      throw JournalError(
        "\(missing.count) of \(total) shards are missing (\(list)): run them, or give their ledgers too"
      )
    }
    return total
  }

  /// What the first line of a merged ledger names as its program; it isn't a run.
  static let tool = "merge"
}

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
    let content = try LedgerReader(file, sharedKeys: { _ in nil })
    _ = try LedgerFile.cutTornEnd(of: file, after: content.tip)
    let removed = Set(
      content.index.states.lazy.filter { state in
        let isOld = limit.map { state.lastTime < $0 } ?? false
        return forgotten.contains(state.key) || isOld && state.standing != .inDoubt
      }.map(\.key))
    removedRows = removed.count
    guard removedRows > 0 else {
      (removedLines, keptLines) = (0, content.tip.count)
      return
    }
    keptLines = try LedgerDraft.write(beside: path) { (draft) throws(JournalError) in
      try draft.add(linesOf: file) { line in line.key.map { !removed.contains($0) } ?? true }
    } publish: { (draft) throws(JournalError) in
      try JournalError.explaining("ledger \(path) cannot be replaced", try draft.replace(path))
    }
    removedLines = content.tip.count - keptLines
  }
}

/// A new ledger, written in large pieces before it gets its name.
struct LedgerDraft {
  private let file: AppendOnlyFile
  private var tip = LedgerTip()
  private var buffer: [UInt8] = []

  /// Writes a ledger, and publishes it when all of it is on disk.
  ///
  /// - Returns: how many lines it has.
  static func write(
    beside path: String, _ write: (inout LedgerDraft) throws(JournalError) -> Void,
    publish: (DurableFile.Draft) throws(JournalError) -> Void
  ) throws(JournalError) -> Int {
    let draft = try JournalError.explaining(
      "a new file beside ledger \(path) cannot be written", try DurableFile.Draft(for: path))
    defer { draft.remove() }
    var ledger = LedgerDraft(file: draft.file)
    try write(&ledger)
    try ledger.flush()
    try publish(draft)
    return ledger.tip.count
  }

  private init(file: AppendOnlyFile) { self.file = file }

  /// Adds a line with the next number.
  mutating func add(_ record: LedgerRecord) throws(JournalError) {
    let line = record.line(number: tip.count, synced: tip.count, after: tip.checksum)
    tip.advance(by: line.bytes.count, checksum: line.checksum)
    buffer += line.bytes
    if buffer.count >= LineReader.chunk { try flush() }
  }

  /// Adds the lines of a ledger that are wanted.
  mutating func add(
    linesOf ledger: any JournalFile,
    where isWanted: (LedgerRecord) -> Bool = { _ in true }
  ) throws(JournalError) {
    var scan = LedgerScan(ledger)
    _ = try scan.run { (record, _) throws(JournalError) in
      if isWanted(record) { try add(record) }
    }
  }

  private mutating func flush() throws(JournalError) {
    let bytes = buffer
    buffer.removeAll(keepingCapacity: true)
    try JournalError.explaining("the new ledger cannot be written", try file.append(bytes))
  }
}
