package import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One run that a ledger knows of, from the lines that it opened and closed the ledger with.
package struct LedgerRun: Sendable, Equatable {
  /// Which run of the ledger it is, from 1.
  package let number: Int
  /// When it began.
  package let start: UTCTime
  /// Name and version of the program.
  package let tool: String?
  /// The part of the manifest that it took, `i/n`; nil for all of it.
  package let shard: String?
  /// What it was told to do differently, such as `only=failed`; nil for nothing.
  package let options: String?
  /// SHA-256 of the manifest that it read and of its plan in hexadecimal; nil where it came through a pipe.
  package let manifest: String?
  package let plan: String?
  /// How it ended.
  package let ending: Ending
  /// When it ended, nil where nothing says so.
  package let end: UTCTime?
  /// Rows by verdict, as it counted them at its end.
  package let rows: [Verdict: Int]
  /// Rows among the skipped ones that were changed after they had been accepted.
  package let changed: Int

  /// How a run ended.
  package enum Ending: String, Sendable {
    /// It came to the end of its manifest.
    case complete
    /// It stopped before, and said so.
    case stopped
    /// It did not come to write its end.
    case killed
    /// It is at work: the process that began it is there.
    case running
    /// A line of format 1, in which runs did not write their ends.
    case unknown
  }

  package init(_ number: Int, _ open: LedgerRecord, _ close: LedgerRecord?) {
    self.number = number
    start = open.time
    (tool, shard) = (open.tool, open.shard)
    (manifest, plan) = (open.manifest, open.plan)
    options = open.note.map { PercentText.decoded($0) }
    end = close?.time
    rows = [
      .accepted: close?.accepted, .rejected: close?.rejected, .failed: close?.failed,
      .inDoubt: close?.doubt, .skipped: close?.skipped,
    ].compactMapValues(\.self)
    changed = close?.changed ?? 0
    if let word = close?.end {
      ending = word == LedgerRecord.complete ? .complete : .stopped
    } else if open.version == 1 {
      ending = .unknown
    } else {
      ending = LedgerRun.isAlive(open) ? .running : .killed
    }
  }

  /// Whether it came to its end and had no row to work on.
  package var hadNothingToDo: Bool {
    ending == .complete && changed == 0 && rows.keys.allSatisfy { $0 == .skipped }
  }

  /// Whether the process that wrote a line is still there, as far as this machine can tell.
  ///
  /// Asking for the ledger's lock instead would make a run fail that starts at this very moment.
  private static func isAlive(_ open: LedgerRecord) -> Bool {
    guard open.host == LedgerWord.encoded(LedgerOpening.hostName()),
      let process = open.process.flatMap({ pid_t(exactly: $0) }), process > 0
    else { return false }
    return kill(process, 0) == 0 || errno == EPERM
  }
}

/// One thing that happened to a row: an attempt to send it, a refusal before that, or a settlement without sending.
package struct RowEvent: Sendable, Equatable {
  /// The row.
  package let key: RowKey
  /// The run that it happened in; nil for what was marked between runs.
  package let run: LedgerRun?
  /// When it began.
  package let time: UTCTime
  /// The number of the attempt within its run, nil where nothing was sent.
  package let attempt: Int?
  /// What the ledger says of its end: the line of an outcome or a mark, nil for an attempt that nobody saw ending.
  package let end: LedgerRecord?
}

extension LedgerReader {
  /// Everything that happened to some rows, in the order of the ledger.
  package func events(of rows: Set<RowKey>) throws(JournalError) -> [RowEvent] {
    var history = RowHistory(Set(rows.compactMap { Fingerprint($0.description) }))
    try forEachLine { (record, _) throws(JournalError) in history.take(record) }
    return history.finished()
  }
}

/// Collects what happened to some rows while a ledger is read.
private struct RowHistory {
  private let rows: Set<Fingerprint>
  private var events: [(event: RowEvent, run: Int)] = []
  /// Attempts without an end so far, each with the number of its run.
  private var open: [Fingerprint: (intent: LedgerRecord, run: Int)] = [:]
  private var runs: [(open: LedgerRecord, close: LedgerRecord?)] = []

  init(_ rows: Set<Fingerprint>) { self.rows = rows }

  mutating func take(_ record: LedgerRecord) {
    switch record.kind {
    case .open where record.tool != LedgerMerge.tool: runs.append((record, nil))
    case .close: if !runs.isEmpty { runs[runs.count - 1].close = record }
    case .intent, .outcome, .mark:
      if let key = record.key, rows.contains(key) { take(record, of: key) }
    case .open, .start, .step: break
    }
  }

  private mutating func take(_ record: LedgerRecord, of key: Fingerprint) {
    let intent = open[key]
    switch record.kind {
    case .intent:
      if let intent { add(key, intent.intent, nil, intent.run) }
      open[key] = (record, runs.count)
    case .outcome:
      open[key] = nil
      add(key, intent?.intent, record, intent?.run ?? runs.count)
    default:
      if let intent { add(key, intent.intent, nil, intent.run) }
      open[key] = nil
      add(key, nil, record, runs.count)
    }
  }

  private mutating func add(
    _ key: Fingerprint, _ intent: LedgerRecord?, _ end: LedgerRecord?, _ run: Int
  ) {
    guard let time = (intent ?? end)?.time else { return }
    let event = RowEvent(
      key: RowKey(key.description), run: nil, time: time, attempt: intent?.attempt, end: end)
    events.append((event, run))
  }

  /// The events with the runs that they happened in, which are known whole only now.
  mutating func finished() -> [RowEvent] {
    for (key, attempt) in open { add(key, attempt.intent, nil, attempt.run) }
    open = [:]
    let known = runs.enumerated().map { LedgerRun($0 + 1, $1.open, $1.close) }
    return events.map { event, run in
      RowEvent(
        key: event.key, run: run > 0 ? known[run - 1] : nil, time: event.time,
        attempt: event.attempt, end: event.end)
    }
  }
}
