public import IntakeCore
public import IntakeSystem
import Synchronization

/// Runs a pipeline over a batch: rows side by side, bounded in number and in bytes.
///
///     loading thread ─▶ window ─▶ worker threads: record, images, request ─▶ submission threads ─▶ ledger ─▶ observer
///
/// A row is one task from its line in the manifest to its outcome (`RowRunner.run`), so pixels never wait in a
/// queue. The window bounds how many rows are worked on, and `RowsAhead` how many are read ahead, however long the
/// manifest is.
///
/// A class, because every row holds it, and a copy of a struct would retain ten references.
public final class Runner: Sendable {
  let pipeline: Pipeline
  let policy: RunPolicy
  let clock: any RunClock
  let stop: StopSwitch
  let observer: any RunObserver
  let monitor: RunMonitor

  /// Makes a run of a pipeline.
  public init(
    pipeline: Pipeline, policy: RunPolicy, stop: StopSwitch, observer: any RunObserver,
    monitor: RunMonitor = RunMonitor(), clock: any RunClock = SystemRunClock()
  ) {
    self.pipeline = pipeline
    self.policy = policy
    self.stop = stop
    self.observer = observer
    self.monitor = monitor
    self.clock = clock
  }

  /// Works through the batch.
  ///
  /// - Throws: `JournalError` when the ledger cannot be opened, `StageFailure` for a manifest or a
  ///   configuration that cannot be used; nothing has been sent then. What goes wrong later is in the summary.
  public func run(target: String, operation: String) async throws -> RunSummary {
    // Before the first row, stages may read files, run programs and recover a ledger: that blocks.
    let loading = try WorkerPool(threads: 1)
    defer { loading.stop() }
    return try await withTaskExecutorPreference(loading) {
      var ledger: RunLedger?
      do {
        let rows = try await open(&ledger, target: target, operation: operation, on: loading)
        var summary =
          if let rows { try await work(through: rows, ledger, on: loading) } else {
            RunSummary(stopReason: stop.reason)
          }
        await end(&summary, in: ledger)
        await close(ledger)
        return summary
      } catch {
        await close(ledger)
        throw error
      }
    }
  }

  /// Prepares every stage; the ledger comes last, so that a command line that cannot work leaves none behind.
  ///
  /// - Returns: the rows, nil when a signal came before there were any.
  private func open(
    _ ledger: inout RunLedger?, target: String, operation: String, on loading: WorkerPool
  ) async throws -> (any RowSource)? {
    for stage in stagesToPrepare where stop.level == .none { try await stage.prepare() }
    guard stop.level == .none else { return nil }
    if policy.mode.keepsLedger { try pipeline.submitter.check(pipeline.assembler.target) }
    for recorder in pipeline.recorders { try await recorder.prepare() }
    try await pipeline.loader.prepare()
    guard let rows = try await unlessStopped(on: loading, pipeline.loader.rows) else { return nil }
    if let columns = rows.columns, let problem = pipeline.missingColumns(among: columns) {
      tell(rows)
      throw problem
    }
    guard stop.level == .none else { return nil }
    if policy.looksAtLedger {
      try await pipeline.journal.prepare()
      ledger = try await openLedger(target, operation)
      guard stop.level == .none else { return nil }
    }
    for notice in ledger?.view.notices ?? [] { observer.log(.notice, notice, row: nil) }
    tell(rows)
    return rows
  }

  /// Says what the operator should know about the manifest before the first row.
  private func tell(_ rows: any RowSource) {
    for notice in rows.notices { observer.log(.notice, notice, row: nil) }
    for warning in rows.warnings { observer.log(.warning, warning, row: nil) }
  }

  /// Opens the ledger, or only reads it when nothing is sent; waits for one in use as long as the operator allows.
  private func openLedger(_ target: String, _ operation: String) async throws -> RunLedger? {
    let journal = pipeline.journal
    guard policy.mode.keepsLedger else {
      return try await journal.look(for: target, operation: operation).map(RunLedger.read)
    }
    let end = clock.monotonic + policy.waitForLedger
    var isSaid = false
    defer { monitor.note { $0.waits[.ledgerInUse] = nil } }
    while true {
      do {
        return .open(try await journal.open(for: target, operation: operation))
      } catch let error as JournalError where error.isInUse && clock.monotonic < end {
        if !isSaid { observer.log(.notice, "waiting: \(error)", row: nil) }
        isSaid = true
        let left = end - clock.monotonic
        monitor.note { $0.waits[.ledgerInUse] = clock.wall + left }
        await clock.sleep(until: min(end, clock.monotonic + 0.5), unless: stop)
        guard stop.level == .none else { return nil }
      }
    }
  }

  /// Writes down that the run has ended: a run without such a line was killed.
  private func end(_ summary: inout RunSummary, in ledger: RunLedger?) async {
    guard let ledger = ledger?.open, summary.journalError == nil else { return }
    do {
      try await ledger.end(summary.end(policy))
    } catch {
      summary.journalError = error.description
    }
  }

