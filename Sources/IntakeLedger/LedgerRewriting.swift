package import IntakeCore
import IntakeSystem

/// Joins the ledgers of several machines into one that is as good as any: it can be read, run on and merged.
package struct LedgerMerge: Sendable {
  /// Lines of the new ledger.
  package let lines: Int
  /// Rows by standing.
  package let rows: LedgerCounts
  /// How many parts the manifest was cut into, all of which are there; nil when the runs took all of it.
  package let shards: Int?
  /// The ledgers with the last run of each; nil for one that was merged and not run on.
  package let parts: [(path: String, lastRun: LedgerRun?)]

  /// The ledgers whose last run was killed, or stopped before the end of its part.
  package var unfinished: [String] {
    parts.filter { [.killed, .stopped, .running].contains($0.lastRun?.ending) }.map(\.path)
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
      let parts = try inputs.map { path throws(JournalError) in try Part(path, sharedKeys) }
      return try LedgerMerge(parts, output)
    }
  }

  private init(_ parts: [Part], _ output: String) throws(JournalError) {
    guard let first = parts.first else { throw JournalError("there is no ledger to merge") }
    for path in [output, KeyPlaces(of: output).own] where DurableFile.exists(path) {
      throw JournalError("\(path) is there already: name another file with --output")
    }
    if let other = parts.first(where: { $0.target != first.target }) {
      throw JournalError(
        "ledger \(first.path) is about \(first.target), and \(other.path) about \(other.target): "
          + "merge ledgers of one target only")
    }
    try LedgerMerge.checkRows(of: parts)
    shards = try ShardCover.check(parts.map { ($0.path, $0.shards) })
    self.parts = parts.map { ($0.path, $0.lastRun) }
    lines = try LedgerMerge.write(parts, KeyRing(joining: parts.map(\.keys)), output)
    rows = LedgerCounts(parts.lazy.flatMap(\.index.states))
  }

  /// Refuses ledgers that know the same row, because nothing says which of the two is right about it.
  private static func checkRows(of parts: [Part]) throws(JournalError) {
    var owners: [Fingerprint: Int] = [:]
    for (number, part) in parts.enumerated() {
      for state in part.index.states {
        guard let other = owners.updateValue(number, forKey: state.key) else { continue }
        throw JournalError(
          "ledgers \(parts[other].path) and \(part.path) both know row \(state.key): "
            + "give each ledger once, and only ledgers of different shards")
      }
    }
  }

  private static func write(
    _ parts: [Part], _ ring: KeyRing, _ output: String
  ) throws(JournalError) -> Int {
    try LedgerDraft.publish(as: output) { (draft) throws(JournalError) in
      // The batch began when its first shard did, not when the ledgers were joined.
      var head = LedgerRecord(.open, at: parts.map(\.begin).min() ?? .now())
      head.tool = LedgerMerge.tool
      head.target = parts.first?.target
      head.keyProof = ring.proof()
      try draft.add(head)
      for part in parts { try draft.add(linesOf: part.file) }
      try ring.write(KeyPlaces(of: output).own)
    }
  }

  /// What the first line of a merged ledger names as its program; it isn't a run.
  static let tool = "merge"

  /// One of the merged ledgers, locked against runs while this value lives.
  private struct Part {
    let path: String
    let file: AppendOnlyFile
    let keys: KeyRing
    let index: LedgerIndex
    let target: String
    let begin: UTCTime
    let shards: Set<String>
    let lastRun: LedgerRun?

    init(_ path: String, _ sharedKeys: (String) -> String?) throws(JournalError) {
      self.path = path
      let (file, isFree) = try JournalError.explaining("ledger \(path) cannot be read") {
        () throws(SystemCallFailure) in
        let file = try AppendOnlyFile.open(path, .reading)
        return (file, try file.lock(shared: true))
      }
      guard isFree else {
        throw JournalError("ledger \(path) is in use: wait for the run to end, then merge")
      }
      let content = try LedgerContent(of: file)
      guard let head = content.head, let target = head.target else {
        throw JournalError("ledger \(path) is empty: leave it out")
      }
      let shared = sharedKeys(PercentText.decoded(target))
      keys = try content.keys(in: KeyPlaces(of: path, shared: shared))
      lastRun = content.lastRun
      (self.file, self.target) = (file, target)
      (index, begin) = (content.index, head.time)
      shards = Set(content.runs.map { $0.shard ?? "" })
    }
  }
}

/// The proof that the ledgers of a batch that was cut into parts are all there.
enum ShardCover {
  /// Checks which parts (`i/n`) the runs of each ledger took.
  ///
  /// - Returns: the number of parts, nil when no run took a part only.
  /// - Throws: `JournalError` that names the parts that are missing, or taken by two ledgers.
  static func check(_ ledgers: [(path: String, shards: Set<String>)]) throws(JournalError) -> Int? {
    // Runs over a merged ledger, and the line of the merge itself, take the whole; they prove nothing.
    var owners: [Int: String] = [:]
    var total: Int?
    for (path, shards) in ledgers {
      for shard in shards.sorted() where !shard.isEmpty {
        let (number, count) = try parts(of: shard, path)
        guard total ?? count == count else {
          throw JournalError(
            "ledger \(path) is of \(count) shards and another of \(total ?? 0): merge those of one batch"
          )
        }
        total = count
        if let other = owners.updateValue(path, forKey: number) {
          throw JournalError(
            "ledgers \(other) and \(path) are both of shard \(shard): give one of them")
        }
      }
    }
    guard let total else { return nil }
    if let path = ledgers.first(where: { $0.shards.allSatisfy(\.isEmpty) })?.path {
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

  private static func parts(
    of shard: String, _ path: String
  ) throws(JournalError) -> (number: Int, count: Int) {
    let numbers = shard.split(separator: "/").map { Int($0) ?? 0 }
    guard numbers.count == 2, (1...1_000_000).contains(numbers[1]),
      (1...numbers[1]).contains(numbers[0])
    else {
      throw JournalError("ledger \(path) names a shard \(shard), which isn't of the form i/n")
    }
    return (numbers[0], numbers[1])
  }
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
    let content = try LedgerContent(of: file)
    _ = try LedgerFile.cutTornEnd(of: file, after: content.tip)
    let index = content.index
    func isRemoved(_ key: Fingerprint) throws(JournalError) -> Bool {
      if forgotten.contains(key) { return true }
      guard let limit, let state = try index.state(of: key), state.lastTime < limit else {
        return false
      }
      return state.standing != .inDoubt
    }
    var removed = 0
    for state in index.states where try isRemoved(state.key) { removed += 1 }
    removedRows = removed
    guard removed > 0 else {
      (removedLines, keptLines) = (0, content.tip.count)
      return
    }
    keptLines = try LedgerDraft.publish(as: path) { (draft) throws(JournalError) in
      try draft.add(linesOf: file) { (line) throws(JournalError) in
        guard let key = line.key else { return true }
        return try !isRemoved(key)
      }
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
    linesOf ledger: any JournalFile,
    where isWanted: (LedgerRecord) throws(JournalError) -> Bool = { _ in true }
  ) throws(JournalError) {
    var scan = LedgerScan(ledger)
    _ = try scan.run { (record, _) throws(JournalError) in
      if try isWanted(record) { try add(record) }
    }
  }

  private mutating func flush() throws(JournalError) {
    let bytes = buffer
    buffer.removeAll(keepingCapacity: true)
    try JournalError.explaining(
      "the new ledger \(file.path) cannot be written", try file.append(bytes))
  }
}
