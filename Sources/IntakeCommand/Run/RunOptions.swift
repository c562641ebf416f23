import IntakeCore
import IntakeImaging
import IntakeRunner
import IntakeSystem

enum RunOptions {
  static let to = OptionSpec(
    "to", value: "TARGET", completion: .targets, help: "or a plan file (*.json)")
  static let endpoint = OptionSpec("endpoint", of: "submit", value: "URL", place: .besideTarget)
  static let credentials = OptionSpec(
    "credentials", of: "submit", value: "FILE|fd:N|command:\"…\"", place: .besideTarget)
  static let operation = OptionSpec(
    "operation", value: "NAME", completion: .operations,
    place: .besideTarget, help: "what to do with each row; default: the target's create")
  static let ledger = OptionSpec(
    "ledger", of: "record", value: "PATH", completion: .ledgers, place: .besideTarget,
    help: "where outcomes are recorded; default: the target's ledger in the state directory")
  static let history = OptionSpec(
    "history", of: "record", value: "LEDGER", isRepeatable: true, place: .besideTarget,
    help:
      "another ledger of the target: what was accepted there is not sent again; default: those in the state "
      + "directory, where --ledger isn't given")
  static let concurrency = OptionSpec(
    "concurrency", value: "N", default: "4", help: "requests at once at most")
  static let workers = OptionSpec(
    "workers", value: "N", default: "one a core", help: "threads for the work on images")
  static let rate = OptionSpec("rate", value: "N/s", help: "requests a second at most")
  static let bandwidth = OptionSpec(
    "bwlimit", value: "BYTES/s",
    help:
      "bytes of requests a second at most, on average, such as 500k or 2M; a request leaves at full speed"
  )
  static let shard = OptionSpec(
    "shard", value: "i/n|auto", completion: .words(["auto"]), place: .commandLine,
    help:
      "work on one of n parts only, chosen by a hash of the row's identity; auto: the part that "
      + "Slurm or AWS Batch names; auto/n where the scheduler tells no number, and for tasks that are "
      + "submitted again by themselves, counted from 0")
  static let shardsAtOnce = OptionSpec(
    "shards-at-once", value: "N",
    help:
      "how many of the parts run at the same time, such as 4 in a Slurm array of 0-7%4: they "
      + "share --rate; default: all")
  static let limit = OptionSpec(
    "limit", value: "N", place: .commandLine, help: "work on N rows at most")
  static let only = OptionSpec(
    "only", choices: ["failed", "in-doubt"], place: .commandLine,
    help: "only rows that the ledger lists so")
  static let failed = OptionSpec(
    "failed", value: "FILE.csv", place: .commandLine,
    help:
      "also write the rows that were not accepted, as a manifest to correct and run: with the manifest's own "
      + "columns and cells, in its order, and with reason, hint and next")
  static let logFormat = OptionSpec(
    "log-format", choices: ["text", "json", "github"], default: "text",
    help: "form of the messages; github: as annotations of a workflow's run")
  static let json = OptionSpec("json", help: "print as JSON")

