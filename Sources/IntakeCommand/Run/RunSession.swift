import IntakeCore
import IntakeImaging
import IntakeRunner
import IntakeSandbox
import IntakeSystem
import IntakeTransport
import RecordStage
import SubmitStage
import Synchronization

/// One run from its arguments to its exit code; `run` and `check` differ in mode only.
final class RunSession: Sendable {
  private let arguments: Arguments
  private let invocation: Invocation
  private let policy: RunPolicy
  /// Where the rows go that were not accepted, nil when nobody wants them.
  private let failed: FailedRows?
  /// Where the rows go as they were understood, nil when nobody wants them.
  private let fixed: FixedManifest?
  private let stopTime: StopTime?
  private let stop = StopSwitch()
  private let abortSignal = Mutex<Int32?>(nil)

  private var console: Console { invocation.console }

  init(_ arguments: Arguments, _ invocation: Invocation, policy: RunPolicy) throws {
    (self.arguments, self.invocation, self.policy) = (arguments, invocation, policy)
    let manifest = arguments.positionals[0]
    invocation.console.name(manifest: manifest)
    if let path = arguments["log-file"] { invocation.console.copyMessages(to: try LogFile(path)) }
    stopTime = try StopTime(arguments)
    let root = arguments["images-root"] ?? Configuration.folder(manifest)
    failed = try arguments["failed"].map { try FailedRows($0, imagesIn: root) }
    fixed = try arguments["fix"].map { try FixedManifest($0, imagesIn: root) }
  }

  func run() async throws -> ExitCode {
    var editing = try PlanEditing(arguments, invocation.registry)
    if let shard = policy.shard { editing.set("record", "shard", .text(shard.description)) }
    if let note = policy.note, editing.declares("record", "note") {
      editing.set("record", "note", .text(note))
    }
    if arguments.has("print-plan") { return try printPlan(editing) }
    try checkTaps(editing.plan)
    if policy.mode.keepsLedger { editing.noteDigests(of: arguments.positionals[0]) }
    // Before anything secret is read.
    let decoders = try Isolation.start(arguments, width: policy.workers, console: console)
    defer { decoders?.stop() }
    return try await DecoderPool.$current.withValue(decoders) { try await run(editing) }
  }

  private func run(_ plan: PlanEditing) async throws -> ExitCode {
    var editing = plan
    let isEmbedded = editing.wantsSandbox && policy.mode.keepsLedger
    let sandbox = isEmbedded ? try Sandbox.embedded() : nil
    defer { sandbox?.stop() }
    let target = TargetName(editing)
    invocation.metrics?.name(target: target.full)
    let isNoneNamed = ["ledger", "history"].allSatisfy { editing.value("record", $0) == nil }
    let consultsOthers = isNoneNamed && !editing.wantsSandbox
    let ledger = try placeLedger(&editing, target)
    try checkThatLedgerExists(ledger)
    if let sandbox { try editing.connect(to: sandbox) }
    if policy.mode.keepsLedger { try editing.completeCredentials(for: arguments["to"]) }
    var pipeline = try assemble(editing, checksOptions: true)
    if let ledger, consultsOthers { consultOthers(than: ledger, of: target, &pipeline) }
    noteNewLedger(ledger, editing)
    listenForSignals()
    let timer = stopTime?.watch(stop)
    defer { timer?.cancel() }
    let (summary, isListed) = try await work(pipeline, target, editing, ledger)
    let isWritten = finishFailed()
    if let fixed { try finish(fixed, summary) }
    let text = SummaryText(
      summary: summary, ledger: ledger, page: sandbox?.address, proxy: proxy(editing),
      isIsolated: DecoderPool.current?.isInForce ?? false, policy: policy, arguments: arguments,
      isListed: isListed, failed: isWritten ? failed : nil)
    show(text)
    let code = exitCode(summary, isWritten: isWritten)
    if code == .success { try invocation.results.checkSpace() }
    invocation.metrics?.end(with: code)
    invocation.notifier?.run(text.fields, code: code, console: console)
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
    var code = ExitCode(summary)
    // A row whose e-mail was corrected is new to the ledger, and would be forgotten.
    if code == .success, policy.mode == .send, policy.only == .failed, summary.leftNew > 0 {
      code = .notAccepted
    }
    return isWritten || code != .notAccepted ? code : .stopped
  }

