public import IntakeCore
import Synchronization

/// A ledger that is open for writing: what became of every row, safe on disk before anybody hears of it.
///
/// One process at a time; any number of tasks. See `LineFormat` for the file, `LedgerReader` for reading alone.
public final class Ledger: OpenLedger {
  /// The path of the file.
  public let path: String
  /// What the operator should know about the opening: a torn end that was cut, a file system that locks badly.
  public let notices: [String]
  private let target: String
  private let operation: String
  private let keys: KeyRing
  private let file: any JournalFile
  private let queue: CommitQueue
  /// What the intents of rows in flight said, for their outcomes.
  private let sent = Mutex<[Fingerprint: LedgerRecord]>([:])

  /// Opens a ledger, or makes one with its key file; recovers from a crash of the last run.
  ///
  /// - Throws: `JournalError` with line, reason and next step when it cannot be worked with.
  public static func open(_ settings: LedgerSettings) async throws(JournalError) -> Ledger {
    try await onOwnThread { () throws(JournalError) in try Ledger(LedgerOpening(settings)) }
  }

  /// Starts to serve a ledger whose file has been read.
  package init(_ opening: sending LedgerOpening) throws(JournalError) {
    path = opening.file.path
    notices = opening.notices
    (target, operation) = (opening.target, opening.operation)
    (keys, file) = (opening.keys, opening.file)
    queue = try CommitQueue(opening.writer, index: opening.index)
  }

  deinit { queue.abandon() }

  /// Writes what is waiting, gives back reserved space and the lock; nothing can be written afterwards.
  public func close() async {
    await queue.close()
    file.unlock()
  }

  /// What the ledger says about a row, looked up once.
  ///
  /// In a merged ledger a row may be known under any of its keys: the known one is taken.
  public func row(for identity: Personal<[UInt8]>) throws(JournalError) -> any KnownRow {
    let names = try keys.names(of: identity, target: target, operation: operation)
    let state = queue.lookUp { index in names.lazy.compactMap { index[$0] }.first }
    let key = RowKey((state?.key ?? names[0]).description)
    return RowSnapshot(key: key, state: state, keys: keys, file: file)
  }

  /// What the ledger says about the row of a key.
  package func standing(of key: RowKey) -> Standing {
    guard let key = Fingerprint(key.description) else { return .unknown }
    return queue.lookUp { $0.standing(of: key) }
  }

  /// How many rows there are of each standing.
  package func counts() -> LedgerCounts { queue.lookUp { LedgerCounts($0.states) } }
}

// Writing.
extension Ledger {
  /// Notes that work on a row's images begins; in the file when it returns, but not waited for on disk.
  public func noteStart(of key: RowKey) async throws(JournalError) {
    try await queue.append(LedgerRecord(.start, at: .now(), key: try fingerprint(key)))
  }

  /// Writes down that a row is about to be sent; on disk when it returns.
  public func intend(
    _ submission: Submission, for key: RowKey, attempt: Int
  ) async throws(JournalError) {
    let key = try fingerprint(key)
    var intent = LedgerRecord(.intent, at: .now(), key: key)
    intent.customer = keys.customers(submission.customer.exposed).first
    intent.digest = keys.digests(of: submission).first
    guard intent.digest != nil else {
      throw JournalError("the request cannot be digested: libcrypto fails; check OpenSSL 3")
    }
    intent.source = submission.source.flatMap { keys.sources($0).first }
    intent.attempt = attempt
    intent.operation = LedgerWord.encoded(submission.operation)
    try await queue.append(intent)
    sent.withLock { [intent] in $0[key] = intent }
  }

  /// Writes down that a step of a row is about to be sent; on disk when it returns.
  public func begin(
    _ step: Int, of submission: Submission, for key: RowKey
  ) async throws(JournalError) {
    try await note(step, of: submission, .begun, for: key)
  }

  /// Writes down that the target has a step of a row; on disk when it returns.
  public func complete(
    _ step: Int, of submission: Submission, for key: RowKey
  ) async throws(JournalError) {
    try await note(step, of: submission, .accepted, for: key)
  }

