import IntakeCore
import IntakeImaging
import IntakeRunner
import IntakeSandbox
import IntakeSystem
import IntakeTransport
import SubmitStage
import Synchronization

/// One run from its arguments to its exit code; `run` and `check` differ in mode only.
final class RunSession: Sendable {
  private let arguments: Arguments
  private let invocation: Invocation
  private let policy: RunPolicy
  private let stop = StopSwitch()
  private let abortSignal = Mutex<Int32?>(nil)

  private var console: Console { invocation.console }

  init(_ arguments: Arguments, _ invocation: Invocation, policy: RunPolicy) {
    self.arguments = arguments
    self.invocation = invocation
    self.policy = policy
  }

  func run() async throws -> ExitCode {
    console.name(manifest: arguments.positionals[0])
    if let path = arguments["log-file"] { console.keep(try LogFile(path)) }
    var editing = try PlanEditing(arguments, invocation.registry)
    if let shard = policy.shard { editing.set("record", "shard", .text(shard.description)) }
    if let note = policy.note, editing.declares("record", "note") {
      editing.set("record", "note", .text(note))
    }
    let stopTime = try StopTime(arguments)
    let failed = try arguments["failed"].map { path throws(CommandError) in
      try FailedRows(path, imagesIn: imagesRoot)
    }
    let fixed = try arguments["fix"].map { path throws(CommandError) in
      try FixedManifest(path, imagesIn: imagesRoot)
    }
    if arguments.has("print-plan") { return try printPlan(editing.plan) }
    try checkTaps(editing.plan)
    if policy.mode.keepsLedger { editing.noteDigests(of: arguments.positionals[0]) }
    // Before anything secret is read.
    let decoders = try Isolation.start(arguments, width: policy.workers, console: console)
    defer { decoders?.stop() }
    return try await DecoderPool.$current.withValue(decoders) {
      try await run(editing, until: stopTime, failed, fixed)
    }
  }

  private func run(
    _ plan: PlanEditing, until stopTime: StopTime?, _ failed: FailedRows?, _ fixed: FixedManifest?
  ) async throws -> ExitCode {
    var editing = plan
    let isEmbedded = editing.wantsSandbox && policy.mode.keepsLedger
    let sandbox = isEmbedded ? try Sandbox.embedded() : nil
    defer { sandbox?.stop() }
    let target = TargetName(editing, isSandbox: editing.wantsSandbox)
    let ledger = try placeLedger(&editing, target)
    try checkThatLedgerExists(ledger)
    noteNewLedger(ledger, editing)
    if let sandbox { try editing.connect(to: sandbox) }
    if policy.mode.keepsLedger { try editing.completeCredentials(for: arguments["to"]) }
    let pipeline = try assemble(editing.plan)
    listenForSignals()
    let notifier = try arguments["notify"].map(Notifier.init)
    let metrics = try arguments["metrics"].map { path throws(CommandError) in
      try MetricsFile(path, target: target.full, console: console)
    }
    let timer = stopTime?.watch(stop)
    defer { timer?.cancel() }
    let (summary, isListed) = try await work(
      pipeline, target, editing, ledger: ledger, failed, fixed, metrics)
    let isWritten = finish(failed)
    if let fixed { try finish(fixed, summary) }
    let text = SummaryText(
      summary: summary, ledger: ledger, page: sandbox?.address, proxy: proxy(editing),
      isIsolated: DecoderPool.current?.isInForce ?? false, policy: policy,
      command: GivenCommand(words: CommandLine.arguments, spec: arguments.command),
      isListed: isListed, hidesPaths: arguments.has("hide-paths"),
      columns: Terminal.isInteractive ? Terminal.width() : nil, isKept: arguments.has("keep"),
      failed: isWritten ? failed : nil)
    show(text)
    let code = exitCode(summary, isWritten: isWritten)
    metrics?.end(summary, code: code)
    notifier?.run(text.fields, code: code, console: console)
    if let sandbox, arguments.has("keep"), stop.level == .none {
      console.write("what arrived: \(sandbox.address)/ (open until Ctrl-C)")
      await invocation.signals.wait()
    }
    return code
  }

  private func exitCode(_ summary: RunSummary, isWritten: Bool) -> ExitCode {
    if let signal = abortSignal.withLock(\.self) {
      return signal == SignalNumber.interrupt ? .interrupted : .terminated
    }
    let code = ExitCode(summary)
    return isWritten || code != .notAccepted ? code : .stopped
  }

