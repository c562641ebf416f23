import IntakeCore
import IntakeRunner

/// `docintake run`: the main job.
enum RunCommand {
  static let spec = CommandSpec(
    path: ["run"], summary: "submit a batch of customers and record what became of each one",
    arguments: "MANIFEST", argumentCount: 1...1,
    options: RunOptions.targetOptions + RunOptions.manifestOptions + [
      RunOptions.ledger, RunOptions.history,
      OptionSpec(
        "wait-for-ledger", value: "DURATION", default: "0",
        help: "how long to wait for a ledger that another process has, such as 90s, 15m or 2h"),
      OptionSpec(
        "ambiguous", choices: ["reconcile", "hold", "resend"], default: "reconcile",
        help: "what to do with rows in doubt"),
    ] + RunOptions.patienceOptions + [
      RunOptions.concurrency, RunOptions.workers, Isolation.option, RunOptions.rate,
      RunOptions.bandwidth,
      OptionSpec(
        "halt", value: "WHEN",
        help:
          "give up when so many rows fail, a count or a share: soon,fail=10% (finish what is in "
          + "flight) or now,fail=1"),
      RunOptions.shard, RunOptions.shardsAtOnce, RunOptions.limit, RunOptions.only,
      OptionSpec(
        "resubmit-changed", place: .commandLine,
        help: "send accepted rows again whose cells or images were changed since"),
      RunOptions.failed,
      OptionSpec(
        "dry-run", short: "n", place: .commandLine,
        help: "everything but the sending; prints the redacted request"),
      OptionSpec(
        "show-personal", place: .commandLine,
        help:
          "show personal fields in the redacted request, and what target and programs say about a row as it is"
      ),
    ] + RunOptions.unattendedOptions + RunOptions.messageOptions + [
      OptionSpec(
        "keep", place: .commandLine,
        help: "hold the embedded sandbox open after the run, until a signal")
    ],
    examples: [
      "docintake run customers.csv --to sandbox --verbose",
      "docintake run customers.csv --to dcams --credentials dcams.json | jq -c 'select(.outcome!=\"accepted\")'",
      "docintake run customers.csv --to dcams --credentials dcams.json --only failed",
      "docintake run - --to sandbox --set shrink.edge=1600 --set shrink.max-bytes=400000 < customers.jsonl",
    ],
    notes: [manifest, again, progress, failed, signals, ExitCode.table]
  ) { arguments, invocation in
    let policy = try RunPolicy(arguments)
    return try await RunSession(arguments, invocation, policy: policy).run()
  }

  /// What a manifest is, from the one list of columns.
  static let manifest =
    "MANIFEST is CSV with a header or JSON, - for standard input, or a folder that holds\nmanifest.csv or manifest.jsonl. Encoding, delimiter, gzip and a title above the header\nare recognised; --map-known reads headers as people write them.\nColumns:\n"
    + Column.allCases.map { "  " + $0.rawValue.padded(to: 12) + $0.summary }
    .joined(separator: "\n")

  private static let signals = """
    The first SIGINT or SIGTERM finishes what is in flight, the second aborts. SIGUSR1 (and SIGINFO, Ctrl-T,
    where there is one) prints a snapshot on standard error, and the run goes on: counts, rate, what is in
    flight, the ledger.
    """

  private static let progress = """
    On a terminal results are a short line a row, and the last line tells how far the run has come: rows done of
    all (~ before an estimate), what it waits for and until when, failures by code, when it ends. In a log there
    is such a line every 30 s. At the end stand the causes of what went wrong, and the command for what is left.
    """

  private static let again = """
    The same command again goes on where the last one stopped: rows that were accepted are skipped, rows in
    doubt are settled by asking the target, the others are sent. Rows are known by what the target knows the
    customer by, never by position.
    """

  static let failed = """
    --failed holds customers' data (its mode is 0600), appears when the run ends, and only if some row was not
    accepted. A run that stops early writes the rows that it has read by then; nothing is overwritten. A row
    that cannot be split into cells is one cell. For JSON Lines the columns are those that the rows have. It is
    UTF-8, with a byte order mark for spreadsheets unless the manifest was UTF-8 without one.
    """
}

/// `docintake check`: every error of every row, nothing sent.
enum CheckCommand {
  private static let againstLedger = OptionSpec(
    "against-ledger", place: .commandLine,
    help: "leave out what the ledger says was accepted; it is only read")

  private static let fix = OptionSpec(
    "fix", value: "OUT.csv", place: .commandLine,
    help:
      "write the manifest as it was understood, to look at and to run: UTF-8, known headers, days as YYYY-MM-DD, paths "
      + "that fit; the original columns follow")

  private static let all = OptionSpec(
    "all",
    help:
      "list each row that has errors, in the manifest's order; else more than 20 errors are told by cause"
  )

  /// Rows are checked against the first target when `--to` isn't given.
  static func spec(_ registry: StageRegistry) -> CommandSpec {
    let usual = registry.targets.first?.name
    var to = RunOptions.to
    to.defaultText = usual
    return CommandSpec(
      path: ["check"], summary: "find every error of every row in one pass; nothing is sent",
      arguments: "MANIFEST", argumentCount: 1...1,
      options: [to] + RunOptions.targetOptions.dropFirst() + RunOptions.manifestOptions
        + [
          againstLedger, RunOptions.ledger, RunOptions.history, RunOptions.only,
          RunOptions.workers, Isolation.option, RunOptions.rate, RunOptions.shard,
          RunOptions.limit, RunOptions.failed, fix, all,
        ] + RunOptions.unattendedOptions + RunOptions.messageOptions,
      examples: [
        "docintake check customers.csv",
        "docintake check customers.csv --verbose --set shrink.edge=1600",
        "docintake check customers.csv --rate 5/s",
        "docintake check export.csv --map-known --date-format MM/DD/YYYY --fix customers.csv",
        "docintake check customers.csv | jq -c 'select(.outcome==\"rejected\")'",
      ],
      notes: [RunCommand.manifest, RunCommand.failed, ExitCode.table]
    ) { arguments, invocation in
      var policy = try RunPolicy(arguments)
      policy.mode = .check
      let arguments = arguments.defaulting("to", to: usual)
      return try await RunSession(arguments, invocation, policy: policy).run()
    }
  }
}
