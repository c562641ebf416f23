import IntakeCore
import IntakeLedger
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Figures that the design rests on; they need an optimised build and a quiet machine.
///
///     INTAKE_MEASURE=1 swift test -c release --no-parallel --filter LedgerMeasurements
@Suite(.enabled(if: getenv("INTAKE_MEASURE") != nil), .serialized, .timeLimit(.minutes(20)))
struct LedgerMeasurements {
  let folder = TemporaryFolder()

  @Test func aMillionRowsOpenInTwoSecondsAndAHundredAndFiftyMegabytes() async throws {
    await (try Ledger.open(folder.ledger)).close()
    try fill(rows: 1_000_000)
    let start = ContinuousClock.now
    let ledger = try await Ledger.open(folder.ledger)
    let time = ContinuousClock.now - start
    #expect(ledger.counts().total == 1_000_000)
    await ledger.close()
    var usage = rusage()
    getrusage(.init(0), &usage)
    print("a million rows: \(time), at most \(usage.ru_maxrss / 1024) MB in memory")
    #expect(time < .seconds(2))
    #expect(usage.ru_maxrss < 150 << 10)
  }

  @Test func eightConnectionsLoseLessThanATenthToSynchronisation() async throws {
    let without = try await time(isSynchronized: false)
    let with = try await time(isSynchronized: true)
    print("8 tasks, 40 ms latency, 400 rows: \(with), without synchronisation \(without)")
    #expect(with < without * 1.1)
  }

  /// What the ledger does for a row that is skipped: its key, its state, and whether it is made of the same.
  @Test func aHundredThousandAcceptedRowsASecondAreRecognised() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    var submission = Submission.test()
    func name(_ row: Int) -> RowName { .test("email:customer-\(row)@example.org") }
    func origin(_ row: Int) -> RowOrigin {
      let cells = Personal(Array("addr=20:\(row) Xylophone Street;fn=3:Ada".utf8))
      return RowOrigin(label: nil, cells: cells, files: cells, inFormat1: cells)
    }
    for row in 0..<2_000 {
      submission.origin = origin(row)
      let key = try ledger.row(for: name(row)).key
      try await ledger.intend(submission, for: key, attempt: 1)
      try await ledger.record(.test(key, .accepted, attempts: 1))
    }
    let start = ContinuousClock.now
    for row in 0..<200_000 {
      let known = try ledger.row(for: name(row % 2_000))
      let isSame = known.standing == .accepted && known.change(to: origin(row % 2_000)) == .none
      if !isSame { Issue.record("row \(row) is not recognised") }
    }
    let time = ContinuousClock.now - start
    print("200,000 accepted rows recognised in \(time)")
    #expect(time < .seconds(2))
    await ledger.close()
  }

  private func fill(rows: Int) throws {
    let file = try AppendOnlyFile.open(folder.ledger, .appending)
    var scan = LedgerScan(file)
    var writer = LineWriter(file, at: try scan.run { (_, _) throws(JournalError) in })
    var random = SeededRandom(seed: 1)
    for row in 0..<rows {
      let key = Fingerprint(high: random.next(), low: random.next())
      var intent = LedgerRecord(.intent, at: .now(), key: key)
      (intent.digest, intent.label) = (key, key)
      (intent.cells, intent.files, intent.images) = (key, key, key)
      (intent.attempt, intent.operation) = (1, "createOrUpdateCustomer")
      _ = try writer.append(intent)
      var outcome = LedgerRecord(.outcome, at: .now(), key: key)
      outcome.label = key
      (outcome.attempt, outcome.operation) = (1, intent.operation)
      (outcome.verdict, outcome.http, outcome.row) = ("accepted", 200, row + 2)
      (outcome.status, outcome.type) = ("PASS", "createCustomer")
      (outcome.bytes, outcome.milliseconds) = (734_212, 812)
      _ = try writer.append(outcome)
    }
    try writer.synchronize()
  }

  private func time(isSynchronized: Bool) async throws -> Duration {
    var settings = LedgerSettings(path: "\(folder.path)/\(isSynchronized)", target: "dcams")
    settings.isSynchronized = isSynchronized
    let ledger = try await Ledger.open(settings)
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for row in 0..<50 {
            let key = ledger.key("\(task)-\(row)")
            try? await ledger.intend(.test(), for: key, attempt: 1)
            try? await Task.sleep(for: .milliseconds(40))
            try? await ledger.record(.test(key, .accepted, attempts: 1))
          }
        }
      }
    }
    let time = ContinuousClock.now - start
    #expect(ledger.counts().accepted == 400)
    await ledger.close()
    return time
  }
}