  /// The folder that paths of images are relative to.
  private var imagesRoot: String {
    let manifest = arguments.positionals[0]
    let isFolder = (try? Folder(manifest)) != nil
    return arguments["images-root"] ?? (isFolder ? manifest : DurableFile.folder(of: manifest))
  }

  /// Writes the rows that were not accepted; false when that fails, which the ledger makes up for.
  private func finish(_ failed: FailedRows?) -> Bool {
    do throws(SystemCallFailure) {
      try failed?.finish()
      return true
    } catch {
      console.error(
        "--failed \(Sanitizer.clean(failed?.path ?? "")) was not written: \(error)",
        hint: "make room, then run the same command again with --only failed")
      return false
    }
  }

  /// Writes the manifest as it was understood, unless a part of it was not read.
  private func finish(_ fixed: FixedManifest, _ summary: RunSummary) throws(CommandError) {
    guard summary.stopReason == nil, summary.loadFailure == nil else {
      return console.log(.warning, fixed.unwritten("the manifest was not read to its end"))
    }
    do throws(SystemCallFailure) {
      console.log(.notice, try fixed.finish())
    } catch {
      throw CommandError(.stopped, fixed.unwritten("\(error)"), hint: "make room and run it again")
    }
  }

  /// The proxy that requests took, nil for the direct way; what cannot be read has stopped the run before.
  private func proxy(_ editing: PlanEditing) -> String? {
    guard policy.mode.keepsLedger,
      let endpoint = try? Endpoint(editing.option("submit", "endpoint") ?? ""),
      let route = try? Submit.proxy(editing.option("submit", "proxy") ?? "env", for: endpoint)
    else { return nil }
    return route.isTaken(to: endpoint) ? route.description : nil
  }

  private func show(_ text: SummaryText) {
    guard !arguments.has("quiet") else { return }
    if console.isJSON || arguments["progress"] == "json" {
      console.event(text.fields)
    } else if !policy.mode.keepsLedger, let trouble = invocation.results.trouble {
      // Whoever stopped reading has seen enough, and the counts of half a check mean nothing.
      console.log(.notice, "stopped: \(trouble)")
    } else {
      console.write(text.text)
    }
  }

  private func printPlan(_ plan: PipelinePlan) throws -> ExitCode {
    _ = try assemble(plan)
    invocation.results.writeLine(plan.typed(for: invocation.registry).json)
    return .success
  }

  private func checkTaps(_ plan: PipelinePlan) throws(CommandError) {
    let names = plan.stages.map(\.name)
    for name in arguments.all("tap") where !names.contains(name) {
      throw CommandError(
        "--tap: the plan has no stage \(name.quoted(known: names))", in: arguments.command)
    }
  }

  /// Where the ledger is, and the keys that it shares with the others of its target.
  private func placeLedger(_ editing: inout PlanEditing, _ target: TargetName) throws -> String? {
    guard policy.looksAtLedger else { return nil }
    let keys = editing.wantsSandbox ? nil : LedgerPlace.keyFile(of: target.full)
    if let keys, editing.declares("record", "key"), editing.option("record", "key") == nil {
      editing.set("record", "key", .text(keys))
    }
    if let path = editing.option("record", "ledger") { return path }
    let path =
      editing.wantsSandbox
      ? try LedgerPlace.path(
        ofSandbox: target, manifest: arguments.positionals[0], shard: policy.shard)
      : try LedgerPlace.path(of: target, shard: policy.shard)
    editing.set("record", "ledger", .text(path))
    if !editing.wantsSandbox { consultOthers(than: path, of: target, &editing) }
    return path
  }

  /// Takes into account what other ledgers of the target in the state directory have accepted: those of a whole batch
  /// where this run takes a shard, and the reverse.
  private func consultOthers(than path: String, of target: TargetName, _ editing: inout PlanEditing)
  {
    guard editing.declares("record", "history"), !editing.isSet("record", "history") else { return }
    let others = LedgerPlace.others(of: target, than: path, shard: policy.shard)
    guard !others.isEmpty else { return }
    editing.set("record", "history", .list(others))
    guard !arguments.has("quiet") else { return }
    let shown = others.prefix(4).map { Sanitizer.clean($0) }.joined(separator: ", ")
    console.log(
      .notice,
      "what stands in other ledgers of this target counts: \(shown)"
        + (others.count > 4 ? " and \(others.count - 4) more" : ""))
  }

