public import IntakeCore
import IntakeSystem

/// A ledger that is open for writing: what became of every row, safe on disk before anybody hears of it.
///
/// One process at a time; any number of tasks. See `LineFormat` for the file, `LedgerReader` for reading alone.
public final class Ledger: OpenLedger {
  /// The path of the file.
  public let path: String
  /// What the operator should know about the opening: a torn end that was cut, a file system that locks badly.
  public let notices: [String]
  private let lookup: RowLookup
  private let others: [ConsultedLedger]
  private let queue: CommitQueue
  private var keys: KeyRing { lookup.keys }

  /// Opens a ledger, or makes one with its key file; recovers from a crash of the last run.
  ///
  /// - Throws: `JournalError` with line, reason and next step when it cannot be worked with.
  public static func open(_ settings: LedgerSettings) async throws(JournalError) -> Ledger {
    try await onOwnThread { () throws(JournalError) in
      let ledger = try Ledger(LedgerOpening(settings))
      // What reading took lies between the parts of the index, where no other thread would use it: 3 MB of a million rows.
      ProcessSetup.returnFreeMemory()
      return ledger
    }
  }

  /// Starts to serve a ledger whose file has been read.
  package init(_ opening: sending LedgerOpening) throws(JournalError) {
    path = opening.file.path
    notices = opening.notices
    (lookup, others) = (opening.lookup, opening.others)
    queue = try CommitQueue(opening.writer, index: opening.index)
  }

  deinit { queue.abandon() }

  /// Writes what is waiting, gives back reserved space and the lock; nothing can be written afterwards.
  public func close() async {
    await queue.close()
    lookup.file.unlock()
  }

  /// What the ledger, and those that are consulted, say about a row, looked up once.
  public func row(for name: RowName) throws(JournalError) -> any KnownRow {
    let names = try lookup.names(of: name)
    // Most rows are accepted, and nobody needs the index while the lines of one are read.
    let lines: RowLines?
    var run: UInt32
    (lines, run) = queue.lookUp { ($0.lines(of: names[0]), $0.run) }
    var state = lines?.state(of: names[0])
    if state == nil {
      (state, run) = try queue.lookUp { [lookup] (index) throws(JournalError) in
        (try lookup.state(of: name, names, in: index), index.run)
      }
    }
    return try RowSnapshot(state?.key ?? names[0], state, in: lookup, run: run)
      .considering(others, name)
  }

  /// What the ledger says about the row of a key.
  package func standing(of key: RowKey) throws(JournalError) -> Standing {
    guard let key = Fingerprint(key.description) else { return .unknown }
    return try queue.lookUp { (index) throws(JournalError) in try index.standing(of: key) }
  }

  /// How many rows there are of each standing.
  package func counts() -> LedgerCounts { queue.lookUp(\.counts) }
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
    intent.digest = keys.digests(of: submission).first
    guard intent.digest != nil else {
      throw JournalError("the request cannot be digested: libcrypto fails; check OpenSSL 3")
    }
    if let origin = submission.origin {
      intent.label = origin.label.flatMap { keys.labels($0).first }
      intent.cells = keys.parts(.cells, origin.cells).first
      intent.files = origin.files.flatMap { keys.parts(.files, $0).first }
      intent.images = origin.images.flatMap { keys.parts(.images, $0).first }
    }
    intent.attempt = attempt
    intent.operation = LedgerWord.encoded(submission.operation)
    try await queue.append(intent)
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
    record.label = outcome.row.label.flatMap { keys.labels($0).first }
    record.files = outcome.deadlyFiles.flatMap { keys.parts(.files, $0).first }
    if outcome.attempts > 0 { record.operation = LedgerWord.encoded(lookup.operation) }
    let isNews = try queue.lookUp { [record] (index) throws(JournalError) in
      try index.isNews(record)
    }
    guard isNews else { return try await queue.synchronize() }
    try await queue.append(record)
  }

  /// Writes down that the run came to an end of its own; on disk when it returns.
  public func end(_ run: RunEnd) async throws(JournalError) {
    try await queue.append(LedgerRecord(run))
  }

  private func fingerprint(_ key: RowKey) throws(JournalError) -> Fingerprint {
    guard let key = Fingerprint(key.description) else {
      throw JournalError("\"\(key)\" isn't the key of a row: nothing can be written down for it")
    }
    return key
  }
}
