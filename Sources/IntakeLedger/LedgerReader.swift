package import IntakeCore
import IntakeSystem

/// What a ledger holds, read and checked from its first line to its last good one; it may be in use meanwhile.
package struct LedgerReader: Sendable {
  let file: any JournalFile
  private let sharedKeys: @Sendable (String) -> String?
  let index: LedgerIndex
  let tip: LedgerTip
  /// The first line, which says what the ledger is about; nil for an empty ledger.
  let head: LedgerRecord?
  /// The runs that opened the ledger; the line of a merge isn't one.
  package let runs: [LedgerRun]
  /// The operations that rows were sent for, sorted.
  package let operations: [String]

  /// Reads a ledger.
  ///
  /// - Parameter sharedKeys: the key file that all ledgers of a target share, nil where there is none.
  package init(_ path: String, sharedKeys: @escaping @Sendable (String) -> String? = { _ in nil })
    throws(JournalError)
  {
    try self.init(LedgerFile.openForReading(path), sharedKeys: sharedKeys)
  }

  /// - Parameter keepsStates: whether the states of all rows are wanted, in order.
  init(
    _ file: any JournalFile, keepsStates: Bool = true,
    sharedKeys: @escaping @Sendable (String) -> String?
  ) throws(JournalError) {
    (self.file, self.sharedKeys) = (file, sharedKeys)
    var index = LedgerIndex(readingAgain: keepsStates ? nil : file)
    var head: LedgerRecord?
    var runs: [LedgerRun] = []
    var operations: [UInt64: String] = [:]
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
        if open.tool != LedgerMerge.tool { runs.append(LedgerRun(runs.count + 1, open)) }
      case .close:
        let close = try record(at: offset)
        if let run = runs.indices.last { runs[run].close = close }
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
    (self.runs, self.operations) = (runs, operations.values.sorted())
  }

  /// The receiving API that a ledger is about, by its first line alone; nil for an empty ledger.
  package static func target(of path: String) throws(JournalError) -> String? {
    try LedgerRecord(at: 0, of: LedgerFile.openForReading(path))?.target
      .map { PercentText.decoded($0) }
  }

  /// Checks every line of a ledger.
  ///
  /// - Throws: `JournalError` that names line and byte of the damage.
  package static func verify(_ path: String) throws(JournalError) -> LedgerCheck {
    let file = try LedgerFile.openForReading(path)
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
    let run = isRunning ? index.run : nil
    for state in index.states { try visit(LedgerRow(state, in: file, sentBy: run)) }
  }

  /// Whether the last run is at work.
  var isRunning: Bool { runs.last?.ending == .running }
}

// Counts and dates.
extension LedgerReader {
  var path: String { file.path }

  /// The receiving API, nil for an empty ledger.
  package var target: String? { head?.target.map { PercentText.decoded($0) } }

  /// Rows by standing.
  package var rows: LedgerCounts { index.counts }

  /// Rows that are not accepted, by the code of their last outcome.
  package var codes: [String: Int] {
    index.states.reduce(into: [:]) { codes, state in
      // What an earlier attempt reported is not why an unanswered row is in doubt.
      guard state.standing != .accepted, !state.isUnanswered, let offset = state.outcomeOffset,
        let code = LedgerRecord(at: offset, of: file)?.code
      else { return }
      codes[code, default: 0] += 1
    }
  }

  package var lines: Int { tip.count }

  /// The parts of the manifest that the runs took, sorted; empty when they took all of it.
  package var shards: [String] { Set(runs.compactMap(\.shard)).sorted() }

  /// The part that the ledger was begun for, which binds every later run; nil for the whole manifest.
  package var shard: String? { head?.shard }

  /// When the first run opened it.
  package var first: UTCTime? { head?.time }

  /// When the last line about a row was written, or the last run began.
  package var last: UTCTime? { (index.states.map(\.lastTime) + runs.map(\.start)).max() }
}

