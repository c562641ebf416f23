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
    if policy.mode.keepsLedger {
      try await pipeline.journal.prepare()
      try await pipeline.journal.open(for: target, operation: operation)
    }
    for stage in stagesToPrepare { try await stage.prepare() }
    if policy.mode.keepsLedger { try pipeline.submitter.check(pipeline.assembler.target) }
    for recorder in pipeline.recorders { try await recorder.prepare() }
    let rows = try await pipeline.loader.rows()
    for notice in pipeline.journal.notices + rows.notices {
      observer.log(.notice, notice, row: nil)
    }
    let batch = try Batch(self, rows: rows)
    let work = Task { await batch.run() }
    let token = stop.watch { if $0 == .now { work.cancel() } }
    let summary = await work.value
    stop.forget(token)
    for stage in stagesToPrepare { await stage.finish() }
    for recorder in pipeline.recorders { await recorder.finish() }
    if policy.mode.keepsLedger { await pipeline.journal.finish() }
    return summary
  }

  /// A dry run needs neither credentials nor a connection, so its submitter is left alone.
  private var stagesToPrepare: [any Stage] {
    policy.mode.keepsLedger ? pipeline.steps : pipeline.steps.filter { !($0 is any Submitter) }
  }
}