  /// Works through the rows; the second signal cancels what is in flight.
  private func work(
    through rows: any RowSource, _ ledger: RunLedger?, on loading: WorkerPool
  ) async throws -> RunSummary {
    let working = try WorkerPool(threads: policy.workers)
    defer { working.stop() }
    let sending = try WorkerPool(threads: policy.concurrency)
    defer { sending.stop() }
    // Threads of their own: behind images, rows would wait to be looked up.
    let looking = try WorkerPool(threads: min(2, max(1, policy.workers - 1)))
    defer { looking.stop() }
    let runner = RowRunner(self, ledger, working: working, sending: sending)
    monitor.watch { runner.summary.withLock(\.self) }
    let start = clock.monotonic
    let work = Task(executorPreference: loading) { [self] in
      await feed(rows, to: runner, loading: loading, looking: looking)
    }
    let token = stop.watch { if $0 == .now { work.cancel() } }
    defer { stop.forget(token) }
    await work.value
    for finding in rows.findings { observer.log(finding.level, finding.text, row: nil) }
    return runner.summary.withLock { summary in
      summary.seconds = clock.monotonic - start
      summary.stopReason = stop.level == .none ? nil : stop.reason
      return summary
    }
  }

  /// Hands each row to the row runner once there is room for it, and returns when all have ended.
  private func feed(
    _ rows: any RowSource, to runner: RowRunner, loading: WorkerPool, looking: WorkerPool
  ) async {
    let window = Permits(capacity: windowSize)
    await withDiscardingTaskGroup { group in
      defer { observer.flush() }
      var ahead = RowsAhead(rows, runner, loading: loading, looking: looking)
      var left = policy.limit ?? .max
      await window.enter()
      do {
        while await isWithinLimit(&left, runner, window), stop.level == .none,
          let finding = try await ahead.next()
        {
          // The run may have been stopped while this waited for the row.
          guard stop.level == .none else {
            ahead.giveBack(finding)
            break
          }
          guard runner.begin(finding, in: &group, window: window) else { continue }
          left -= 1
          ahead.noteWork()
          observer.flush()
          await window.enter()
        }
      } catch is CancellationError {
        // The second signal came while a row was being read.
      } catch {
        return fail(error, runner)
      }
      if stop.level != .none, let rest = await ahead.rest() {
        runner.summary.withLock { $0.neverReached = rest }
      }
    }
  }

  /// Rows that are being worked on or sent, and two that are ready so that nobody waits; `RowsAhead` bounds its own.
  private var windowSize: Int { policy.workers + policy.concurrency + 2 }

  /// Whether `--limit` lets another row be worked on; rows under way that turn out to need nothing do not count, so
  /// this waits for them first.
  private func isWithinLimit(_ left: inout Int, _ runner: RowRunner, _ window: Permits) async
    -> Bool
  {
    if left == 0 {
      // The next row has one place already.
      await window.enter(windowSize - 1)
      window.leave(windowSize - 1)
      left = runner.spared.exchange(0, ordering: .relaxed)
    }
    return left > 0
  }

  /// Does something that waits for the manifest; nil when the run stops, because a pipe may stay silent for ever.
  func unlessStopped<Value: Sendable>(
    on pool: WorkerPool, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value? {
    let work = Task(executorPreference: pool) { try await body() }
    let token = stop.watch { _ in work.cancel() }
    defer { stop.forget(token) }
    // The switch may have been thrown before anybody watched.
    if stop.level != .none { work.cancel() }
    do { return try await work.value } catch is CancellationError { return nil }
  }

  /// Notes that the manifest cannot be read further.
  private func fail(_ error: any Error, _ runner: RowRunner) {
    let wrapped = PipelineError(stage: "load", row: RowReference(line: 0), underlying: error)
    runner.summary.withLock { $0.loadFailure = wrapped.failure }
    let text = wrapped.isForeign ? wrapped.logText : wrapped.failure.detail
    observer.log(.error, "manifest: \(text)", row: nil)
  }

  private func close(_ ledger: RunLedger?) async {
    await pipeline.loader.finish()
    for stage in stagesToPrepare { await stage.finish() }
    for recorder in pipeline.recorders { await recorder.finish() }
    await ledger?.open?.close()
    if policy.looksAtLedger { await pipeline.journal.finish() }
  }

  /// All stages; without the submitter in a dry run, which needs neither credentials nor a connection.
  private var stagesToPrepare: [any Stage] {
    policy.mode.keepsLedger ? pipeline.steps : pipeline.steps.filter { !($0 is any Submitter) }
  }
}

/// The ledger as a run has it.
enum RunLedger: Sendable {
  case open(any OpenLedger)
  /// Only read, by a dry run or check: nothing is sent, and nothing recorded.
  case read(any LedgerView)

  /// What earlier runs know about the rows.
  var view: any LedgerView {
    switch self {
    case .open(let ledger): ledger
    case .read(let view): view
    }
  }

  /// Nil when nothing is to be sent or recorded.
  var open: (any OpenLedger)? { if case .open(let ledger) = self { ledger } else { nil } }
}
