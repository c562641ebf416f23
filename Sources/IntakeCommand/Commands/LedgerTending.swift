import IntakeCore
import IntakeLedger
import IntakeSystem

/// `docintake ledger merge` and `prune`: joins ledgers, and takes rows out of one.
enum LedgerTending {
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
      throw arguments.usageError("--output is missing")
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

  /// Reports the shards that did not run to their end.
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
      .filter { $0.0 > 0 }.map { RowText.count($0.0, "row is", "rows are") + " " + $0.1 }
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
      throw arguments.usageError("--older-than DAYS or --forget ID is missing")
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
    return LedgerCommands.missing(named.filter(\.keys.isEmpty).map(\.id), invocation.console)
  }

  /// Refuses a name that several customers share: only one of them is meant.
  static func one(_ keys: [RowKey], _ option: String, _ id: String) throws(CommandError) -> [RowKey]
  {
    guard keys.count > 1 else { return keys }
    let list = keys.prefix(5).map(\.description).joined(separator: ", ")
    throw CommandError(
      .usage, "\(keys.count) rows go by \(id.quoted()): nothing was changed",
      hint: "give \(option) the key of one: \(list)\(keys.count > 5 ? " …" : "")")
  }
}
