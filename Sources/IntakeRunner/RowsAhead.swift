import IntakeCore
import IntakeSystem
import Synchronization

/// The rows of a manifest in order, each with what the ledger says about it, read and looked up ahead.
///
/// Rows that need work are read one at a time. While the ledger alone decides, rows come in lots of up to 64. Other
/// threads look some of the lots up; once they are busy, the reading thread looks up lots too. On two processors that
/// nearly doubles the rows per second.
struct RowsAhead {
  private let rows: any RowSource
  private let runner: RowRunner
  /// Waits for rows that are not at hand.
  private let loading: WorkerPool
  /// Looks up rows beside the thread that reads them.
  private let looking: WorkerPool
  /// The rest of the lot that is being handed out, last row first.
  private var findings: [Finding] = []
  private var lots: [Lot] = []
  private let underWay = UnderWay()
  /// Rows to read at once.
  private var size = 1
  private var isAnyWorkedOn = true
  private var rowsRead = 0
  /// Why the manifest cannot be read further; thrown after the last row before it.
  private var readError: (any Error)?

  /// Larger lots gain nothing, and the results of a slow producer would be held back for longer.
  private static let largestLot = 64
  /// Bytes in a lot as they stand in the manifest: cells that nobody reads may be large.
  private static let mostBytes = 65_536
  /// 20,000 rows are looked up in 0.3 s, which the last answers of the target take anyway.
  private static let mostCounted = 20_000

  private enum Lot {
    case done([Finding])
    /// Keeps the rows, because memory is cheapest to free in the thread that allocated it.
    case underWay(Task<[Finding], Never>, [LoadedRow])

    var findings: [Finding] {
      get async {
        switch self {
        case .done(let findings): findings
        case .underWay(let task, _): await task.value
        }
      }
    }
  }

  /// How many lots the other threads have not finished.
  private final class UnderWay: Sendable {
    let count = Atomic(0)
  }

  init(_ rows: any RowSource, _ runner: RowRunner, loading: WorkerPool, looking: WorkerPool) {
    (self.rows, self.runner, self.loading, self.looking) = (rows, runner, loading, looking)
  }

  /// The next row; nil at the end of the manifest, or when the run stops while it waits for one.
  ///
  /// - Throws: what keeps the manifest from being read further, after every row before it.
  mutating func next() async throws -> Finding? {
    while findings.isEmpty {
      runner.runner.observer.flush()
      size = isAnyWorkedOn ? 1 : min(2 * size, RowsAhead.largestLot)
      isAnyWorkedOn = false
      readLots()
      if !lots.isEmpty {
        findings = await lots.removeFirst().findings
        findings.reverse()
      } else if let readError {
        throw readError
      } else if try await !waitForRow() {
        return nil
      }
    }
    return findings.popLast()
  }

  /// Takes note that the last row needs work, so the next ones are read one at a time.
  mutating func noteWork() { isAnyWorkedOn = true }

  /// Takes the last row back, because it will not be worked on.
  mutating func giveBack(_ finding: Finding) { findings.append(finding) }

  /// Counts the rows that a stopped run never comes to; estimates what follows the first 20,000, and leaves a pipe alone.
  mutating func rest() async -> ExpectedRows? {
    guard rows.expected != nil else { return nil }
    for lot in lots { findings += await lot.findings }
    var (count, looked) = (findings.count(where: \.isWanted), 0)
    do {
      if let readError { throw readError }
      while looked < RowsAhead.mostCounted {
        var row = try rows.nextAtHand()
        if row == nil { row = try await rows.next() }
        guard let row else { return ExpectedRows(count, isExact: true) }
        looked += 1
        if Finding.of(row, loadedIn: 0, runner).isWanted { count += 1 }
      }
    } catch {
      // A second signal, or a manifest that ends in damage: what was counted so far is right.
    }
    guard let expected = rows.expected, !expected.isExact else {
      return ExpectedRows(count, isExact: false)
    }
    return ExpectedRows(count + max(0, expected.count - rowsRead - looked), isExact: false)
  }