  /// Says that no row is known yet where the operator may not expect it: behind a mistyped path.
  private func noteNewLedger(_ path: String?, _ editing: PlanEditing) {
    guard let path, arguments.has("ledger"), !editing.wantsSandbox, !DurableFile.exists(path),
      !arguments.has("quiet")
    else { return }
    console.log(.notice, "new ledger \(Sanitizer.clean(path)): no row is known in it yet")
  }

  /// Rows that a ledger lists need that ledger, and a wrong path must not look like "nothing to do".
  private func checkThatLedgerExists(_ path: String?) throws(CommandError) {
    guard let path, policy.only != nil || policy.mode == .reconcile, !DurableFile.exists(path)
    else { return }
    throw CommandError(
      policy.mode == .reconcile ? .ledgerUnusable : .usage,
      "there is no ledger \(Sanitizer.clean(path)) to take the rows from",
      hint: "name the ledger of the earlier run with --ledger PATH; --only and reconcile need one")
  }

  private func assemble(_ plan: PipelinePlan) throws(CommandError) -> Pipeline {
    do throws(PlanError) {
      return try invocation.registry.assemble(plan)
    } catch {
      let place = error.position == nil ? "" : Sanitizer.clean(arguments["to"] ?? "plan") + ": "
      throw CommandError(.usage, place + error.description, hint: error.hint)
    }
  }

  private func work(
    _ pipeline: Pipeline, _ target: TargetName, _ editing: PlanEditing, ledger: String?,
    _ failed: FailedRows?, _ fixed: FixedManifest?, _ metrics: MetricsFile?
  ) async throws -> (RunSummary, isListed: Bool) {
    let monitor = RunMonitor()
    let progress = ProgressDisplay(arguments, console, monitor, limit: policy.limit)
    let form = ResultForm(arguments["output"], isTerminal: invocation.results.isTerminal)
    let list = policy.mode == .check && !console.isJSON ? rowList(form) : nil
    let request = RequestText(
      endpoint: editing.option("submit", "endpoint") ?? target.short,
      shownFields: editing.assembler?.shownFields ?? [],
      showsPersonal: arguments.has("show-personal"))
    let reporter = RunReporter(
      results: invocation.results, form: form, console: console, progress: progress,
      line: ResultLine(hidesPaths: arguments.has("hide-paths")), stop: stop,
      taps: Set(arguments.all("tap")), isVerbose: arguments.has("verbose"),
      isQuiet: arguments.has("quiet"), isLogged: isLogged, list: list,
      request: policy.mode == .dryRun ? request : nil, isSending: policy.mode.keepsLedger,
      failedRows: failed, fixed: fixed, isOnlyLeft: arguments.has("left"))
    invocation.signals.answerQuestions { progress.snapshot(ledger: ledger) }
    let runner = Runner(
      pipeline: pipeline, policy: policy, stop: stop, observer: reporter, monitor: monitor)
    let summary = try await progress.shown {
      guard let metrics else {
        return try await runner.run(target: target.full, operation: target.operation)
      }
      return try await metrics.watching(monitor) {
        try await runner.run(target: target.full, operation: target.operation)
      }
    }
    list?.finish()
    reporter.flush()
    // Of a run whose rows are words on a terminal only the last lines may be seen.
    return (summary, list.map { !$0.isTooLong } ?? false)
  }

  /// The rows of a check: among the results where those are words, else among the messages.
  private func rowList(_ form: ResultForm) -> RowList {
    RowList(all: arguments.has("all") || arguments.has("verbose")) {
      [console, invocation, isLogged] text in
      if form == .text { invocation.results.writeLine(text) }
      if form != .text || isLogged { console.write(text) }
    }
  }

  /// Whether results go to a terminal and messages, which then have the rows with problems as well, do not.
  private var isLogged: Bool { invocation.results.isTerminal && !Terminal.isThere }

  /// The first signal drains, the second aborts.
  private func listenForSignals() {
    invocation.signals.listen { [self] number, count in
      if count == 1 {
        // The stop comes before the message, so that whoever reads it can rely on it.
        stop.request(.soon, reason: "stopped by a signal")
        console.log(.notice, "stopping: finishing what is in flight (again to abort)")
      } else {
        abortSignal.withLock { $0 = number }
        stop.request(.now, reason: "aborted by a signal")
      }
    }
  }
}

extension SignalHub {
  func wait() async {
    let (signals, signal) = AsyncStream.makeStream(of: Void.self)
    listen { _, _ in signal.yield() }
    _ = await signals.first { _ in true }
  }
}