  private func note(
    _ step: Int, of submission: Submission, _ state: StepState, for key: RowKey
  ) async throws(JournalError) {
    var record = LedgerRecord(.step, at: .now(), key: try fingerprint(key))
    let part = step == 0 ? submission.operation : submission.followUps[step - 1].name
    (record.step, record.part) = (step, LedgerWord.encoded(part))
    record.verdict = state.rawValue
    try await queue.append(record)
  }

  /// Settles a row in doubt because the target was asked; `differs` and `unknown` settle nothing.
  public func settle(_ key: RowKey, as settlement: Settlement) async throws(JournalError) {
    // What the target proved is one word: a ledger line holds no blanks.
    func author(_ evidence: String) -> String { "target:" + evidence.replacing(" ", with: "_") }
    switch settlement {
    case .accepted(let evidence): try await mark(key, as: .accepted, by: author(evidence))
    case .notAccepted(let evidence): try await mark(key, as: .notAccepted, by: author(evidence))
    case .differs, .unknown: break
    }
  }

  /// Settles a row without sending it.
  ///
  /// - Parameter author: `target:` and its evidence, or `operator:` and a login name.
  package func mark(
    _ key: RowKey, as settled: Settled, by author: String
  ) async throws(JournalError) {
    var record = LedgerRecord(.mark, at: .now(), key: try fingerprint(key))
    (record.verdict, record.author) = (settled.rawValue, LedgerWord.encoded(author))
    try await queue.append(record)
  }

  /// Writes down what became of a row; on disk when it returns.
  ///
  /// Nothing is written for a row that has no key, for one that was skipped, and for one that was not sent and ended as it did before:
  /// running the same command again does not make the ledger longer.
  public func record(_ outcome: Outcome) async throws(JournalError) {
    guard outcome.verdict != .skipped, let name = outcome.key else { return }
    let key = try fingerprint(name)
    var record = LedgerRecord(outcome, key: key)
    if outcome.attempts > 0, let intent = sent.withLock({ $0.removeValue(forKey: key) }) {
      (record.customer, record.digest) = (intent.customer, intent.digest)
      record.operation = intent.operation
    }
    let isNews = queue.lookUp { [record] in $0.isNews(record) }
    guard isNews else { return try await queue.synchronize() }
    try await queue.append(record)
  }

  private func fingerprint(_ key: RowKey) throws(JournalError) -> Fingerprint {
    guard let key = Fingerprint(key.description) else {
      throw JournalError("\"\(key)\" isn't the key of a row: nothing can be written down for it")
    }
    return key
  }
}

/// A row as an open ledger knew it at the moment it was looked up.
private struct RowSnapshot: KnownRow {
  let key: RowKey
  let state: RowState?
  let keys: KeyRing
  let file: any JournalFile

  /// Read from the file when it is asked for: most rows are never asked.
  var lastOutcome: Outcome? {
    guard let state, state.standing != .accepted, let offset = state.outcomeOffset else {
      return nil
    }
    return LedgerRecord(at: offset, of: file).flatMap(Outcome.init(recorded:))
  }

  var standing: Standing { state?.standing ?? .unknown }

  /// A second more than the line says, because the ledger keeps whole seconds.
  var lastWritten: UnixTime? { state.map { $0.lastTime.seconds + 1 } }

  var crashes: Int { Int(state?.starts ?? 0) }

  func isUnchanged(_ submission: Submission) -> Bool {
    guard let state else { return false }
    return keys.digests(of: submission).contains { state.has(digest: $0) }
  }

  func isChanged(_ source: Personal<[UInt8]>) -> Bool {
    guard let state, state.sourceShort != 0 else { return false }
    return !keys.sources(source).contains { $0.short == state.sourceShort }
  }

  func stepsDone(of submission: Submission) -> Set<Int> {
    guard let state, state.stepsDone != 0, isUnchanged(submission) else { return [] }
    return Set((0..<8).filter { state.stepsDone & 1 << UInt8($0) != 0 })
  }
}
