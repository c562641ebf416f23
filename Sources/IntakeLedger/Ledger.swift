public import IntakeCore
import Synchronization

/// A ledger that is open for writing: what became of every row, safe on disk before anybody is told.
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
  private let sent = Mutex<[Fingerprint: Sent]>([:])

  private struct Sent {
    let customer: Fingerprint?
    let digest: Fingerprint?
    let operation: String
  }

  /// Opens a ledger, or makes one with its key file; recovers from a crash of the last run.
  ///
  /// - Throws: `JournalError` with line, reason and next step when it cannot be worked with.
  public static func open(_ settings: LedgerSettings) async throws(JournalError) -> Ledger {
    try await OwnThread.run { () throws(JournalError) in try Ledger(LedgerOpening.run(settings)) }
  }

  /// Starts to serve a ledger whose file has been read.
  package init(_ opening: sending LedgerOpening) throws(JournalError) {
    path = opening.file.path
    target = opening.target
    operation = opening.operation
    notices = opening.notices
    keys = opening.keys
    file = opening.file
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
    let names = keys.keys(of: identity.exposed, target: target, operation: operation)
    guard let first = names.first, names.count == keys.keys.count else {
      throw JournalError("the row's key cannot be made: libcrypto fails; check OpenSSL 3")
    }
    let (name, state) = queue.lookUp { index in
      let name = names.first { index[$0] != nil } ?? first
      return (name, index[name])
    }
    return RowSnapshot(name, state, keys, file)
  }

  /// The row's key for an operation; empty only when libcrypto fails, and then nothing can be written for it.
  ///
  /// In a merged ledger a row may be known under any of its keys: the known one is taken.
  public func key(for row: Personal<[UInt8]>, operation: String) -> RowKey {
    let candidates = keys.keys(of: row.exposed, target: target, operation: operation)
    let known =
      candidates.count < 2
      ? nil
      : queue.lookUp { index in
        candidates.first { index[$0] != nil }
      }
    return RowKey((known ?? candidates.first)?.description ?? "")
  }

  /// What the ledger says about a row.
  public func standing(of key: RowKey) -> Standing {
    guard let key = Fingerprint(key.description) else { return .unknown }
    return queue.lookUp { $0.standing(of: key) }
  }

  /// How often work on the row's images began and never ended: the program was killed or crashed meanwhile.
  public func unfinishedStarts(of key: RowKey) -> Int {
    guard let key = Fingerprint(key.description) else { return 0 }
    return queue.lookUp { Int($0[key]?.starts ?? 0) }
  }

  /// Whether the row's last attempt had this content.
  public func isUnchanged(_ submission: Submission, for key: RowKey) -> Bool {
    guard let key = Fingerprint(key.description),
      let content = try? ContentDigest.make(submission)
    else { return false }
    let digests = keys.digests(of: content)
    return queue.lookUp { index in
      index[key].map { state in digests.contains { state.has(digest: $0) } } ?? false
    }
  }

  /// Whether the row was made of something else at its last attempt; false for attempts of which that was not kept.
  public func isChanged(_ source: Personal<[UInt8]>, for key: RowKey) -> Bool {
    guard let key = Fingerprint(key.description),
      let state = queue.lookUp({ $0[key] }), state.sourceMark != 0
    else { return false }
    return !keys.sources(source.exposed).contains { $0.mark == state.sourceMark }
  }

  /// The steps of this very submission that the target has; empty when the content has changed since.
  public func stepsDone(of submission: Submission, for key: RowKey) -> Set<Int> {
    guard isUnchanged(submission, for: key), let key = Fingerprint(key.description),
      let state = queue.lookUp({ $0[key] })
    else { return [] }
    return Set((0..<8).filter { state.stepsDone & 1 << UInt8($0) != 0 })
  }

  /// The outcome that made the row's standing, nil when there is none; details are not kept.
  public func lastOutcome(of key: RowKey) -> LedgerRecord? {
    guard let key = Fingerprint(key.description),
      let state = queue.lookUp({ $0[key] }), state.hasOutcome
    else { return nil }
    return LedgerRecord(at: state.outcomeOffset, of: file)
  }

  /// When the last line about a row was written, nil when there is none.
  public func lastWritten(_ key: RowKey) -> LedgerTime? {
    guard let key = Fingerprint(key.description) else { return nil }
    return queue.lookUp { $0[key]?.lastTime }
  }

  /// How many rows there are of each standing.
  public func counts() -> LedgerCounts { queue.lookUp { LedgerCounts($0.states) } }
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
    guard let content = try? ContentDigest.make(submission) else {
      throw JournalError("the request cannot be digested: libcrypto fails; check OpenSSL 3")
    }
    let intent = Sent(
      customer: keys.customers(submission.customer.exposed).first,
      digest: keys.digests(of: content).first,
      operation: LedgerWord.encoded(submission.operation))
    var record = LedgerRecord(.intent, at: .now(), key: key)
    (record.customer, record.digest) = (intent.customer, intent.digest)
    (record.attempt, record.operation) = (attempt, intent.operation)
    record.source = submission.source.flatMap { keys.sources($0.exposed).first }
    try await queue.append(record)
    sent.withLock { $0[key] = intent }
  }

  /// Writes down that a step of a row is about to be sent; on disk when it returns.
  public func begin(
    _ step: Int, of submission: Submission, for key: RowKey
  ) async throws(JournalError) {
    try await note(step, of: submission, isDone: false, for: key)
  }

  /// Writes down that the target has a step of a row; on disk when it returns.
  public func complete(
    _ step: Int, of submission: Submission, for key: RowKey
  ) async throws(JournalError) {
    try await note(step, of: submission, isDone: true, for: key)
  }

  /// Settles a row in doubt because the target was asked; `unknown` settles nothing.
  public func settle(_ key: RowKey, as settlement: Settlement) async throws(JournalError) {
    // The target and what it proved, as one word: a ledger line holds no blanks.
    func author(_ evidence: String) -> String { "target:" + evidence.replacing(" ", with: "_") }
    switch settlement {
    case .accepted(let evidence): try await mark(key, as: .accepted, by: author(evidence))
    case .notAccepted(let evidence): try await mark(key, as: .notAccepted, by: author(evidence))
    case .unknown: break
    }
  }

  /// Writes down that a step of a row is about to be sent, or was accepted; on disk when it returns.
  public func note(
    _ step: Int, of submission: Submission, isDone: Bool, for key: RowKey
  ) async throws(JournalError) {
    var record = LedgerRecord(.step, at: .now(), key: try fingerprint(key))
    record.step = step
    let part = step == 0 ? submission.operation : submission.followUps[step - 1].name
    record.part = LedgerWord.encoded(part)
    record.verdict = (isDone ? StepState.accepted : .begun).rawValue
    try await queue.append(record)
  }

  /// Writes down what became of a row; on disk when it returns.
  ///
  /// Nothing is written for a row that has no key, for one that was skipped, and for one that was not sent and ended as it did before:
  /// running the same command again does not make the ledger longer.
  public func record(_ outcome: Outcome) async throws(JournalError) {
    guard outcome.verdict != .skipped, let name = outcome.key else { return }
    let key = try fingerprint(name)
    let intent = outcome.attempts > 0 ? sent.withLock { $0.removeValue(forKey: key) } : nil
    var record = LedgerRecord(outcome, key: key)
    (record.customer, record.digest) = (intent?.customer, intent?.digest)
    record.operation = intent?.operation
    let isNew = queue.lookUp { $0.isNews(record) }
    guard isNew else { return try await queue.synchronize() }
    try await queue.append(record)
  }

  /// Settles a row without sending it: the target was asked, or the operator knows.
  ///
  /// - Parameter author: `target`, or `operator:` and a login name.
  public func mark(_ key: RowKey, as settled: Settled, by author: String) async throws(JournalError)
  {
    var record = LedgerRecord(.mark, at: .now(), key: try fingerprint(key))
    record.verdict = settled.rawValue
    record.author = LedgerWord.encoded(author)
    try await queue.append(record)
  }

  private func fingerprint(_ key: RowKey) throws(JournalError) -> Fingerprint {
    guard let key = Fingerprint(key.description) else {
      throw JournalError(
        "a row without a key cannot be written down: libcrypto fails; check OpenSSL 3")
    }
    return key
  }
}
