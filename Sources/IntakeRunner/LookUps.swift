import IntakeCore
import IntakeSystem
import Synchronization

/// Rows that are looked up before anybody works on them, and come back in the order of the manifest.
///
/// Where the ledger alone decides they are taken in lots: some are looked up by other threads, and as soon as those
/// have enough to do, by the one that reads the manifest. So each has work until the last row, which nearly doubles
/// how many go by in a second on two processors.
struct LookUps {
  /// Rows that may still be worked on.
  var left: Int
  /// Rows that were read.
  private(set) var loaded = 0
  /// Rows to be worked on that were read when the run stopped.
  var dropped = 0
  /// Rows to take at once, 1 where they are worked on.
  private(set) var size = 1
  private var lots: [Lot] = []
  private let underWay = UnderWay()
  private let runner: RowRunner
  private let pool: WorkerPool
  /// Larger ones gain nothing, and whoever reads the results of a slow producer waits for none of them.
  private static let largest = 64
  /// Bytes of a lot's rows as they stand in the manifest, which may have cells that nobody reads.
  static let mostBytes = 65_536
  /// Lots that other threads may have at once, in hand and waiting: while this one looks at a lot, reads the next one and
  /// reports, each of them finishes three.
  private var mostBeside: Int { 4 * pool.width }

  private enum Lot {
    case seen([RowRunner.Finding])
    /// With the rows, because memory is given back best by the thread that took it.
    case beside(Task<[RowRunner.Finding], Never>, [LoadedRow])
  }

  /// How many lots other threads have not finished.
  private final class UnderWay: Sendable {
    let count = Atomic(0)
  }

  init(_ runner: RowRunner, on pool: WorkerPool, left: Int) {
    (self.runner, self.pool, self.left) = (runner, pool, left)
  }

  /// Whether no more rows are to be read before some have been taken.
  var areFull: Bool { lots.count >= mostBeside + 4 }

  /// Has rows looked up that took so many seconds to load.
  mutating func add(_ rows: [LoadedRow], loadedIn seconds: Double) {
    guard underWay.count.load(ordering: .relaxed) < mostBeside else {
      lots.append(.seen(look(at: rows, loadedIn: seconds)))
      return
    }
    loaded += rows.count
    underWay.count.add(1, ordering: .relaxed)
    let task = Task(executorPreference: pool) { [runner, underWay] in
      defer { underWay.count.subtract(1, ordering: .relaxed) }
      return LookUps.findings(of: rows, loadedIn: seconds, runner)
    }
    lots.append(.beside(task, rows))
  }

  /// What came of the lot that has waited longest, nil when there is none.
  mutating func next() async -> [RowRunner.Finding]? {
    guard !lots.isEmpty else { return nil }
    switch lots.removeFirst() {
    case .seen(let findings): return findings
    case .beside(let task, _): return await task.value
    }
  }

  /// Looks rows up in this thread.
  mutating func look(at rows: [LoadedRow], loadedIn seconds: Double) -> [RowRunner.Finding] {
    loaded += rows.count
    return LookUps.findings(of: rows, loadedIn: seconds, runner)
  }

  private static func findings(
    of rows: [LoadedRow], loadedIn seconds: Double, _ runner: RowRunner
  ) -> [RowRunner.Finding] {
    let each = seconds / Double(max(1, rows.count))
    return rows.map { runner.look(at: $0, loadedIn: each) }
  }

  /// Takes larger lots as long as nothing is worked on.
  mutating func note(workedOnAny: Bool) {
    size = workedOnAny ? 1 : min(2 * size, LookUps.largest)
  }
}

extension RowRunner {
  /// What is to be done with a row, as far as the ledger and the system tell without work on it.
  enum Finding: Sendable {
    case wanted(LoadedRow, Row)
    /// An earlier run has done it.
    case done(Outcome)
    /// This run is about other rows; counted where it left out some on purpose.
    case leftOut(RowReference, Standing?)
    case failed(any Error, RowReference)

    var isWanted: Bool { if case .wanted = self { true } else { false } }
  }

  /// Looks a row up; changes nothing that anybody could see.
  func look(at loaded: LoadedRow, loadedIn seconds: Double) -> Finding {
    let name = runner.pipeline.assembler.name(of: loaded.record)
    guard runner.policy.shard?.contains(name.identity) ?? true else {
      return .leftOut(loaded.record.row, nil)
    }
    do {
      let known = try view?.row(for: name)
      let row = Row(loaded, name, known: known, loadedIn: seconds, runner)
      guard let known else { return .wanted(loaded, row) }
      if runner.policy.mode == .reconcile, known.standing != .inDoubt {
        return .leftOut(row.reference, nil)
      }
      guard runner.policy.only?.includes(known.standing) ?? true else {
        return .leftOut(row.reference, known.standing)
      }
      return acceptedBefore(loaded, row, known).map(Finding.done) ?? .wanted(loaded, row)
    } catch {
      return .failed(error, loaded.record.row)
    }
  }

  /// The outcome of a row that was accepted and is not sent again, nil for one that has to be looked at.
  private func acceptedBefore(_ loaded: LoadedRow, _ row: Row, _ known: any KnownRow) -> Outcome? {
    guard known.standing == .accepted, !known.wasSentInThisRun, loaded.failures.isEmpty else {
      return nil
    }
    let record = loaded.record
    guard known.change(to: preparer.origin(of: record, row)) != .none else {
      if !hasAcceptedRow.load(ordering: .relaxed) {
        acceptedRow.withLock { $0 = (loaded, row) }
        hasAcceptedRow.store(true, ordering: .relaxed)
      }
      return row.alreadyAccepted()
    }
    // Scans are often put away once they are with the target; what is gone can be neither compared nor sent.
    if preparer.sendsImages, record.images.contains(where: { $0.stamp == nil }) {
      return row.alreadyAccepted(
        "an earlier run has sent this row; a scan is no longer there to compare")
    }
    return nil
  }
}
