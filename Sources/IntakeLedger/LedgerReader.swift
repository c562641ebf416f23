package import IntakeCore
import IntakeSystem

/// A ledger that is only read; it may be in use meanwhile.
///
/// Every reading checks every line first, so what it says is what was written.
package struct LedgerReader: Sendable {
  private let path: String
  private let file: any JournalFile
  private let sharedKeys: @Sendable (String) -> String?

  /// Opens a ledger for reading.
  ///
  /// - Parameter sharedKeys: the key file that all ledgers of a target share, nil where there is none.
  package init(_ path: String, sharedKeys: @escaping @Sendable (String) -> String? = { _ in nil })
    throws(JournalError)
  {
    self.path = path
    self.sharedKeys = sharedKeys
    file = try JournalError.explaining(
      "ledger \(path) cannot be read", try AppendOnlyFile.open(path, .reading))
  }

  /// The receiving API that the ledger is about, from its first line alone; nil for an empty one.
  package func target() throws(JournalError) -> String? {
    LedgerRecord(at: 0, of: file)?.target.map { PercentText.decoded($0) }
  }

  /// Checks every line.
  ///
  /// - Throws: `JournalError` that names line and byte of the damage.
  package func verify() throws(JournalError) -> LedgerCheck {
    var scan = LedgerScan(file)
    let tip = try scan.run(reading: StateLine.self) { (_, _) throws(JournalError) in }
    let size = try JournalError.explaining("ledger \(path) cannot be read", try file.size())
    return LedgerCheck(lines: tip.count, bytes: tip.end, tornBytes: max(0, size - tip.end))
  }

  /// Hands on every line in order, with its number counted from 1.
  package func forEachLine(
    _ visit: (LedgerRecord, Int) throws(JournalError) -> Void
  ) throws(JournalError) {
    var number = 0
    var scan = LedgerScan(file)
    _ = try scan.run { (record, _) throws(JournalError) in
      number += 1
      try visit(record, number)
    }
  }

  /// Hands on what became of every row, in the order in which the rows first appeared.
  package func forEachRow(
    _ visit: (LedgerRow) throws(JournalError) -> Void
  ) throws(JournalError) {
    for state in try LedgerContent(of: file).index.states {
      try visit(LedgerRow(state, in: file))
    }
  }

  /// Counts and dates.
  package func statistics() throws(JournalError) -> LedgerStatistics {
    LedgerStatistics(try LedgerContent(of: file), in: file)
  }

  /// The keys of the rows with this identity: one for each operation.
  ///
  /// - Throws: `JournalError` when the key file is missing: without it nobody can find a row.
  package func keys(of identity: Personal<[UInt8]>) throws(JournalError) -> [RowKey] {
    let content = try LedgerContent(of: file)
    return try keys(of: [identity], content, ring(of: content))
  }

  /// The keys of the rows that a name means: the operator's for a row, an e-mail, the target's id of a customer, or a
  /// key itself.
  ///
  /// Batches use their names again, so several rows may have been called the same; a row goes by the last.
  package func keys(named name: String) throws(JournalError) -> [RowKey] {
    let content = try LedgerContent(of: file)
    let ring = try ring(of: content)
    if let key = Fingerprint(name), try content.index.state(of: key) != nil {
      return [RowKey(name)]
    }
    var found = try keys(
      of: [RowIdentity.of(id: name), RowIdentity.of(email: name)], content, ring)
    let labels = Set(ring.labels(name))
    var called: Set<Fingerprint> = []
    try forEachLine { (record, _) throws(JournalError) in
      guard let label = record.label, let key = record.key else { return }
      if labels.contains(label) { called.insert(key) } else { called.remove(key) }
    }
    for state in content.index.states where called.contains(state.key) {
      let key = RowKey(state.key.description)
      if !found.contains(key) { found.append(key) }
    }
    return found
  }

  private func keys(
    of identities: [Personal<[UInt8]>], _ content: LedgerContent, _ ring: KeyRing
  ) throws(JournalError) -> [RowKey] {
    let target = content.head?.target ?? ""
    var found: [RowKey] = []
    for identity in identities {
      for operation in content.operations.sorted() {
        for name in try ring.names(of: identity, target: target, operation: operation)
        where try content.index.state(of: name) != nil {
          found.append(RowKey(name.description))
        }
      }
    }
    return found
  }

  private func ring(of content: LedgerContent) throws(JournalError) -> KeyRing {
    let target = content.head?.target.map { PercentText.decoded($0) } ?? ""
    return try content.keys(in: KeyPlaces(of: path, shared: sharedKeys(target)))
  }
}

/// A ledger whose every line is as it was written.
package struct LedgerCheck: Sendable, Equatable {
  /// Good lines.
  package let lines: Int
  /// Bytes of the good lines.
  package let bytes: Int
  /// Bytes of an unfinished line at the end: of a crash, or of a run that is writing it just now.
  package let tornBytes: Int
}

