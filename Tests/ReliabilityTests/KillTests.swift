import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `kill -9` at random moments of real runs against a server that outlives them.
///
/// `DOCINTAKE_KILLS` and `DOCINTAKE_KILL_ROWS` set the size; 300 and 500 take some minutes.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(15)), .atMost(4))
struct KillTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private static let kills = SlowTests.size("DOCINTAKE_KILLS", otherwise: 15)
  private static let rows = SlowTests.size("DOCINTAKE_KILL_ROWS", otherwise: 60)

  @Test(arguments: ["reconcile", "hold", "resend"])
  func everyRowEndsAndNobodyIsStoredTwice(ambiguous: String) async throws {
    let batch = CustomerBatch(rows: KillTests.rows, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=150"])
    let command = batch.arguments(
      sandbox, "--settle-after", "1", "--ambiguous", ambiguous, "--concurrency", "3")
    var results = try await killed([command], batch, KillTests.kills)
    for _ in 0..<20 where results.last.map({ $0.code != 0 }) ?? true {
      results.append(try await program.start(command).wait(seconds: 600))
      // What is in doubt is held for good.
      if ambiguous == "hold", results.last?.code == 5 { break }
    }
    let requests = try sandbox.requests()
    var invariants = Invariants(batch)
    if ambiguous == "resend" { invariants.allowedRepeats = KillTests.kills }
    #expect(try invariants.violations(requests, results) == [])
    let last = try #require(results.last)
    let inDoubt = last.outcomes["in_doubt"] ?? 0
    let cannotAsk = last.output.contains("this target cannot be asked")
    if ambiguous == "resend" || (ambiguous == "reconcile" && !cannotAsk) {
      #expect(last.code == 0, "\(last.errors)")
    } else {
      #expect(last.code == (inDoubt > 0 ? 5 : 0), "\(last.errors)")
    }
    let stored = requests.count { $0.isAccepted }
    print(
      "kill loop, \(ambiguous): \(results.count { $0.code == 256 + 9 }) kills, \(batch.count) rows, "
        + "\(requests.count) requests, \(stored) stored, \(inDoubt) in doubt at the end")
  }

  /// Half of the customers stand in both manifests, whose runs take turns; the ledger is the target's.
  @Test func nobodyInTwoManifestsIsStoredTwice() async throws {
    let half = KillTests.rows / 2
    let batch = CustomerBatch(rows: 3 * half, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=150"])
    let manifests = [
      batch.writePart(0..<2 * half, "first.csv"), batch.writePart(half..<3 * half, "second.csv"),
    ]
    let commands = manifests.map { manifest in
      batch.arguments(sandbox, "--settle-after", "1", "--concurrency", "3")
        .map { $0 == batch.manifest ? manifest : $0 }
    }
    var results = try await killed(commands, batch, KillTests.kills)
    let kills = results.count { $0.code == 256 + 9 }
    for command in commands {
      for _ in 0..<20 {
        results.append(try await program.start(command).wait(seconds: 600))
        if results.last?.code == 0 { break }
      }
      #expect(results.last?.code == 0, "\(results.last?.errors ?? "")")
    }
    let requests = try sandbox.requests()
    #expect(try Invariants(batch).violations(requests, results) == [])
    let stored = requests.filter(\.isAccepted).compactMap(\.customer)
    #expect(Set(stored).count == batch.count && stored.count == batch.count)
    print(
      "kill loop, two manifests: \(kills) kills, \(batch.count) customers, \(half) of them in both, "
        + "\(requests.count) requests, \(stored.count) stored")
  }

  /// Runs that take turns and are killed after a random time; the ledger is checked after each.
  private func killed(_ commands: [[String]], _ batch: CustomerBatch, _ count: Int) async throws
    -> [Program.Result]
  {
    var random = SeededRandom.announced()
    var results: [Program.Result] = []
    for number in 0..<count {
      let run = try program.start(commands[number % commands.count])
      // Most runs die among their first rows; one in five lives long enough to settle rows in doubt.
      let most = number % 5 == 0 ? 2_500_000 : 400_000
      try await Task.sleep(for: .microseconds(Int.random(in: 10_000...most, using: &random)))
      run.signal(SIGKILL)
      results.append(try await run.wait())
      guard DurableFile.exists(batch.ledger) else { continue }
      let check = try await program.run("ledger", "verify", batch.ledger)
      #expect(check.code == 0, "\(check.errors)")
    }
    return results
  }
}
