public import IntakeCore
import IntakeLedger
import IntakeSystem
import Synchronization

/// Writes down in the ledger what becomes of each row, and knows what became of it before.
public final class Record: Journal {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("file of the ledger; made when it is missing, with its key file beside it")
    var ledger: String? = nil
    @Option(
      "part of the manifest that this run takes, i/n; `ledger merge` checks that each has a ledger")
    var shard: String? = nil
    @Option(
      "off is for benchmarks alone: after a power cut the ledger may lack rows that were sent")
    var sync = Sync.always

    /// Every option with its default.
    public init() {}
  }

  enum Sync: String, CaseIterable { case always, off }

  /// `record`.
  public static let name = "record"
  /// What it does.
  public static let summary =
    "write intent and outcome of each row to the ledger, on disk before anything follows"
  /// An entry that works.
  public static let example = #"{"stage":"record","ledger":"batch.ledger"}"#

  private let options: Options
  private let opened = Mutex<Opened?>(nil)

  private struct Opened: Sendable {
    let ledger: Ledger
    let operation: String
  }

  /// Takes checked options; opens nothing yet.
  public init(options: Options) { self.options = options }

  /// What the operator should know about the opening, such as a torn end that was cut.
  public var notices: [String] { opened.withLock { $0?.ledger.notices ?? [] } }

  /// Opens the ledger for a target and an operation.
  public func open(for target: String, operation: String) async throws {
    guard let path = options.ledger else {
      throw JournalError(
        "there is no path for the ledger: give --ledger or record.ledger in the plan")
    }
    var settings = LedgerSettings(
      path: path, target: target, operation: operation, shard: options.shard)
    settings.isSynchronized = options.sync == .always
    let ledger = try await Ledger.open(settings)
    let crashes = path + ".crashed"
    for name in CrashNote.take(from: crashes) { try? await ledger.noteStart(of: RowKey(name)) }
    CrashNote.arm(crashes)
    opened.withLock { $0 = Opened(ledger: ledger, operation: operation) }
  }

  /// The row's key in this ledger; empty before it is open.
  public func key(for identity: Personal<[UInt8]>) -> RowKey {
    let opened = opened.withLock { $0 }
    return opened?.ledger.key(for: identity, operation: opened?.operation ?? "") ?? RowKey("")
  }

  /// What the ledger says about a row.
  public func standing(of key: RowKey) async -> Standing {
    opened.withLock { $0 }?.ledger.standing(of: key) ?? .unknown
  }

  /// Whether the ledger's last attempt of that row had the same content.
  public func isUnchanged(_ submission: Submission, for key: RowKey) async -> Bool {
    opened.withLock { $0 }?.ledger.isUnchanged(submission, for: key) ?? false
  }

  /// Whether the row was made of something else when it was sent last; false where the ledger does not know.
  public func isChanged(_ source: Personal<[UInt8]>, for key: RowKey) async -> Bool {
    opened.withLock { $0 }?.ledger.isChanged(source, for: key) ?? false
  }

  /// When the ledger's last line about a row was written at the latest, for it keeps whole seconds; nil when there is none.
  public func lastWritten(_ key: RowKey) async -> UnixTime? {
    opened.withLock { $0 }?.ledger.lastWritten(key)
  }

  /// How often the program crashed while it worked on this row and nothing came of it since.
  public func crashes(of key: RowKey) async -> Int {
    opened.withLock { $0 }?.ledger.unfinishedStarts(of: key) ?? 0
  }

  /// The steps of this very submission that the target has.
  public func stepsDone(of submission: Submission, for key: RowKey) async -> Set<Int> {
    opened.withLock { $0 }?.ledger.stepsDone(of: submission, for: key) ?? []
  }

  /// The outcome that made the row's standing.
  public func lastOutcome(of key: RowKey) async -> Outcome? {
    opened.withLock { $0 }?.ledger.lastOutcome(of: key)
  }

  /// Ends the ledger's thread and lets go of its lock.
  public func finish() async {
    let ledger = opened.withLock { opened in
      defer { opened = nil }
      return opened?.ledger
    }
    await ledger?.close()
  }
}

// Writing.
extension Record {
  /// Writes down that a row is about to be sent; returns when that is on disk.
  public func intend(_ submission: Submission, for key: RowKey, attempt: Int) async throws {
    try await openLedger().intend(submission, for: key, attempt: attempt)
  }

  /// Writes down that a follow-up is about to be sent; returns when that is on disk.
  public func begin(_ step: Int, of submission: Submission, for key: RowKey) async throws {
    try await openLedger().begin(step, of: submission, for: key)
  }

  /// Writes down that the target has a step; returns when that is on disk.
  public func complete(_ step: Int, of submission: Submission, for key: RowKey) async throws {
    try await openLedger().complete(step, of: submission, for: key)
  }

  /// Writes one outcome; returns when it is safe on disk.
  public func record(_ outcome: Outcome) async throws { try await openLedger().record(outcome) }

  /// Settles a row in doubt because the target was asked; `unknown` settles nothing.
  public func settle(_ key: RowKey, as settlement: Settlement) async throws {
    try await openLedger().settle(key, as: settlement)
  }

  private func openLedger() throws(JournalError) -> Ledger {
    guard let opened = opened.withLock({ $0 }) else {
      throw JournalError("the ledger is not open: call `open` first")
    }
    return opened.ledger
  }
}
