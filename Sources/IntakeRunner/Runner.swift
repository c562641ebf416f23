public import IntakeCore
import Synchronization

/// Runs a pipeline over a batch: rows side by side, bounded in number and in bytes.
///
///     loader thread ─▶ window ─▶ worker threads: record, images, request ─▶ submission threads ─▶ ledger ─▶ observer
///
/// A row is one task from its line in the manifest to its outcome, so pixels never wait in a queue, and
/// the window alone bounds how many rows exist, however long the manifest is.
public struct Runner: Sendable {
  let pipeline: Pipeline
  let policy: RunPolicy
  let clock: any RunClock
  let stop: StopSwitch
  let observer: any RunObserver

  /// Puts a run together.
  public init(
    pipeline: Pipeline, policy: RunPolicy, stop: StopSwitch, observer: any RunObserver,
    clock: any RunClock = SystemRunClock()
  ) {
    self.pipeline = pipeline
    self.policy = policy
    self.stop = stop
    self.observer = observer
    self.clock = clock
  }

  /// Works through the batch.
  ///
  /// - Throws: `JournalError` when the ledger cannot be opened, `StageFailure` for a manifest or a
  ///   configuration that cannot be used; nothing has been sent then. What goes wrong later is in the summary.
  public func run(target: String, operation: String) async throws -> RunSummary {
    // Stages may read files, run programs and recover a ledger before the first row: that blocks.
    let loading = try WorkerPool(threads: 1)
    defer { loading.stop() }
    do {
      let rows = try await withTaskExecutorPreference(loading) {
        try await self.open(target: target, operation: operation)
      }
      let summary =
        if let rows {
          await work(through: try Batch(self, rows: rows, loading: loading))
        } else { RunSummary(stopReason: stop.reason) }
      await withTaskExecutorPreference(loading) { await self.close() }
      return summary
    } catch {
      await withTaskExecutorPreference(loading) { await self.close() }
      throw error
    }
  }

  /// Prepares every stage; the ledger comes last, so that a command line that cannot work leaves none behind.
  ///
  /// - Returns: the rows, nil when a signal came before there were any.
  private func open(target: String, operation: String) async throws -> (any RowSource)? {
    for stage in stagesToPrepare where stop.level == .none { try await stage.prepare() }
    guard stop.level == .none else { return nil }
    if policy.mode.keepsLedger { try pipeline.submitter.check(pipeline.assembler.target) }
    for recorder in pipeline.recorders { try await recorder.prepare() }
    let rows = try await pipeline.loader.rows()
    guard stop.level == .none else { return nil }
    if policy.mode.keepsLedger {
      try await pipeline.journal.prepare()
      try await pipeline.journal.open(for: target, operation: operation)
    }
    for notice in pipeline.journal.notices + rows.notices {
      observer.log(.notice, notice, row: nil)
    }
    for warning in rows.warnings { observer.log(.warning, warning, row: nil) }
    return rows
  }

  /// The second signal cancels what is in flight.
  private func work(through batch: Batch) async -> RunSummary {
    let work = Task { await batch.run() }
    let token = stop.watch { if $0 == .now { work.cancel() } }
    defer { stop.forget(token) }
    return await work.value
  }

  private func close() async {
    for stage in stagesToPrepare { await stage.finish() }
    for recorder in pipeline.recorders { await recorder.finish() }
    if policy.mode.keepsLedger { await pipeline.journal.finish() }
  }

  /// A dry run needs neither credentials nor a connection, so its submitter is left alone.
  private var stagesToPrepare: [any Stage] {
    policy.mode.keepsLedger ? pipeline.steps : pipeline.steps.filter { !($0 is any Submitter) }
  }
}