  /// How the target is reached, for every command that does.
  static let networkOptions = [
    OptionSpec(
      "proxy", of: "submit", value: "env|URL|none", completion: .words(["env", "none"])),
    OptionSpec("ca-file", of: "submit", value: "FILE"),
    OptionSpec("client-cert", of: "submit", value: "FILE", place: .besideTarget),
    OptionSpec("client-key", of: "submit", value: "FILE", place: .besideTarget),
  ]
  /// How the manifest is read.
  static let manifestOptions = [
    OptionSpec("format", of: "load"),
    OptionSpec("images-root", of: "load", value: "DIR"),
    OptionSpec("front", of: "load", value: "PATTERN"),
    OptionSpec("back", of: "load", value: "PATTERN"),
    OptionSpec("map", of: "load", value: "HEADER=COLUMN", isRepeatable: true),
    OptionSpec("map-known", of: "load"),
    OptionSpec(
      "ignore-column", of: "load", "ignore-columns", value: "HEADER", isRepeatable: true),
    OptionSpec("encoding", of: "load", value: "NAME", completion: .words(encodings)),
    OptionSpec("date-format", of: "load", value: "FORMAT"),
    OptionSpec("null", of: "load", value: "TEXT,…"),
  ]
  private static let encodings = [
    "auto", "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252", "windows-1250", "macintosh",
  ]
  /// Those that set an option of a stage, whether a command takes them or sets them by itself.
  static let stageOptions =
    [endpoint, credentials, ledger, history] + networkOptions + manifestOptions
  /// What the command line changes in the plan.
  static let planOptions = [
    OptionSpec(
      "set", value: "STAGE.OPTION=VALUE", isRepeatable: true, completion: .stageOptions,
      help: "set an option of a stage, by its name or its role (see docintake stages show STAGE)"),
    OptionSpec(
      "insert", value: "after:STAGE 'NEW OPTION=VALUE …'", isRepeatable: true, wordCount: 2,
      completion: .places, help: "put a stage in, after or before: another"),
    OptionSpec(
      "replace", value: "STAGE 'NEW OPTION=VALUE …'", isRepeatable: true, wordCount: 2,
      completion: .stages, help: "put a stage in the place of another"),
    OptionSpec(
      "without", value: "STAGE", isRepeatable: true, completion: .stages, help: "take a stage out"),
    OptionSpec("print-plan", place: .commandLine, help: "print the plan as a plan file and stop"),
    OptionSpec(
      "tap", value: "STAGE", isRepeatable: true, completion: .stages, place: .commandLine,
      help: "show what enters and leaves a stage, redacted, as JSON Lines on standard error"),
  ]
  static let targetOptions =
    [to, endpoint, credentials, operation] + networkOptions + planOptions
  /// How long to wait and how often to try again.
  static let patienceOptions = [
    OptionSpec(
      "settle-after", value: "SECONDS", default: "10",
      help: "how long an attempt without an answer may still be under way at the target"),
    OptionSpec(
      "wait-for-target", value: "DURATION", default: "15m",
      help:
        "how long to wait for a target that is down, such as 90s, 15m or 2h; 0 stops after four "
        + "attempts"),
    OptionSpec(
      "retries", value: "N", default: "5",
      help:
        "how often a row is tried again, 0 to 20; while the target is down nothing is counted. All "
        + "rows of a run share a budget: 500, of which a failure costs 14, a 429 costs 5, and an "
        + "accepted row gives back 1"),
    OptionSpec("until", value: "HH:MM", help: "stop softly at that time of day, exit code 4"),
    OptionSpec("max-duration", value: "DURATION", help: "stop softly after so long, exit code 4"),
  ]
  /// For runs that nobody watches.
  static let unattendedOptions = [
    OptionSpec(
      "log-file", value: "FILE",
      help: "add every message to this file as well, with its time; it may be moved away meanwhile"),
    OptionSpec(
      "metrics", value: "FILE.prom",
      help: "keep the run's numbers there as OpenMetrics text, for a textfile collector"),
    OptionSpec(
      "notify", value: "PROGRAM",
      help:
        "run it at the end, whatever it is, with the summary, or why there is none, as JSON on its standard input"
    ),
  ]
  static let messageOptions = [
    ResultForm.option,
    OptionSpec(
      "progress", choices: ["auto", "bar", "plain", "json", "none"], default: "auto",
      help:
        "how progress is shown on standard error; auto: a line that stays on a terminal, else a line every 30 s"
    ),
    logFormat,
    OptionSpec("verbose", short: "v", help: "show every row, with sizes before and after"),
    OptionSpec(
      "quiet", short: "q",
      help: "no summary and no progress, only rows with problems, warnings and errors"),
    OptionSpec("hide-paths", help: "leave file names out of results and messages"),
  ]
}

extension RunPolicy {
  /// How this run differs from one of all rows, for its line in the ledger; nil where it doesn't.
  var note: String? {
    let words = [
      mode == .reconcile ? "reconcile" : nil, only.map { "only=\($0.rawValue)" },
      limit.map { "limit=\($0)" }, resubmitsChanged ? "resubmit-changed" : nil,
      ambiguous == .reconcile ? nil : "ambiguous=\(ambiguous.rawValue)",
    ].compactMap(\.self)
    return words.isEmpty ? nil : words.joined(separator: ",")
  }

  init(_ arguments: Arguments) throws(CommandError) {
    self.init()
    workers = try arguments.integer("workers", in: 1...256) ?? ProcessorCount.usable
    concurrency = try arguments.integer("concurrency", in: 1...256) ?? concurrency
    limit = try arguments.integer("limit", in: 0...Int.max)
    settleAfter = try arguments.seconds("settle-after") ?? settleAfter
    waitForTarget = try arguments.seconds("wait-for-target") ?? waitForTarget
    retries = try arguments.integer("retries", in: 0...20) ?? retries
    if arguments.has("dry-run") { mode = .dryRun }
    showsPersonal = arguments.has("show-personal")
    // A ledger in the settings is that of runs: a check reads it only if an option was typed.
    consultsLedger = ["against-ledger", "ledger", "history", "only"]
      .contains(where: arguments.isTyped)
    waitForLedger = try arguments.seconds("wait-for-ledger") ?? 0
    only = arguments["only"].flatMap(Selection.init(rawValue:))
    ambiguous = arguments["ambiguous"].flatMap(Ambiguous.init(rawValue:)) ?? .reconcile
    resubmitsChanged = arguments.has("resubmit-changed")
    halt = try arguments.value("halt", "soon,fail=10% or now,fail=1", Halt.init)
    rate = try arguments.value("rate", "requests a second such as 5/s", RunPolicy.rate)
    bytesPerSecond = try arguments.value(
      "bwlimit", "bytes a second from 1k, such as 500k or 2M", RunPolicy.bandwidth)
    if let text = arguments["shard"] {
      let part = try ShardReading.shard(text, arguments.command)
      shard = part
      let atOnce = try arguments.integer("shards-at-once", in: 1...100_000) ?? part.count
      rate = rate.map { $0 / Double(min(atOnce, part.count)) }
    } else if arguments.has("shards-at-once") {
      throw arguments.usageError("--shards-at-once needs --shard")
    }
  }

