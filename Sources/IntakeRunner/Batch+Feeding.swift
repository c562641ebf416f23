import IntakeCore
import Synchronization

// From the manifest to tasks: which rows this run works on, and when.
extension Batch {
  /// Starts a task for every row that this run works on; rows whose earlier attempt is young come last.
  func feed(_ group: inout DiscardingTaskGroup) async {
    var taken = 0
    var deferred: [DeferredRow] = []
    while runner.stop.level == .none, taken < runner.policy.limit ?? .max {
      await window.enter()
      let start = runner.clock.monotonic
      guard runner.stop.level == .none, let loaded = await next() else {
        window.leave()
        break
      }
      let row = begin(loaded, start)
      guard await isWanted(loaded, row) else {
        window.leave()
        continue
      }
      taken += 1
      if let ready = await youngDoubt(row) {
        window.leave()
        deferred.append(DeferredRow(loaded: loaded, row: row, ready: ready))
      } else {
        add(loaded, row, to: &group)
      }
    }
    await feed(deferred, to: &group)
  }

  private func add(_ loaded: LoadedRow, _ row: RowInProgress, to group: inout DiscardingTaskGroup) {
    group.addTask(executorPreference: working) {
      await self.work(on: loaded, as: row)
      self.window.leave()
    }
  }

  /// A row in doubt whose earlier attempt may still be under way; left for the end, when it is old enough.
  private struct DeferredRow {
    let loaded: LoadedRow
    let row: RowInProgress
    /// Monotonic, for the wall clock may be set while the row waits.
    let ready: Double
  }

  /// When a row in doubt will be old enough to be asked about or sent again, nil when it is or needs not be.
  private func youngDoubt(_ row: RowInProgress) async -> Double? {
    guard let key = row.key, runner.policy.ambiguous != .hold,
      await journal.standing(of: key) == .inDoubt, let last = await journal.lastWritten(key)
    else { return nil }
    // The line may be the intent of an attempt that went on until that run was killed, a moment ago for all
    // we know. A clock that was set back must not make anybody wait longer than the full time.
    let ended = min(last + RunPolicy.longestAttempt, started)
    let ready = ended + runner.policy.settleAfter
    let wait = min(ready - runner.clock.wall, runner.policy.settleAfter)
    return wait > 0 ? runner.clock.monotonic + wait : nil
  }

  private func feed(_ deferred: [DeferredRow], to group: inout DiscardingTaskGroup) async {
    for item in deferred.sorted(by: { $0.ready < $1.ready }) {
      let seconds = item.ready - runner.clock.monotonic
      if seconds > 0 {
        item.row.log(
          .notice,
          "waiting \(Int(seconds.rounded(.up))) s: an earlier attempt may still be under way")
      }
      while runner.stop.level == .none, runner.clock.monotonic < item.ready {
        await runner.clock.sleep(seconds: min(0.2, item.ready - runner.clock.monotonic))
      }
      guard runner.stop.level == .none else { return }
      await window.enter()
      add(item.loaded, item.row, to: &group)
    }
  }

  /// The next row; a stop ends the wait for one, for a pipe may stay silent for ever.
  private func next() async -> LoadedRow? {
    let reading = Task(executorPreference: loading) { try await self.rows.next() }
    let token = runner.stop.watch { _ in reading.cancel() }
    defer { runner.stop.forget(token) }
    // The switch may have been thrown before anybody watched.
    if runner.stop.level != .none { reading.cancel() }
    do {
      return try await reading.value
    } catch is CancellationError {
      return nil
    } catch {
      let failure =
        error as? StageFailure
        ?? StageFailure(.internalError, "the loader threw \(type(of: error))", outcome: .fatal)
      summary.withLock { $0.loadFailure = failure }
      runner.observer.log(.error, "manifest: \(failure.detail)", row: nil)
      return nil
    }
  }

  private func begin(_ loaded: LoadedRow, _ start: Double) -> RowInProgress {
    let reference = loaded.row
    let observer = runner.observer
    let stopwatch = Stopwatch(clock: runner.clock)
    stopwatch.add("load", milliseconds: (runner.clock.monotonic - start) * 1000)
    return RowInProgress(
      reference: reference, key: keepsLedger ? journal.key(for: loaded.identity) : nil,
      stopwatch: stopwatch, log: { observer.log($0, $1, row: reference) },
      passed: { observer.passed($0, input: $1, output: $2, row: reference) })
  }

  private func isAmongThoseOnly(_ standing: Standing) -> Bool {
    switch runner.policy.only {
    case .failed: standing == .notAccepted
    case .inDoubt: standing == .inDoubt
    case nil: true
    }
  }

  /// Whether this run works on a row; says so at once when an earlier one has done it.
  private func isWanted(_ loaded: LoadedRow, _ row: RowInProgress) async -> Bool {
    if let shard = runner.policy.shard, !shard.contains(loaded.identity) { return false }
    guard let key = row.key else { return true }
    let standing = await journal.standing(of: key)
    if runner.policy.mode == .reconcile, standing != .inDoubt { return false }
    guard isAmongThoseOnly(standing) else {
      summary.withLock { $0.leaveOut(standing) }
      return false
    }
    guard standing == .accepted, case .record(let record) = loaded else { return true }
    guard await journal.isChanged(record.source, for: key) else {
      report(row.alreadyAccepted)
      return false
    }
    // Scans are often put away once they are with the target; what is gone can be neither compared nor sent.
    if runner.pipeline.assembler.sendsImages, record.images.contains(where: { $0.size == nil }) {
      report(row.acceptedAndPutAway)
      return false
    }
    if runner.policy.resubmitsChanged { return true }
    report(row.changedAfterAcceptance)
    return false
  }
}
