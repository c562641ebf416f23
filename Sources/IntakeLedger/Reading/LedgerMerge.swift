public import IntakeCore
import IntakeSystem

/// Joins the ledgers of several machines into one that is as good as any: it can be read, run on and merged.
public struct LedgerMerge: Sendable, Equatable {
  /// Lines of the new ledger.
  public let lines: Int
  /// Rows by standing.
  public let rows: LedgerCounts
  /// How many parts the manifest was cut into, all of which are there; nil when the runs took all of it.
  public let shards: Int?

  /// Writes the ledger `output` with its key file.
  ///
  /// - Throws: `JournalError` when a shard is missing or there twice, when two ledgers know the same row, when
  ///   they are about different targets, when one is in use or damaged, or when `output` is there already.
  public static func run(
    _ inputs: [String], output: String
  ) async throws(JournalError) -> LedgerMerge {
    try await OwnThread.run { () throws(JournalError) in
      try LedgerMerge(try inputs.map { path throws(JournalError) in try Part(path) }, output)
    }
  }

  private init(_ parts: [Part], _ output: String) throws(JournalError) {
    guard let first = parts.first else { throw JournalError("there is no ledger to merge") }
    for path in [output, KeyRing.path(for: output)] where DurableFile.exists(path) {
      throw JournalError("\(path) is there already: name another file with --output")
    }
    if let other = parts.first(where: { $0.target != first.target }) {
      throw JournalError(
        "ledger \(first.path) is about \(first.target), and \(other.path) about \(other.target): "
          + "merge ledgers of one target only")
    }
    try LedgerMerge.checkRows(of: parts)
    shards = try ShardCover.check(parts.map { ($0.path, $0.shards) })
    var keys: [KeyRing] = []
    for part in parts where !keys.contains(part.keys) { keys.append(part.keys) }
    let ring = KeyRing(joining: keys)
    lines = try LedgerMerge.write(parts, ring, output)
    rows = parts.reduce(into: LedgerCounts([])) { $0.add(LedgerCounts($1.index.states)) }
  }

  /// Refuses ledgers that know the same row: which of the two is right about it cannot be told.
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
    var draft = try LedgerDraft(for: output)
    do throws(JournalError) {
      // The batch began when its first shard did, not when the ledgers were joined.
      var head = LedgerRecord(.open, at: parts.map(\.begin).min() ?? .now())
      head.tool = LedgerMerge.tool
      head.target = parts.first?.target
      head.keyProof = ring.proof()
      try draft.add(head)
      for part in parts {
        var scan = LedgerScan(part.file)
        _ = try scan.run { (record, _) throws(JournalError) in try draft.add(record) }
      }
      try ring.write(for: output)
    } catch {
      draft.discard()
      throw error
    }
    let count = draft.count
    try draft.publish(as: output)
    return count
  }

  /// What the first line of a merged ledger names as its program; it is no run.
  static let tool = "merge"

  /// One of the ledgers that are merged; locked against runs while this lives.
  private struct Part {
    let path: String
    let file: AppendOnlyFile
    let keys: KeyRing
    let index: LedgerIndex
    let target: String
    let begin: LedgerTime
    let shards: Set<String>

    init(_ path: String) throws(JournalError) {
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
      guard let keys = try KeyRing.read(for: path) else {
        throw JournalError(
          "the key file \(KeyRing.path(for: path)) is missing: copy it beside the ledger")
      }
      try content.check(target: target, keys: keys, path: path)
      (self.file, self.keys, self.target) = (file, keys, target)
      (index, begin) = (content.index, head.time)
      shards = Set(content.runs.map { $0.shard ?? "" })
    }
  }
}
