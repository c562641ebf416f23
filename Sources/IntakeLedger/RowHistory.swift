package import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One run that a ledger knows of, by the lines with which it opened and closed the ledger.
package struct LedgerRun: Sendable, Equatable {
  /// Which run of the ledger it is, from 1.
  package let number: Int
  package let open: LedgerRecord
  /// Nil for a run that did not end by itself.
  package var close: LedgerRecord?
  /// Whether the ledger's lock proves that it isn't at work; a process in another container may have its number.
  var hasEnded = false

  /// How it ended.
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

  package init(_ number: Int, _ open: LedgerRecord) {
    (self.number, self.open) = (number, open)
  }

  /// When it began.
  package var start: UTCTime { open.time }

  /// When it ended, nil where nothing says so.
  package var end: UTCTime? { close?.time }

  /// The part of the manifest that it took, `i/n`; nil for all of it.
  package var shard: String? { open.shard }

  /// What it was told to do differently, such as `only=failed`; nil for nothing.
  package var options: String? { open.note.map { PercentText.decoded($0) } }

  /// Rows by verdict, as it counted them at its end.
  package var rows: [Verdict: Int] {
    [
      .accepted: close?.accepted, .rejected: close?.rejected, .failed: close?.failed,
      .inDoubt: close?.doubt, .skipped: close?.skipped,
    ].compactMapValues(\.self)
  }

  package var ending: Ending {
    if let word = close?.end { return word == LedgerRecord.complete ? .complete : .stopped }
    if open.version == 1 { return .unknown }
    return !hasEnded && isAlive ? .running : .killed
  }

  /// Whether it came to its end and had no row to work on.
  package var hadNothingToDo: Bool {
    ending == .complete && (close?.changed ?? 0) == 0 && rows.keys.allSatisfy { $0 == .skipped }
  }

  /// Whether the process is still there, as far as this machine can tell.
  ///
  /// Asking for the ledger's lock instead would make a run fail that starts at this very moment.
  private var isAlive: Bool {
    guard open.host == LedgerRun.host, let process = open.process.flatMap({ pid_t(exactly: $0) }),
      process > 0
    else { return false }
    return kill(process, 0) == 0 || errno == EPERM
  }

  /// The number of this process.
  static var process: Int { Int(getpid()) }

  /// This machine's name for itself.
  static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return LedgerWord.encoded(String(decoding: bytes, as: UTF8.self))
  }
}

/// One thing that happened to a row: an attempt to send it, a refusal before that, or a settlement without sending.
package struct RowEvent: Sendable {
  package let key: RowKey
  /// The run that it happened in, which may have gone on; nil where there was none.
  package let run: LedgerRun?
  /// When it began.
  package let time: UTCTime
  /// The number of the attempt within its run, nil where nothing was sent.
  package fileprivate(set) var attempt: Int?
  /// What the ledger says of its end: the line of an outcome or a mark, nil for an attempt that nobody saw ending.
  package fileprivate(set) var end: LedgerRecord?
  /// Whether a run is sending the row now.
  package fileprivate(set) var isUnderWay = false
}

extension LedgerReader {
  /// Everything that happened to some rows, in the order of the ledger.
  package func events(of rows: Set<RowKey>) throws(JournalError) -> [RowEvent] {
    var events: [RowEvent] = []
    var run: LedgerRun?
    // Attempts without an end so far.
    var open: [RowKey: RowEvent] = [:]
    try forEachLine { (record, _) throws(JournalError) in
      if record.kind == .open, record.tool != LedgerMerge.tool {
        run = LedgerRun((run?.number ?? 0) + 1, record)
      }
      guard let key = record.key.map({ RowKey($0.description) }), rows.contains(key) else { return }
      var event = RowEvent(key: key, run: run, time: record.time, attempt: nil, end: record)
      switch record.kind {
      case .intent:
        (event.attempt, event.end) = (record.attempt, nil)
        if let lost = open.updateValue(event, forKey: key) { events.append(lost) }
      case .outcome:
        if let attempt = open.removeValue(forKey: key) { event = attempt }
        event.end = record
        events.append(event)
      case .mark:
        if let lost = open.removeValue(forKey: key) { events.append(lost) }
        events.append(event)
      case .open, .close, .start, .step: break
      }
    }
    let live = isRunning ? runs.last?.number : nil
    return events
      + open.values.map { event in
        var event = event
        event.isUnderWay = live != nil && event.run?.number == live
        return event
      }
  }
}