  /// Writes the rows that were not accepted; false when that fails, which the ledger makes up for.
  private func finishFailed() -> Bool {
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
      return console.log(.warning, fixed.unwritten + ": the manifest was not read to its end")
    }
    let written = try CommandError.naming(
      fixed.unwritten, .stopped, hint: "make room and run it again"
    ) { try fixed.finish() }
    console.log(.notice, written)
  }

  /// The proxy that requests took, nil for none; one that cannot be read has stopped the run already.
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

  private func printPlan(_ editing: PlanEditing) throws -> ExitCode {
    _ = try assemble(editing, checksOptions: false)
    invocation.results.writeLine(editing.plan.typed(for: invocation.registry).json)
    return .success
  }

  private func checkTaps(_ plan: PipelinePlan) throws(CommandError) {
    let names = plan.stages.map(\.name)
    for name in arguments.all("tap") where !names.contains(name) {
      throw arguments.usageError("--tap: the plan has no stage \(name.quoted(known: names))")
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
    let path = try LedgerPlace.path(
      of: target, manifest: arguments.positionals[0], shard: policy.shard)
    editing.set("record", "ledger", .text(path))
    return path
  }

  /// Counts what other ledgers of the target in the state directory have accepted: those of a whole batch where this
  /// run takes a shard, and the reverse.
  private func consultOthers(than path: String, of target: TargetName, _ pipeline: inout Pipeline) {
    guard var record = pipeline.journal as? Record else { return }
    let find: @Sendable () -> [String] = { [shard = policy.shard] in
      LedgerPlace.others(of: target, than: path, shard: shard)
    }
    record.others = find
    pipeline.journal = record
    let others = find()
    guard !others.isEmpty, !arguments.has("quiet") else { return }
    let shown = others.prefix(4).map { Sanitizer.clean($0) }.joined(separator: ", ")
    console.log(
      .notice,
      "what stands in other ledgers of this target counts: \(shown)"
        + (others.count > 4 ? " and \(others.count - 4) more" : ""))
  }

  /// Says that the ledger is new, because its path may be mistyped.
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

  private func assemble(_ editing: PlanEditing, checksOptions: Bool) throws(CommandError)
    -> Pipeline
  {
    var editing = editing
    // Where nothing is sent, no sandbox was started and there is no address of it.
    if editing.wantsSandbox { editing.set("submit", "endpoint", .text("")) }
    do throws(PlanError) {
      return try invocation.registry.assemble(editing.plan, checksOptions: checksOptions)
    } catch {
      let place = error.position == nil ? "" : Sanitizer.clean(arguments["to"] ?? "plan") + ": "
      throw CommandError(.usage, place + error.description, hint: error.hint)
    }
  }

  private func work(
    _ pipeline: Pipeline, _ target: TargetName, _ editing: PlanEditing, _ ledger: String?
  ) async throws -> (RunSummary, isListed: Bool) {
    let monitor = RunMonitor()
    let progress = ProgressDisplay(arguments, console, monitor, limit: policy.limit)
    let request = RequestText(
      endpoint: editing.option("submit", "endpoint") ?? target.short,
      shownFields: editing.assembler?.shownFields ?? [],
      showsPersonal: arguments.has("show-personal"))
    let reporter = RunReporter(
      arguments, invocation, policy.mode, progress, stop, request, failed, fixed)
    invocation.signals.answerQuestions { progress.snapshot(ledger: ledger) }
    let runner = Runner(
      pipeline: pipeline, policy: policy, stop: stop, observer: reporter, monitor: monitor)
    let writing = invocation.metrics?.watch(monitor)
    defer { writing?.cancel() }
    let summary = try await progress.shown {
      try await runner.run(target: target.full, operation: target.operation)
    }
    reporter.list?.finish()
    reporter.flush()
    // The rows of a run may have scrolled off the terminal: only those of a check count as listed.
    return (summary, reporter.list.map { !$0.isTooLong } ?? false)
  }

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
