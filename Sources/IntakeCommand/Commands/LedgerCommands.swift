import IntakeCore
import IntakeLedger
import IntakeSystem

/// `docintake ledger`: reads and tends ledgers.
enum LedgerCommands {
  static let all = [LedgerListCommand.spec, show, verify, stats, merge, prune]

  static let show = CommandSpec(
    path: ["ledger", "show"], summary: "print what became of each row, as JSON Lines",
    arguments: "LEDGER…", argumentCount: 0...Int.max,
    options: [
      OptionSpec(
        "left", value: "MANIFEST", completion: .files,
        help: "the rows of a manifest that a run would not skip, checked as docintake check does"),
      RunOptions.to, RunOptions.endpoint, RunOptions.operation, RunOptions.history,
      RunOptions.shard,
    ] + RunOptions.manifestOptions + [
      OptionSpec(
        "outcome", value: "accepted|not-accepted|in-doubt",
        choices: ["accepted", "not-accepted", "in-doubt", "not_accepted", "in_doubt"],
        completion: .words(["accepted", "not-accepted", "in-doubt"]),
        help: "only rows that stand so"),
      OptionSpec(
        "row", value: "ID", help: "only rows of this id, e-mail or key (needs the key file)"),
    ],
    examples: [
      "docintake ledger show LEDGER --outcome in-doubt | jq -r .row",
      "docintake ledger show --left customers.csv --to dcams | jq -r .row",
    ],
    notes: [
      "With --left at most one LEDGER is given; without one it is that of the target in the state directory.\n"
        + "--to says what customers are known by; with a LEDGER it may be left out. Nothing is sent or written.",
      "With several ledgers each line says which one it is from.",
      "Exit code 3 when none of them has the row that --row names.",
    ]
  ) { arguments, invocation in
    if let manifest = arguments["left"] {
      return try await LedgerLeft.show(manifest, arguments, invocation)
    }
    guard !arguments.positionals.isEmpty else {
      throw CommandError("an argument is missing: LEDGER…", in: arguments.command)
    }
    var isKnown = false
    for path in arguments.positionals {
      isKnown = try show(path, arguments, invocation) || isKnown
    }
    guard let id = arguments["row"], !isKnown else { return .success }
    return missing([id], invocation.console)
  }

  /// Prints the rows that were asked for; whether the ledger has the one that `--row` names.
  private static func show(_ path: String, _ arguments: Arguments, _ invocation: Invocation) throws
    -> Bool
  {
    let place = arguments.positionals.count > 1 ? path : nil
    let reader = try LedgerReader(path, sharedKeys: LedgerPlace.keyFile)
    let keys = try arguments["row"].map { try reader.keys(named: $0) }
    let standing = arguments["outcome"]?.replacing("_", with: "-")
    try reader.forEachRow { (row) throws(JournalError) in
      guard standing == nil || standing == row.standing.word, keys?.contains(row.key) != false
      else { return }
      invocation.results.writeLine(row.fields(of: place))
    }
    return keys?.isEmpty == false
  }

  /// Reports the ids that no row goes by; the words are those of the command line.
  private static func missing(_ ids: [String], _ console: Console) -> ExitCode {
    for id in ids {
      console.error(
        "there is no row \(id.quoted())",
        hint:
          "the name is that of the manifest's id column (reference where it has none), the customer's "
          + "e-mail, or the row's key")
    }
    return ids.isEmpty ? .success : .notAccepted
  }

  static let verify = CommandSpec(
    path: ["ledger", "verify"], summary: "check every line of a ledger",
    arguments: "LEDGER…", argumentCount: 1...Int.max, options: [RunOptions.json],
    notes: [
      "Exit code 0 when every line is as it was written, 6 when not: message and --json name the line."
    ]
  ) { arguments, invocation in
    var failure: JournalError?
    for path in arguments.positionals {
      let result: (fields: JSONFields, text: String)
      do throws(JournalError) {
        let check = try LedgerReader(path).verify()
        result = (check.fields(of: path), check.text(of: path))
      } catch {
        failure = failure ?? error
        result = (error.fields(of: path), "\(path): not ok")
      }
      invocation.results.writeLine(
        arguments.has("json") ? JSONOutput(fields: result.fields).text : result.text)
    }
    if let failure { throw failure }
    return .success
  }

  static let stats = CommandSpec(
    path: ["ledger", "stats"], summary: "count rows, runs and reasons, a line a ledger",
    arguments: "LEDGER…", argumentCount: 1...Int.max
  ) { arguments, invocation in
    for path in arguments.positionals {
      invocation.results.writeLine(try LedgerReader(path).statistics().fields(of: path))
    }
    return .success
  }