/// What a ledger says about one row.
package struct LedgerRow: Sendable, Equatable {
  /// The row's key.
  package let key: RowKey
  /// What counts for the next run.
  package let standing: Standing
  /// The outcome that made the standing; nil when there is none, or when an attempt without one came after it.
  package let outcome: LedgerRecord?
  /// Whether it is in doubt because an attempt never ended: the program was killed, or is sending it just now.
  package let isUnanswered: Bool
  /// Line number in the manifest of the last run that reported an outcome; nil when none did.
  package let line: Int?
  /// When the last line about it was written.
  package let time: UTCTime
  /// When it was accepted, nil for a row that is not.
  package let accepted: UTCTime?

  init(_ state: RowState, in file: any JournalFile) {
    key = RowKey(state.key.description)
    standing = state.standing
    let last = state.outcomeOffset.flatMap { LedgerRecord(at: $0, of: file) }
    isUnanswered = state.isUnanswered
    outcome = state.isUnanswered ? nil : last
    line = last?.row
    time = state.lastTime
    accepted = state.accepted
  }
}

/// Counts and dates of a ledger.
package struct LedgerStatistics: Sendable, Equatable {
  /// Rows by standing.
  package let rows: LedgerCounts
  /// Rows that are not accepted, by the code of their last outcome.
  package let codes: [String: Int]
  /// Lines of the file.
  package let lines: Int
  /// The receiving API, nil for an empty ledger.
  package let target: String?
  /// The operations that rows were sent for, sorted.
  package let operations: [String]
  /// The parts of the manifest that the runs took, sorted; empty when they took all of it.
  package let shards: [String]
  /// The part that the ledger was begun for, which binds every later run; nil for the whole manifest.
  package let shard: String?
  /// The run that opened the ledger last, nil when none did.
  package let lastRun: LedgerRun?
  /// How often the ledger was opened by a run.
  package let runs: Int
  /// When the first run opened it.
  package let first: UTCTime?
  /// When the last line about a row, or of a run, was written.
  package let last: UTCTime?

  init(_ content: LedgerContent, in file: any JournalFile) {
    let states = content.index.states
    rows = content.index.counts
    lines = content.tip.count
    target = content.head?.target.map { PercentText.decoded($0) }
    operations = content.operations.sorted()
    shards = Set(content.runs.compactMap(\.shard)).sorted()
    shard = content.head?.shard
    runs = content.runs.count
    lastRun = content.lastRun
    first = content.head?.time
    last = (states.map(\.lastTime) + content.runs.map(\.time)).max()
    codes = states.reduce(into: [:]) { codes, state in
      // What an earlier attempt reported is not why an unanswered row is in doubt.
      guard state.standing != .accepted, !state.isUnanswered, let offset = state.outcomeOffset,
        let code = LedgerRecord(at: offset, of: file)?.code
      else { return }
      codes[code, default: 0] += 1
    }
  }
}

/// What a ledger holds, read and checked from its first line to its last good one.
struct LedgerContent {
  let index: LedgerIndex
  let tip: LedgerTip
  /// The first line, which says what the ledger is about; nil for an empty ledger.
  let head: LedgerRecord?
  /// The lines of the runs; the line of a merge isn't one.
  let runs: [LedgerRecord]
  /// Every operation that rows were sent for.
  let operations: Set<String>
  /// The run that opened the ledger last, nil when none did.
  let lastRun: LedgerRun?

  /// - Parameter keepsStates: whether the states of all rows are wanted, in order.
  init(of file: any JournalFile, keepsStates: Bool = true) throws(JournalError) {
    var index = LedgerIndex(readingAgain: keepsStates ? nil : file)
    var head: LedgerRecord?
    var runs: [LedgerRecord] = []
    var operations: [UInt64: String] = [:]
    var close: LedgerRecord?
    // Most lines name the operation of the line before: comparing is ten times cheaper than looking up.
    var last: UInt64?
    func record(at offset: Int) throws(JournalError) -> LedgerRecord {
      guard let record = LedgerRecord(at: offset, of: file) else {
        throw JournalError("ledger \(file.path) cannot be read at byte \(offset): check the disk")
      }
      return record
    }
    var scan = LedgerScan(file)
    tip = try scan.run(reading: StateLine.self) { (line, offset) throws(JournalError) in
      if offset == 0 { head = try record(at: 0) }
      switch line.event {
      case .open:
        let open = try record(at: offset)
        if open.tool != LedgerMerge.tool { runs.append(open) }
        close = nil
      case .close: close = try record(at: offset)
      default: break
      }
      if let operation = line.operation, operation != last {
        last = operation
        if operations[operation] == nil {
          operations[operation] = try record(at: offset).operation
        }
      }
      try index.apply(line, at: offset)
    }
    (self.index, self.head) = (index, head)
    (self.runs, self.operations) = (runs, Set(operations.values))
    lastRun = runs.last.map { LedgerRun(runs.count, $0, close) }
  }

  /// Refuses a ledger that is about something else, or that begins in the middle.
  func check(target: String, path: String) throws(JournalError) {
    guard let head else { return }
    guard head.kind == .open, let known = head.target else {
      throw JournalError(
        "ledger \(path) does not begin with the line of a run: it isn't whole; restore it from a backup"
      )
    }
    guard known == target else {
      throw JournalError(
        "ledger \(path) is about \(known), not \(target): name another ledger for this target")
    }
  }

  /// The keys of the ledger; for an empty ledger any will do.
  func keys(in places: KeyPlaces) throws(JournalError) -> KeyRing {
    guard let keys = try places.keys(provedBy: head?.keyProof) else {
      throw JournalError(
        "the key file \(places.shared ?? places.own) is missing: without it no row can be found by its id; "
          + "restore it, or copy it beside the ledger")
    }
    return keys
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
