import IntakeCore
import IntakeLedger
import IntakeRunner
import IntakeSystem

/// `docintake reconcile`: settles rows in doubt by asking the target, or as the operator says.
enum ReconcileCommand {
  static let spec = CommandSpec(
    path: ["reconcile"], summary: "settle rows in doubt: ask the target, or mark them",
    arguments: "LEDGER", argumentCount: 1...1,
    options: [
      OptionSpec(
        "manifest", value: "FILE", place: .commandLine,
        help: "the batch's manifest: the ledger holds nothing to ask the target with"),
      OptionSpec(
        "mark", value: "accepted|not-accepted",
        choices: ["accepted", "not-accepted", "not_accepted"],
        completion: .words(["accepted", "not-accepted"]), place: .commandLine,
        help: "settle without asking"),
      OptionSpec(
        "row", value: "ID", place: .commandLine,
        help: "the row to mark, by the manifest's id or the customer's e-mail"),
      OptionSpec(
        "key", value: "KEY", place: .commandLine, help: "the row to mark, by its key in the ledger"),
    ] + RunOptions.targetOptions + RunOptions.manifestOptions + [
      RunOptions.concurrency, RunOptions.workers, Isolation.option, RunOptions.rate,
      RunOptions.bandwidth,
    ] + RunOptions.patienceOptions + RunOptions.unattendedOptions + RunOptions.messageOptions,
    examples: [
      "docintake reconcile batch.ledger",
      "docintake reconcile batch.ledger --manifest customers.csv --to dcams --credentials dcams.json",
      "docintake reconcile batch.ledger --mark accepted --row C-1001",
    ],
    notes: [
      "Without --manifest and --mark the rows in doubt are listed; exit code 5 when there are any.",
      "To ask, it takes the batch's manifest and the options of the run: the ledger holds no customer.",
      ExitCode.table,
    ]
  ) { arguments, invocation in
    let path = arguments.positionals[0]
    if let word = arguments["mark"]?.replacing("_", with: "-") {
      return try await mark(path, word, arguments, invocation)
    }
    guard let manifest = arguments["manifest"] else { return try list(path, invocation) }
    var policy = try RunPolicy(arguments)
    policy.mode = .reconcile
    // The rows of other shards are in other ledgers.
    if DurableFile.exists(path) {
      policy.shard = try LedgerReader(path).shard.map {
        try ShardReading.shard($0, arguments.command)
      }
    }
    let session = arguments.reading(manifest).defaulting("ledger", to: path)
    return try await RunSession(session, invocation, policy: policy).run()
  }

  /// A ledger holds nothing personal, so without the manifest there is nobody to ask the target about.
  private static func list(_ path: String, _ invocation: Invocation) throws -> ExitCode {
    var count = 0
    try LedgerReader(path).forEachRow { row in
      guard row.standing == .inDoubt else { return }
      count += 1
      invocation.results.writeLine(row.fields())
    }
    guard count > 0 else {
      invocation.console.log(.notice, "no row is in doubt")
      return .success
    }
    invocation.console.error(
      RowText.count(count, "row is", "rows are")
        + " in doubt, and a ledger alone holds nothing to ask the target with",
      hint: "give --manifest FILE --to TARGET --credentials FILE to ask, or settle each by "
        + "--mark accepted|not-accepted with --row ID or --key KEY")
    return .inDoubt
  }

  private static func mark(
    _ path: String, _ word: String, _ arguments: Arguments, _ invocation: Invocation
  ) async throws -> ExitCode {
    guard arguments.has("key") || arguments.has("row") else {
      throw arguments.usageError("--mark needs --row ID or --key KEY")
    }
    let about = try LedgerReader(path, sharedKeys: LedgerPlace.keyFile)
    let keys =
      try arguments["key"].map { [RowKey($0)] } ?? about.keys(named: arguments["row"] ?? "")
    var settings = LedgerSettings(path: path, target: about.target ?? "", shard: about.shard)
    settings.sharedKeys = about.target.flatMap(LedgerPlace.keyFile)
    let ledger = try await Ledger.open(settings)
    let doubtful = try keys.filter { try ledger.standing(of: $0) == .inDoubt }
    if let id = arguments["row"] { _ = try LedgerTending.one(doubtful, "--key", id) }
    let author = "operator:\(Terminal.environment("USER") ?? "unknown")"
    for key in doubtful {
      try await ledger.mark(key, as: word == "accepted" ? .accepted : .notAccepted, by: author)
    }
    await ledger.close()
    guard !doubtful.isEmpty else {
      throw CommandError(
        .usage, "no row in doubt goes by that name",
        hint: "docintake reconcile \(Sanitizer.clean(path)) lists the rows in doubt with their keys"
      )
    }
    for key in doubtful {
      invocation.results.writeLine([("key", key.description), ("marked", word)])
    }
    return .success
  }
}
