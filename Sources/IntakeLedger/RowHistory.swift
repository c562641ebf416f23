package import IntakeCore

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