  private static func bandwidth(_ text: String) -> Double? {
    let text = text.hasSuffix("/s") ? text.dropLast(2) : text[...]
    let factors: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9]
    let factor = text.last.flatMap { factors[$0] }
    guard let number = Double(factor == nil ? text : text.dropLast()) else { return nil }
    let limit = number * (factor ?? 1)
    return (1e3...1e12).contains(limit) ? limit : nil
  }

  private static func rate(_ text: String) -> Double? {
    let number = Double(text.hasSuffix("/s") ? text.dropLast(2) : text[...])
    return number.flatMap { $0 > 0 && $0 <= 10_000 ? $0 : nil }
  }
}

enum ShardReading {
  static func shard(_ text: String, _ command: CommandSpec) throws(CommandError) -> Shard {
    if text == "auto" || text.hasPrefix("auto/") { return try scheduled(text, command) }
    guard let (first, second) = text.halves(at: "/"), let index = Int(first),
      let count = Int(second), let shard = Shard(index: index, of: count)
    else {
      throw command.usageError("--shard takes i/n with i from 1 to n, such as 2/5, or auto")
    }
    return shard
  }

  /// The part that a scheduler gives this process: Slurm array, AWS Batch array, Kubernetes Indexed Job.
  private static func scheduled(_ text: String, _ command: CommandSpec) throws(CommandError)
    -> Shard
  {
    let given = text.halves(at: "/").flatMap { Int($0.1) }
    func number(_ name: String) -> Int? { Terminal.environment(name).flatMap { Int($0) } }
    var shard: Shard?
    if let index = number("SLURM_ARRAY_TASK_ID") {
      let first = number("SLURM_ARRAY_TASK_MIN") ?? 0
      let step = max(1, number("SLURM_ARRAY_TASK_STEP") ?? 1)
      let all = number("SLURM_ARRAY_TASK_COUNT") ?? 0
      // Tasks that are submitted again form a small array of their own: then they count from 0, out of the given N.
      let isWhole = given == nil || given == all
      shard = Shard(index: isWhole ? (index - first) / step + 1 : index + 1, of: given ?? all)
    } else if let index = number("AWS_BATCH_JOB_ARRAY_INDEX") {
      shard = Shard(index: index + 1, of: given ?? number("AWS_BATCH_JOB_ARRAY_SIZE") ?? 0)
    } else if let index = number("JOB_COMPLETION_INDEX") {
      shard = Shard(index: index + 1, of: given ?? 0)
    }
    guard let shard else {
      throw command.usageError(
        "--shard \(Sanitizer.clean(text, limit: 20)): no scheduler gives index and count here "
          + "(Slurm, AWS Batch; Kubernetes needs auto/N)")
    }
    return shard
  }
}

/// `--isolation`: whether scans are decoded in processes that own nothing.
enum Isolation: String, CaseIterable {
  case auto, required, off

  static let option = OptionSpec(
    "isolation", choices: allCases.map(\.rawValue), default: auto.rawValue,
    help:
      "decode scans in processes that own nothing; auto: wherever the system can, with a warning where it "
      + "can't; required: else exit code 2")

  /// What keeps the processes from everything else, for `--version` and the summary.
  static let inForce = "seccomp"

  /// Starts the processes to decode in; nil for decoding in this one.
  static func start(_ arguments: Arguments, width: Int, console: Console) throws(CommandError)
    -> DecoderPool?
  {
    switch arguments["isolation"].flatMap(Isolation.init) ?? .auto {
    case .off: return nil
    case .required:
      guard DecoderPool.isAvailable else { throw unavailable("the system has no seccomp filters") }
      let pool = DecoderPool(width: width)
      do throws(DecodersUnavailable) {
        try pool.becomeReady()
      } catch {
        throw unavailable(error.reason)
      }
      return pool
    case .auto:
      let warn = { @Sendable (reason: String) in
        console.log(.warning, "scans are decoded in this process: \(reason)")
      }
      guard DecoderPool.isAvailable else {
        warn("the system has no seccomp filters")
        return nil
      }
      return DecoderPool(width: width) { warn($0.reason) }
    }
  }

  private static func unavailable(_ reason: String) -> CommandError {
    CommandError(
      .usage, "--isolation required: \(reason)",
      hint: "run on Linux (x86-64 or arm64) with seccomp, or give --isolation off")
  }
}
