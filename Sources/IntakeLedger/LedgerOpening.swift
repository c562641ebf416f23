public import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

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
  /// Whether lines are synchronised to disk; without it a power cut loses what was promised: benchmarks only.
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
}

/// The steps from a path to a ledger that can be written: lock, key, check, recovery, a line for this run.
package struct LedgerOpening {
  let lookup: RowLookup
  let others: [ConsultedLedger]
  var file: any JournalFile { lookup.file }
  var index: LedgerIndex
  var writer: LineWriter
  var notices: [String]

  /// Opens or makes the files; blocks for about a second a million lines.
  init(_ settings: LedgerSettings) throws(JournalError) {
    let file = try LedgerFile.openLocked(settings.path)
    try self.init(file, LedgerOpening.keys(of: file, settings), settings)
  }

  /// Continues with a file that is locked.
  package init(
    _ file: any JournalFile, _ keys: KeyRing, _ settings: LedgerSettings
  ) throws(JournalError) {
    let target = LedgerWord.encoded(settings.target, limit: 512)
    lookup = RowLookup(
      keys: keys, target: target, operation: settings.operation ?? "", file: file)
    let content = try LedgerContent(of: file, keepsStates: false)
    index = content.index
    try content.check(target: target, path: file.path)
    try content.check(shard: settings.shard.map { LedgerWord.encoded($0) }, path: file.path)
    others = try settings.history.map { path throws(JournalError) in
      try ConsultedLedger(consulting: path, settings)
    }
    notices = try LedgerFile.cutTornEnd(of: file, after: content.tip)
    index.forgetWhatWasRead()
    if file.isRemote {
      notices.append(
        "ledger \(file.path) lies on a network file system, where locks and synchronisation may be weaker than "
          + "on a local disk: make sure that no other machine uses it")
    }
    // What is in the file may still be only in memory when the last run was killed before its fsync; from
    // here on it counts, so it has to be on disk.
    try JournalError.explaining(
      "ledger \(file.path) cannot be written to disk", try file.synchronize())
    writer = LineWriter(file, at: content.tip, isSynchronized: settings.isSynchronized)
    try begin(settings)
  }

  /// Writes the line of this run: who works with the ledger, on what, since when.
  private mutating func begin(_ settings: LedgerSettings) throws(JournalError) {
    var record = LedgerRecord(.open, at: .now())
    record.tool = LedgerWord.encoded(settings.tool)
    record.target = lookup.target
    record.operation = settings.operation.map { LedgerWord.encoded($0) }
    record.shard = settings.shard.map { LedgerWord.encoded($0) }
    record.note = settings.note.map { LedgerWord.encoded($0, limit: 256) }
    record.manifest = settings.digests.manifest.map { LedgerWord.encoded($0) }
    record.plan = settings.digests.plan.map { LedgerWord.encoded($0) }
    record.host = LedgerWord.encoded(LedgerOpening.hostName())
    record.process = Int(getpid())
    record.keyProof = lookup.keys.proof()
    try writer.checkPlace()
    try writer.reserve(LineFormat.limit)
    let offset = try writer.append(record)
    try writer.synchronize()
    try index.apply(record, at: offset)
  }

  /// The keys of the ledger; made for a new one, never for one that has lines.
  private static func keys(of file: AppendOnlyFile, _ settings: LedgerSettings)
    throws(JournalError) -> KeyRing
  {
    let places = KeyPlaces(of: file.path, shared: settings.sharedKeys)
    let size = try JournalError.explaining(
      "ledger \(file.path) cannot be used", try file.size())
    guard size > 0 else { return try places.keysForNewLedger() }
    do throws(JournalError) {
      let head = LedgerRecord(at: 0, of: file)
      if let keys = try places.keys(provedBy: head?.keyProof) { return keys }
    } catch {
      // A damaged first line names keys that nobody has: then the line is at fault.
      _ = try LedgerContent(of: file)
      throw error
    }
    try LedgerFile.checkKind(of: file)
    throw JournalError(
      "the key file \(places.shared ?? places.own) of the ledger is missing: without it no row can be "
        + "recognised and all would be sent again. Restore it, or name another ledger")
  }

  /// The machine's name for itself.
  static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Runs work that blocks on a thread of its own, and waits for its result without blocking the cooperative pool.
func onOwnThread<Result: Sendable>(
  _ body: @escaping @Sendable () throws(JournalError) -> Result
) async throws(JournalError) -> Result {
  let result: Swift.Result<Result, JournalError> = await withCheckedContinuation { caller in
    let isStarted = SystemThread.start { caller.resume(returning: Swift.Result(catching: body)) }
    if !isStarted { caller.resume(returning: .failure(.noThread)) }
  }
  return try result.get()
}