  static let merge = CommandSpec(
    path: ["ledger", "merge"], summary: "join the ledgers of all shards into one",
    arguments: "LEDGER…", argumentCount: 1...Int.max,
    options: [OptionSpec("output", short: "o", value: "PATH", help: "the new ledger")],
    notes: [
      "It proves that there is a ledger of each shard, and names those whose last run was killed or stopped:\n"
        + "run the command of each again until it exits 0 or 3.",
      "Exit code 4 when there is one of those, 5 when rows are in doubt; the new ledger is written all the same.",
    ]
  ) { arguments, invocation in
    guard let output = arguments["output"] else {
      throw CommandError("--output is missing", in: arguments.command)
    }
    let merged = try await LedgerMerge.run(
      arguments.positionals, output: output, sharedKeys: LedgerPlace.keyFile)
    invocation.results.writeLine([
      ("ledger", output), ("lines", merged.lines), ("shards", merged.shards.orNull),
      ("rows", merged.rows),
      ("unfinished", JSONOutput.array(merged.unfinished.map { .string($0) })),
      (
        "lastRuns",
        merged.parts.map { JSONOutput(fields: [("ledger", $0.path)] + ($0.lastRun?.fields ?? [])) }
      ),
    ])
    return warn(about: merged, invocation.console)
  }

  /// Says what shows that a shard did not run to its end.
  private static func warn(about merged: LedgerMerge, _ console: Console) -> ExitCode {
    for (path, run) in merged.parts {
      guard let run else { continue }
      let shard = run.shard.map { "shard \($0), " } ?? ""
      let name = "the last run of \(shard)\(Sanitizer.clean(path))"
      if merged.unfinished.contains(path) {
        let what = run.ending == .stopped ? "stopped early" : "was killed"
        console.log(.warning, "\(name), \(what): run its command again, then merge again")
      } else if run.hadNothingToDo {
        console.log(.notice, "\(name), had nothing to do")
      }
    }
    let rows = merged.rows
    let found = [(rows.inDoubt, "in doubt"), (rows.unfinished, "begun and never sent")]
      .filter { $0.0 > 0 }.map { "\($0.0) row\($0.0 == 1 ? " is" : "s are") \($0.1)" }
    if !found.isEmpty {
      console.log(
        .warning,
        "\(found.joined(separator: ", ")): a shard did not run to its end; run its command again, "
          + "then merge again")
    }
    if rows.inDoubt > 0 { return .inDoubt }
    return merged.unfinished.isEmpty ? .success : .stopped
  }

  static let prune = CommandSpec(
    path: ["ledger", "prune"], summary: "take old or named rows out of a ledger, for good",
    arguments: "LEDGER", argumentCount: 1...1,
    options: [
      OptionSpec("older-than", value: "DAYS", help: "settled rows whose last line is older"),
      OptionSpec(
        "forget", value: "ID", isRepeatable: true, help: "the row of this id, e-mail or key"),
    ],
    notes: [
      "Rows in doubt stay however old they are, unless --forget names them.",
      "A later run sends a row that was taken out again, as long as its manifest has it.",
      "Exit code 3 when there is no row of an id that --forget names; the others are taken out.",
    ]
  ) { arguments, invocation in
    let path = arguments.positionals[0]
    let days = try arguments.integer("older-than", in: 0...36_500)
    guard days != nil || arguments.has("forget") else {
      throw CommandError("--older-than DAYS or --forget ID is missing", in: arguments.command)
    }
    let limit = days.map { UTCTime(seconds: SystemTime.wall - Double($0) * 86_400) }
    let reader = try LedgerReader(path, sharedKeys: LedgerPlace.keyFile)
    let named = try arguments.all("forget").map { id in
      (id: id, keys: try one(reader.keys(named: id), "--forget", id))
    }
    let pruned = try await LedgerPruning.run(
      path, olderThan: limit, forgetting: named.flatMap(\.keys))
    invocation.results.writeLine([
      ("ledger", path), ("removedRows", pruned.removedRows),
      ("removedLines", pruned.removedLines), ("keptLines", pruned.keptLines),
    ])
    if pruned.removedRows > 0 {
      invocation.console.log(
        .notice, "a later run sends these rows again, as long as its manifest has them")
    }
    return missing(named.filter(\.keys.isEmpty).map(\.id), invocation.console)
  }

  /// Refuses to change rows of several customers of whom one was meant.
  static func one(_ keys: [RowKey], _ option: String, _ id: String) throws(CommandError) -> [RowKey]
  {
    guard keys.count > 1 else { return keys }
    let list = keys.prefix(5).map(\.description).joined(separator: ", ")
    throw CommandError(
      .usage, "\(keys.count) rows go by \(id.quoted()): nothing was changed",
      hint: "give \(option) the key of one: \(list)\(keys.count > 5 ? " …" : "")")
  }
}
