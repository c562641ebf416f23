public import IntakeCore
import IntakeSystem

/// How a ledger is opened.
public struct LedgerSettings: Sendable {
  /// The file.
  public var path: String
  /// The receiving API; a ledger is about one.
  public var target: String
  /// The operation that this run sends rows for, which is part of their keys; a ledger may see several.
  public var operation: String?
  /// The part of the manifest that this run takes, `i/n`; nil for all of it.
  public var shard: String?
  /// Name and version of the program, for the record.
  public var tool: String
  /// What the run was told to do differently, such as `only=failed`, for the record; nil for nothing.
  public var note: String?
  /// SHA-256 of the manifest and of the plan in hexadecimal, for the record.
  public var digests: (manifest: String?, plan: String?)
  /// The key file that all ledgers of the target share; nil for a ledger with one of its own, `LEDGER.key`.
  ///
  /// A `LEDGER.key` that is there counts all the same. The file is made when the first ledger is.
  public var sharedKeys: String?
  /// Other ledgers of the target, whose rows count as they stand there; they are only read.
  public var history: [String] = []
  /// Finds further ones; asked again once the run has locked its own, because another run may have made one.
  public var others: @Sendable () -> [String] = { [] }
  /// Whether lines are synchronised to disk; without that a power cut loses what was promised: benchmarks only.
  public var isSynchronized = true

  /// Names the file and the receiving API.
  public init(
    path: String, target: String, operation: String? = nil, shard: String? = nil,
    tool: String = "docintake-\(ProductVersion.number)"
  ) {
    self.path = path
    self.target = target
    self.operation = operation
    self.shard = shard
    self.tool = tool
  }

  /// Every ledger that is consulted as well.
  var consulted: [String] { history + others() }
}

/// A ledger that is open for writing: what became of every row, on disk before anybody hears of it.
///
/// One process at a time; any number of tasks. See `LineFormat` for the file, `LedgerReader` for reading alone.
public final class Ledger: OpenLedger {
  /// The path of the file.
  public let path: String
  /// What the operator should know about the opening: a torn end that was cut, a file system that locks badly.
  public let notices: [String]
  private let lookup: RowLookup
  private let others: [ConsultedLedger]
  /// Its own file and those of the consulted ledgers, even of empty ones: nobody may add to them meanwhile.
  private let locked: [any JournalFile]
  private let queue: CommitQueue
  private var keys: KeyRing { lookup.keys }

  /// Opens a ledger, or makes one with its key file; recovers from a crash of the last run.
  ///
  /// It blocks a thread of its own for about a second a million lines.
  ///
  /// - Throws: `JournalError` with line, reason and next step when it cannot be worked with.
  public static func open(_ settings: LedgerSettings) async throws(JournalError) -> Ledger {
    try await onOwnThread { () throws(JournalError) in
      let files = try LedgerFile.openLocked(settings.path, consulting: { settings.consulted })
      let ledger = try Ledger(files.own, settings, consulting: files.others)
      // What reading took lies between the parts of the index, where no other thread would use it: 3 MB for a million rows.
      ProcessSetup.returnFreeMemory()
      return ledger
    }
  }

  /// Opens the ledger in a file that is locked.
  ///
  /// - Parameters:
  ///   - others: the files of the ledgers that it consults, locked as well.
  ///   - keys: the keys of the ledger; nil for those in its key file.
  package init(
    _ file: any JournalFile, _ settings: LedgerSettings, consulting others: [any JournalFile] = [],
    keys: KeyRing? = nil
  ) throws(JournalError) {
    path = file.path
    let content = try LedgerReader(
      file, keepsStates: false, sharedKeys: { _ in settings.sharedKeys })
    let target = LedgerWord.encoded(settings.target, limit: 512)
    try content.check(target: target)
    try content.check(shard: settings.shard.map { LedgerWord.encoded($0) })
    let keys = if let keys { keys } else { try content.keys(forRun: true) }
    lookup = RowLookup(
      keys: keys, target: target, operation: settings.operation ?? "", file: file)
    locked = [file] + others
    self.others = try others.map { file throws(JournalError) in
      try ConsultedLedger.explaining { () throws(JournalError) in
        try ConsultedLedger(file, settings)
      }
    }.compactMap(\.self)
    var notices = try LedgerFile.cutTornEnd(of: file, after: content.tip)
    if file.isRemote {
      notices.append(
        "ledger \(path) lies on a network file system, where locks and synchronisation may be weaker than "
          + "on a local disk: make sure that no other machine uses it")
    }
    self.notices = notices
    // The last run may have been killed before its fsync, with its lines still only in memory. From here on they
    // count, so they have to be on disk.
    try JournalError.explaining(
      "ledger \(path) cannot be written to disk", try file.synchronize())
    var (writer, index) = (
      LineWriter(file, at: content.tip, isSynchronized: settings.isSynchronized), content.index
    )
    index.forgetWhatWasRead()
    let run = LedgerRecord(beginOf: settings, lookup)
    try writer.checkPlace()
    try writer.reserve(LineFormat.limit)
    let offset = try writer.append(run)
    try writer.synchronize()
    try index.apply(run, at: offset)
    queue = try CommitQueue(writer, index: index)
  }

  deinit { queue.abandon() }

  /// Writes what is waiting, gives back reserved space and the locks; nothing can be written afterwards.
  public func close() async {
    await queue.close()
    for file in locked { file.unlock() }
  }

  /// What this ledger and the consulted ones say about a row, looked up once.
  public func row(for name: RowName) throws(JournalError) -> any KnownRow {
    let names = try lookup.names(of: name)
    // Most rows are accepted. Their lines are read without holding the index.
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
      intent.label = origin.label.flatMap { keys.fingerprints(of: .label, $0.utf8).first }
      intent.cells = keys.fingerprints(of: .cells, origin.cells.exposed).first
      intent.files = origin.files.flatMap { keys.fingerprints(of: .files, $0.exposed).first }
      intent.images = origin.images.flatMap { keys.fingerprints(of: .images, $0.exposed).first }
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
    // A ledger line holds no blanks.
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
  /// Nothing is written for a row that has no key, that was skipped, or that was not sent and ended as it did
  /// before: running the same command again does not make the ledger longer.
  public func record(_ outcome: Outcome) async throws(JournalError) {
    guard outcome.verdict != .skipped, let name = outcome.key else { return }
    let key = try fingerprint(name)
    var record = LedgerRecord(outcome, key: key)
    record.label = outcome.row.label.flatMap { keys.fingerprints(of: .label, $0.utf8).first }
    record.files = outcome.deadlyFiles.flatMap { keys.fingerprints(of: .files, $0.exposed).first }
    if outcome.attempts > 0 { record.operation = LedgerWord.encoded(lookup.operation) }
    let isNews = try queue.lookUp { [record] (index) throws(JournalError) in
      try index.isNews(record)
    }
    guard isNews else { return try await queue.append(nil) }
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

/// Runs work that blocks on its own thread, and waits for the result without blocking the cooperative pool.
func onOwnThread<Result: Sendable>(
  _ body: @escaping @Sendable () throws(JournalError) -> Result
) async throws(JournalError) -> Result {
  let result: Swift.Result<Result, JournalError> = await withCheckedContinuation { caller in
    let isStarted = SystemThread.start { caller.resume(returning: Swift.Result(catching: body)) }
    if !isStarted { caller.resume(returning: .failure(.noThread)) }
  }
  return try result.get()
}
