import IntakeCore
import IntakeRunner
import IntakeSystem

extension RunPolicy {
  /// Reads the bounds and the selection of a run.
  init(_ arguments: Arguments) throws(UsageError) {
    self.init()
    workers = ProcessorCount.online
    if let number = try arguments.integer("workers", in: 1...256) { workers = number }
    if let number = try arguments.integer("concurrency", in: 1...256) { concurrency = number }
    if let number = try arguments.integer("limit", in: 0...Int.max) { limit = number }
    if let number = try arguments.integer("settle-after", in: 0...86_400) {
      settleAfter = Double(number)
    }
    if arguments.has("dry-run") { mode = .dryRun }
    only = arguments["only"].flatMap(Selection.init(rawValue:))
    ambiguous = arguments["ambiguous"].flatMap(Ambiguous.init(rawValue:)) ?? .reconcile
    resubmitsChanged = arguments.has("resubmit-changed")
    try readRate(arguments)
    try readHalt(arguments)
    shard = try arguments["shard"].map { (text) throws(UsageError) in
      try ShardReading.shard(text, arguments.command)
    }
    if let rate, let shard { self.rate = rate / Double(shard.count) }
  }

  private mutating func readRate(_ arguments: Arguments) throws(UsageError) {
    guard let text = arguments["rate"] else { return }
    let number = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
    guard let value = Double(number), value > 0, value <= 10_000 else {
      throw UsageError("--rate takes requests a second such as 5/s", command: arguments.command)
    }
    rate = value
  }

  private mutating func readHalt(_ arguments: Arguments) throws(UsageError) {
    guard let text = arguments["halt"] else { return }
    guard let value = Halt(text) else {
      throw UsageError("--halt takes soon,fail=10% or now,fail=1", command: arguments.command)
    }
    halt = value
  }
}

/// Reads `--shard`.
enum ShardReading {
  static func shard(_ text: String, _ command: CommandSpec) throws(UsageError) -> Shard {
    if text == "auto" || text.hasPrefix("auto/") { return try scheduled(text, command) }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1],
      let shard = Shard(index: index, of: count)
    else {
      throw UsageError(
        "--shard takes i/n with i from 1 to n, such as 2/5, or auto", command: command)
    }
    return shard
  }

  /// The part that a scheduler gives this process: Slurm array, AWS Batch array, Kubernetes Indexed Job.
  private static func scheduled(_ text: String, _ command: CommandSpec) throws(UsageError) -> Shard
  {
    let given = text.split(separator: "/").dropFirst().first.flatMap { Int($0) }
    func number(_ name: String) -> Int? { Terminal.environment(name).flatMap { Int($0) } }
    var shard: Shard?
    if let index = number("SLURM_ARRAY_TASK_ID") {
      let first = number("SLURM_ARRAY_TASK_MIN") ?? 0
      let step = max(1, number("SLURM_ARRAY_TASK_STEP") ?? 1)
      let count = given ?? number("SLURM_ARRAY_TASK_COUNT") ?? 0
      shard = Shard(index: (index - first) / step + 1, of: count)
    } else if let index = number("AWS_BATCH_JOB_ARRAY_INDEX") {
      shard = Shard(index: index + 1, of: given ?? number("AWS_BATCH_JOB_ARRAY_SIZE") ?? 0)
    } else if let index = number("JOB_COMPLETION_INDEX") {
      shard = Shard(index: index + 1, of: given ?? 0)
    }
    guard let shard else {
      throw UsageError(
        "--shard \(Sanitizer.clean(text, limit: 20)): no scheduler tells index and count here "
          + "(Slurm, AWS Batch; Kubernetes needs auto/N)", command: command)
    }
    return shard
  }
}
