import IntakeCore
import TestSupport
import Testing

/// The sweep over connections that stay open, and what is in doubt after it.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .atMost(5))
struct FaultSweepTests {
  private let folder = TemporaryFolder()

  @Test(arguments: FaultSweep.all)
  func everyFaultHasItsOutcomeCodeAndBound(expected: FaultSweep.Case) async throws {
    try await FaultSweep().check(expected, faults: [expected.fault])
  }

  /// The same command again settles nothing by itself when it may not ask: nobody is sent twice.
  @Test(arguments: ["drop-after-accept@2", "hang:accepted@2", "500:accepted@2", "empty@2"])
  func aRowInDoubtIsHeldUntilSomebodyDecides(fault: String) async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: [fault])
    let program = Program(folder: folder)
    let command = batch.arguments(
      sandbox, "--set", "submit.timeout=2", "--ambiguous", "hold", "--settle-after", "0")
    let first = try await program.start(command).wait()
    let again = try await program.start(command).wait()
    #expect(try sandbox.requests().count == 4)
    #expect([first.code, again.code] == [5, 5])
    let id = try #require(again.rows.first { $0["outcome"]?.string == "in_doubt" }?["id"]?.string)
    let mark = try await program.run(
      "reconcile", batch.ledger, "--mark", "accepted", "--row", id)
    #expect(mark.code == 0, "\(mark.errors)")
    let last = try await program.start(command).wait()
    #expect(last.code == 0, "\(last.errors)")
    #expect(last.outcomes == ["skipped": 4])
    let results = [first, again, last]
    #expect(try Invariants(batch).violations(sandbox.requests(), results) == [])
  }
}

/// The sweep where every answer closes its connection; a suite of its own, for both mostly wait.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .atMost(5))
struct ClosedConnectionTests {
  @Test(arguments: FaultSweep.all.filter { !$0.isAboutReuse })
  func nothingDependsOnConnectionsThatStayOpen(expected: FaultSweep.Case) async throws {
    try await FaultSweep().check(expected, faults: [expected.fault, "connection-close"])
  }
}
