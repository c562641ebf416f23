public import IntakeCore
import IntakeLedger
import IntakeSystem

/// Opens the ledger, which knows what became of each row and writes down what becomes of it now.
public struct Record: Journal {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("file of the ledger; made when it is missing, with its key file")
    var ledger: String? = nil
    @Option(
      "file of the key that all ledgers of the target share, so that they can be compared (default: "
        + "LEDGER.key beside the ledger, which counts wherever it is)")
    var key: String? = nil
    @Option(
      "other ledgers of the target, whose accepted rows count as accepted; they are only read")
    var history: [String] = []
    @Option(
      "part of the manifest that this run takes, i/n; `ledger merge` checks that each has a ledger")
    var shard: String? = nil
    @Option("what this run was told to do differently, kept in the ledger's line of the run")
    var note: String? = nil
    @Option("SHA-256 of the manifest, kept in the ledger's line of the run; the command sets it")
    var manifestDigest: String? = nil
    @Option("SHA-256 of the plan, kept there too; the command sets it") var planDigest: String? =
      nil
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
  /// Finds other ledgers of the target; asked again once the run has its own, because another run may have made one.
  public var others: @Sendable () -> [String] = { [] }

  /// Opens nothing yet.
  public init(options: Options) { self.options = options }

  /// Opens the ledger, and writes down which rows the program was working on when it crashed.
  public func open(for target: String, operation: String) async throws -> any OpenLedger {
    let settings = try settings(for: target, operation)
    let ledger = try await Ledger.open(settings)
    let crashes = settings.path + ".crashed"
    // A note in which no row's key can be read blames nobody.
    for name in CrashNote.take(from: crashes) { try? await ledger.noteStart(of: RowKey(name)) }
    CrashNote.arm(crashes)
    return ledger
  }

  /// Reads the ledger without making or locking anything.
  public func look(for target: String, operation: String) async throws -> (any LedgerView)? {
    try await LedgerGlance.read(settings(for: target, operation))
  }

  private func settings(for target: String, _ operation: String) throws(JournalError)
    -> LedgerSettings
  {
    guard let path = options.ledger else {
      throw JournalError(
        "there is no path for the ledger: give --ledger or record.ledger in the plan")
    }
    var settings = LedgerSettings(
      path: path, target: target, operation: operation, shard: options.shard)
    settings.note = options.note
    settings.digests = (options.manifestDigest, options.planDigest)
    settings.sharedKeys = options.key
    (settings.history, settings.others) = (options.history, others)
    settings.isSynchronized = options.sync == .always
    return settings
  }
}
