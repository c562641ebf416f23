public import IntakeCore
import IntakeSystem

/// A ledger that is only read; it may be in use meanwhile.
///
/// Every reading checks every line first, so what it tells is what was written.
public struct LedgerReader: Sendable {
  /// The path of the file.
  public let path: String
  private let file: any JournalFile

  /// Opens a ledger for reading.
  public init(_ path: String) throws(JournalError) {
    self.init(
      try JournalError.explaining("ledger \(path) cannot be read") {
        () throws(SystemCallFailure) in try AppendOnlyFile.open(path, .reading)
      })
  }

  init(_ file: any JournalFile) {
    self.file = file
    path = file.path
  }

  /// Checks every line.
  ///
  /// - Throws: `JournalError` that names line and byte of the damage.
  public func verify() throws(JournalError) -> LedgerCheck {
    var scan = LedgerScan(file)
    let tip = try scan.run { (_, _) throws(JournalError) in }
    let size = try JournalError.explaining("ledger \(path) cannot be read") {
      () throws(SystemCallFailure) in try file.size()
    }
    return LedgerCheck(lines: tip.count, bytes: tip.end, tornBytes: max(0, size - tip.end))
  }

  /// Hands on every line in order, with its number counted from 1.
  public func forEachLine(
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
  public func forEachRow(
    _ visit: (LedgerRow) throws(JournalError) -> Void
  ) throws(JournalError) {
    for state in try LedgerContent(of: file).index.states {
      try visit(LedgerRow(state, in: file))
    }
  }

  /// Counts and dates.
  public func statistics() throws(JournalError) -> LedgerStatistics {
    let content = try LedgerContent(of: file)
    return LedgerStatistics(content, in: file)
  }

  /// The names that a row may have in this ledger: one for each operation and each key.
  ///
  /// - Throws: `JournalError` when the key file is missing: without it nobody can find a row.
  public func keys(of row: Personal<[UInt8]>) throws(JournalError) -> [RowKey] {
    let content = try LedgerContent(of: file)
    let (target, keys) = try keyRing(for: content)
    return content.operations.sorted().flatMap { operation in
      keys.keys(of: row.exposed, target: target, operation: operation)
    }.filter { content.index[$0] != nil }.map { RowKey($0.description) }
  }

  /// The rows that were sent for a customer, who is given in the form that `Submission.customer` has.
  public func keys(ofCustomer customer: Personal<String>) throws(JournalError) -> [RowKey] {
    let (_, keys) = try keyRing(for: try LedgerContent(of: file))
    let names = Set(keys.customers(customer.exposed))
    var found: Set<Fingerprint> = []
    try forEachLine { (record, _) throws(JournalError) in
      guard let name = record.customer, names.contains(name), let key = record.key else { return }
      found.insert(key)
    }
    return found.map { RowKey($0.description) }
  }

  private func keyRing(
    for content: LedgerContent
  ) throws(JournalError) -> (target: String, keys: KeyRing) {
    guard let keys = try KeyRing.read(for: path) else {
      throw JournalError(
        "the key file \(KeyRing.path(for: path)) is missing: without it no row can be found by its id"
      )
    }
    let target = content.head?.target ?? ""
    try content.check(target: target, keys: keys, path: path)
    return (target, keys)
  }
}

/// A ledger whose every line is as it was written.
public struct LedgerCheck: Sendable, Equatable {
  /// Good lines.
  public let lines: Int
  /// Bytes of the good lines.
  public let bytes: Int
  /// Bytes of an unfinished line at the end: of a crash, or of a run that is writing it just now.
  public let tornBytes: Int
}

/// What a ledger says about one row.
public struct LedgerRow: Sendable, Equatable {
  /// The row's key.
  public let key: RowKey
  /// What counts for the next run.
  public let standing: Standing
  /// The outcome that made the standing; nil when there is none, or when an attempt without one came after it.
  public let outcome: LedgerRecord?
  /// Whether it is in doubt because an attempt never ended: the program was killed, or is sending it just now.
  public let isUnanswered: Bool
  /// Line number in the manifest of the last run that told an outcome; nil when none did.
  public let line: Int?
  /// When the last line about it was written.
  public let time: LedgerTime
  /// Starts without an end: 1 or more when the program crashed or was killed while it worked on the images.
  public let unfinishedStarts: Int

  init(_ state: RowState, in file: any JournalFile) {
    key = RowKey(state.key.description)
    standing = state.standing
    let last = state.hasOutcome ? LedgerRecord(at: state.outcomeOffset, of: file) : nil
    isUnanswered = state.isUnanswered
    outcome = state.isUnanswered ? nil : last
    line = last?.row
    time = state.lastTime
    unfinishedStarts = Int(state.starts)
  }
}