// Keys.
extension LedgerReader {
  /// The keys of the rows that a name means: the operator's for a row, an e-mail, the target's id of a customer, or a
  /// key itself.
  ///
  /// Batches use their names again, so several rows may have been called the same; a row goes by the last.
  ///
  /// - Throws: `JournalError` when the key file is missing: without it nobody can find a row.
  package func keys(named name: String) throws(JournalError) -> [RowKey] {
    let ring = try keys()
    if let key = Fingerprint(name), try index.state(of: key) != nil { return [RowKey(name)] }
    var found: [Fingerprint] = []
    for identity in [RowIdentity.of(id: name), RowIdentity.of(email: name)] {
      for operation in operations {
        for key in try ring.names(of: identity, target: head?.target ?? "", operation: operation)
        where try index.state(of: key) != nil { found.append(key) }
      }
    }
    let labels = Set(ring.fingerprints(of: .label, name.utf8))
    var called: Set<Fingerprint> = []
    try forEachLine { (record, _) throws(JournalError) in
      guard let label = record.label, let key = record.key else { return }
      if labels.contains(label) { called.insert(key) } else { called.remove(key) }
    }
    called.subtract(found)
    found += index.states.lazy.map(\.key).filter(called.contains)
    return found.map { RowKey($0.description) }
  }

  /// The keys of the ledger; for an empty one any will do, and a run makes them.
  func keys(forRun isForRun: Bool = false) throws(JournalError) -> KeyRing {
    let places = KeyPlaces(of: path, shared: sharedKeys(target ?? ""))
    if isForRun, head == nil {
      let size = try JournalError.explaining("ledger \(path) cannot be used", try file.size())
      guard size > 0 else { return try places.keysForNewLedger() }
      // A torn first line, or another file: bytes that are no line must not make anybody new.
      try LedgerFile.checkKind(of: file)
    }
    if let keys = try places.keys(provedBy: head?.keyProof) { return keys }
    let shared = places.shared.map { " (or \($0))" } ?? ""
    throw JournalError(
      "the key file \(places.own)\(shared) of the ledger is missing: without it no row can be "
        + (isForRun
          ? "recognised and all would be sent again. Restore it, or name another ledger"
          : "found by its id. Restore it, or copy it beside the ledger"))
  }
}

// What a run refuses.
extension LedgerReader {
  /// Refuses a ledger that is about something else, or that begins in the middle.
  func check(target: String) throws(JournalError) {
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

  /// Refuses a run over another part of the manifest than the ledger was begun for.
  ///
  /// The rows of the other parts are in other ledgers: taken for new ones here, they would be sent twice.
  func check(shard: String?) throws(JournalError) {
    guard let known = head?.shard, known != shard else { return }
    throw JournalError(
      "ledger \(path) is of shard \(known), and this run takes \(shard.map { "shard \($0)" } ?? "all rows"): "
        + "rows that other ledgers hold would be sent twice. Give --shard \(known), or name another ledger"
    )
  }
}

/// A ledger whose every line is as it was written.
package struct LedgerCheck: Sendable, Equatable {
  package let lines: Int
  package let bytes: Int
  /// Bytes of an unfinished line at the end: of a crash, or of a run that is writing it just now.
  package let tornBytes: Int
}

/// What a ledger says about one row.
package struct LedgerRow: Sendable {
  private let state: RowState
  private let last: LedgerRecord?
  /// Whether a run is sending it now.
  package let isBeingSent: Bool

  /// - Parameter run: the run that is at work, nil for none.
  init(_ state: RowState, in file: any JournalFile, sentBy run: UInt32?) {
    self.state = state
    isBeingSent = state.isUnanswered && run.map(state.wasSent(in:)) ?? false
    last = state.outcomeOffset.flatMap { LedgerRecord(at: $0, of: file) }
  }

  package var key: RowKey { RowKey(state.key.description) }
  /// What counts for the next run.
  package var standing: Standing { state.standing }
  /// The outcome that made the standing; nil when there is none, or when an attempt without one came after it.
  package var outcome: LedgerRecord? { isUnanswered ? nil : last }
  /// Whether it is in doubt because an attempt never ended: the program was killed, or is sending it just now.
  package var isUnanswered: Bool { state.isUnanswered }
  /// Line number in the manifest of the last run that reported an outcome; nil when none did.
  package var line: Int? { last?.row }
  /// When the last line about it was written.
  package var time: UTCTime { state.lastTime }
  /// When it was accepted, nil for a row that is not.
  package var accepted: UTCTime? { state.accepted }
}
