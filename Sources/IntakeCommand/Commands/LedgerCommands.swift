import IntakeCore
import IntakeLedger
import IntakeRunner

/// `docintake ledger list`, `show`, `verify` and `stats`: what ledgers say.
enum LedgerCommands {
  static let all = [
    list, show, verify, stats, LedgerTending.merge, LedgerTending.prune,
  ]

  static let show = CommandSpec(
    path: ["ledger", "show"], summary: "print what became of each row, as JSON Lines",
    arguments: "LEDGER…", argumentCount: 0...Int.max,
    options: [
      OptionSpec(
        "left", value: "MANIFEST", place: .commandLine,
        help: "the rows of a manifest that a run would not skip, checked as docintake check does"),
      RunOptions.to, RunOptions.endpoint, RunOptions.operation, RunOptions.history,
      RunOptions.shard,
    ] + RunOptions.manifestOptions + [
      OptionSpec(
        "outcome", value: "accepted|not-accepted|in-doubt",
        choices: ["accepted", "not-accepted", "in-doubt", "not_accepted", "in_doubt"],
        completion: .words(["accepted", "not-accepted", "in-doubt"]),
        place: .commandLine, help: "only rows that stand so"),
      OptionSpec(
        "row", value: "ID", place: .commandLine,
        help: "only rows of this id, e-mail or key (needs the key file)"),
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
      return try await showLeft(of: manifest, arguments, invocation)
    }
    guard !arguments.positionals.isEmpty else {
      throw arguments.usageError("an argument is missing: LEDGER…")
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
    let standing = arguments["outcome"]?.replacing("-", with: "_")
    try reader.forEachRow { row in
      guard standing == nil || standing == row.standing.code, keys?.contains(row.key) != false
      else { return }
      invocation.results.writeLine(row.fields(of: place))
    }
    return keys?.isEmpty == false
  }

  /// Reports the ids that no row goes by; the words are those of the command line.
  static func missing(_ ids: [String], _ console: Console) -> ExitCode {
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
    let (results, isJSON) = (invocation.results, arguments.has("json"))
    var failure: JournalError?
    for path in arguments.positionals {
      do throws(JournalError) {
        let check = try LedgerReader.verify(path)
        results.writeLine(check.fields(of: path), or: check.text(of: path), isJSON: isJSON)
      } catch {
        failure = failure ?? error
        results.writeLine(error.fields(of: path), or: "\(path): not ok", isJSON: isJSON)
      }
    }
    if let failure { throw failure }
    return .success
  }

  static let stats = CommandSpec(
    path: ["ledger", "stats"], summary: "count rows, runs and reasons, a line a ledger",
    arguments: "LEDGER…", argumentCount: 1...Int.max
  ) { arguments, invocation in
    for path in arguments.positionals {
      invocation.results.writeLine(try LedgerReader(path).fields(of: path))
    }
    return .success
  }

  static let list = CommandSpec(
    path: ["ledger", "list"],
    summary: "list the ledgers of the state directory with their rows and last runs",
    options: [RunOptions.json],
    examples: ["docintake ledger list --json | jq -r 'select(.rows.in_doubt>0).ledger'"],
    notes: [
      "JSON Lines, or words on a terminal. How the last run ended: complete, stopped, killed, running (its\n"
        + "process is there), or unknown for ledgers of format 1.",
      "Exit code 6 when a ledger cannot be read; the others are listed all the same.",
    ]
  ) { arguments, invocation in
    let isJSON = arguments.has("json") || !invocation.results.isTerminal
    var code = ExitCode.success
    for path in try LedgerPlace.all() {
      do throws(JournalError) {
        let ledger = try LedgerReader(path)
        invocation.results.writeLine(
          fields(of: ledger, path), or: text(ledger, path), isJSON: isJSON)
      } catch {
        code = .ledgerUnusable
        invocation.console.error(error.description, hint: nil)
      }
    }
    return code
  }

  private static func fields(of ledger: LedgerReader, _ path: String) -> JSONFields {
    [
      ("ledger", path), ("target", ledger.target.orNull), ("shard", ledger.shard),
      ("rows", ledger.rows), ("runs", ledger.runs.count),
      ("lastRun", ledger.runs.last.map { JSONOutput(fields: $0.fields) }.orNull),
    ]
  }

  private static func text(_ ledger: LedgerReader, _ path: String) -> String {
    let rows = ledger.rows
    let counts = [
      (rows.accepted, "accepted"), (rows.notAccepted, "not accepted"), (rows.inDoubt, "in doubt"),
      (rows.unfinished, "unfinished"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return """
      \(ledger.target ?? "no target yet")\(ledger.shard.map { ", shard \($0)" } ?? ""): \
      \(counts.isEmpty ? "no rows" : counts.joined(separator: ", "))
        last run \(ledger.runs.last?.text ?? "-")
        \(path)
      """
  }

  /// `--left MANIFEST`: a check of the manifest that leaves out what a run would skip.
  private static func showLeft(
    of manifest: String, _ arguments: Arguments, _ invocation: Invocation
  ) async throws -> ExitCode {
    guard arguments.positionals.count < 2 else {
      throw arguments.usageError("--left takes one LEDGER; give others with --history")
    }
    let path = arguments.positionals.first
    let target = try path.flatMap(LedgerReader.target(of:))
    guard arguments.has("to") || target != nil else {
      throw arguments.usageError(
        "--left needs --to TARGET or a LEDGER: they say what customers are known by")
    }
    var policy = try RunPolicy(arguments)
    policy.mode = .check
    policy.consultsLedger = true
    let session = arguments.reading(manifest).defaulting("ledger", to: path)
      .aimed(at: target, invocation.registry)
    return try await RunSession(session, invocation, policy: policy).run()
  }
}

extension Arguments {
  /// The same for the target of a ledger on the command line, such as `dcams:dcams.app`, which wins over settings;
  /// nothing is ever sent there.
  func aimed(at target: String?, _ registry: StageRegistry) -> Arguments {
    guard let target, !isTyped("to") else { return self }
    let (name, host) = target.halves(at: ":") ?? (target, "")
    // What a plan alone describes takes that plan.
    guard let vendor = registry.vendors.first(where: { $0.name == name }) else {
      return defaulting("to", to: name)
    }
    let plain = without("to").without("endpoint")
    if host == "sandbox", let emulation = vendor.emulation {
      return plain.defaulting("to", to: emulation.name)
    }
    let address = host == "loopback" ? "http://127.0.0.1/" : "https://\(host)/"
    return plain.defaulting("to", to: name).defaulting("endpoint", to: address)
  }
}