  /// Reads lots until enough are ahead or a row would have to be waited for.
  private mutating func readLots() {
    // Each of the other threads finishes three lots while this one looks one up, reads the next and reports.
    let mostUnderWay = 4 * looking.width
    while lots.count < (size == 1 ? 1 : mostUnderWay + 4), readError == nil {
      let start = runner.runner.clock.monotonic
      let lot = rowsAtHand()
      noteExpected()
      guard !lot.isEmpty else { return }
      let seconds = (runner.runner.clock.monotonic - start) / Double(lot.count)
      guard size > 1, underWay.count.load(ordering: .relaxed) < mostUnderWay else {
        lots.append(.done(lot.map { Finding.of($0, loadedIn: seconds, runner) }))
        continue
      }
      underWay.count.add(1, ordering: .relaxed)
      let task = Task(executorPreference: looking) { [runner, underWay] in
        defer { underWay.count.subtract(1, ordering: .relaxed) }
        return lot.map { Finding.of($0, loadedIn: seconds, runner) }
      }
      lots.append(.underWay(task, lot))
    }
  }

  /// The next rows that nobody has to wait for: at most `size`, and hardly more bytes than a lot may have.
  private mutating func rowsAtHand() -> [LoadedRow] {
    var lot: [LoadedRow] = []
    lot.reserveCapacity(size)
    var bytes = 0
    do {
      while lot.count < size, bytes < RowsAhead.mostBytes, let row = try rows.nextAtHand() {
        runner.runner.observer.loaded(row)
        bytes += row.source?.record.exposed.count ?? 0
        lot.append(row)
      }
    } catch {
      readError = error
    }
    rowsRead += lot.count
    return lot
  }

  /// Waits for one row; false when there is none.
  private mutating func waitForRow() async throws -> Bool {
    let clock = runner.runner.clock
    let start = clock.monotonic
    let row = try await runner.runner.unlessStopped(on: loading, rows.next) ?? nil
    noteExpected()
    guard let row else { return false }
    runner.runner.observer.loaded(row)
    rowsRead += 1
    findings = [.of(row, loadedIn: clock.monotonic - start, runner)]
    return true
  }

  private func noteExpected() {
    runner.runner.monitor.note { $0.expected = rows.expected }
  }
}

/// What is to be done with a row, as far as the ledger and the operator's choice of rows tell before any work on it.
enum Finding: Sendable {
  case wanted(LoadedRow, Row)
  /// An earlier run has done it.
  case done(Outcome)
  /// This run is about other rows; counted where `--only` left some out.
  case leftOut(RowReference, Standing?)
  case failed(any Error, RowReference)

  var isWanted: Bool { if case .wanted = self { true } else { false } }

  /// Looks a row up; changes nothing that anybody could see.
  ///
  /// A function, because an initialiser would take the row as its own and retain all that it holds.
  static func of(_ loaded: LoadedRow, loadedIn seconds: Double, _ rows: RowRunner) -> Finding {
    let run = rows.runner
    let name = run.pipeline.assembler.name(of: loaded.record)
    guard run.policy.shard?.contains(name.identity) ?? true else {
      return .leftOut(loaded.record.row, nil)
    }
    do {
      let known = try rows.view?.row(for: name)
      let row = Row(loaded, name, known: known, loadedIn: seconds, run)
      guard let known else { return .wanted(loaded, row) }
      if run.policy.mode == .reconcile, known.standing != .inDoubt {
        return .leftOut(row.reference, nil)
      }
      guard run.policy.only?.includes(known.standing) ?? true else {
        return .leftOut(row.reference, known.standing)
      }
      return accepted(loaded, row, known, rows).map(Finding.done) ?? .wanted(loaded, row)
    } catch {
      return .failed(error, loaded.record.row)
    }
  }

  /// The outcome of a row that was accepted and is not sent again; nil for one that needs work.
  private static func accepted(
    _ loaded: LoadedRow, _ row: Row, _ known: any KnownRow, _ runner: RowRunner
  ) -> Outcome? {
    guard known.standing == .accepted, !known.wasSentInThisRun, loaded.failures.isEmpty else {
      return nil
    }
    let record = loaded.record
    guard known.change(to: runner.preparer.origin(of: record, row)) != .none else {
      runner.noteAccepted(loaded, row)
      return row.alreadyAccepted()
    }
    // Scans are often put away once the target has them; without them nothing can be compared or sent.
    if runner.preparer.sendsImages, record.images.contains(where: { $0.stamp == nil }) {
      return row.alreadyAccepted(
        "an earlier run has sent this row; a scan is no longer there to compare")
    }
    return nil
  }
}
