import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A target that goes away in the middle of a batch and comes back: the run waits, asks, and goes on.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(10)), .serialized)
struct OutageTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// Seven requests fail, questions among them, whatever the way in which they do.
  @Test(arguments: [
    "503", "500:accepted", "502:html", "close-before", "reset-before", "drop-after-accept",
    "stall-read",
  ])
  func anOutageIsWaitedOut(effect: String) async throws {
    let batch = CustomerBatch(rows: 30, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: [effect + "@12-18"])
    let command = batch.arguments(
      sandbox, "--settle-after", "1", "--concurrency", "4", "--set", "submit.timeout=2")
    let result = try await program.start(command).wait(seconds: 300)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 30], "\(result.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  /// A sandbox that keeps what arrives, so that a customer who is stored twice shows as an update.
  private func sandbox(port: String? = nil) async throws -> SandboxProcess {
    let options = ["--state", folder.path + "/state"] + (port.map { ["--port", $0] } ?? [])
    return try await SandboxProcess(folder, options: options)
  }

  @Test func aTargetThatIsRestartedIsWaitedFor() async throws {
    let batch = CustomerBatch(rows: 60, in: folder)
    var sandbox = try await sandbox()
    let command = batch.arguments(sandbox, "--settle-after", "1", "--rate", "20")
    let run = try program.start(command)
    try await run.waitFor("accepted")
    kill(sandbox.process, SIGKILL)
    try await run.waitFor("the target is down since")
    sandbox = try await self.sandbox(port: sandbox.port)
    let result = try await run.wait(seconds: 300)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("the target is back after"), "\(result.errors)")
    #expect(result.outcomes == ["accepted": 60], "\(result.errors)")
    // A row whose answer was lost is settled by a question, which does not say the type.
    #expect(result.rows.allSatisfy { $0["type"]?.string != "updateCustomer" })
  }

  @Test func aTargetThatStaysAwayEndsTheRunAndTheSameCommandFinishes() async throws {
    let batch = CustomerBatch(rows: 60, in: folder)
    var sandbox = try await sandbox()
    let command = batch.arguments(
      sandbox, "--settle-after", "1", "--rate", "20", "--wait-for-target", "2s")
    let run = try program.start(command)
    try await run.waitFor("accepted")
    kill(sandbox.process, SIGKILL)
    let first = try await run.wait(seconds: 300)
    #expect(first.code == 4, "\(first.errors)")
    #expect(first.errors.contains("--wait-for-target"), "\(first.errors)")
    sandbox = try await self.sandbox(port: sandbox.port)
    let second = try await program.start(command).wait(seconds: 300)
    #expect(second.code == 0, "\(second.errors)")
    let accepted = (first.outcomes["accepted"] ?? 0) + (second.outcomes["accepted"] ?? 0)
    #expect(accepted == 60, "\(second.errors)")
    #expect(second.rows.allSatisfy { $0["type"]?.string != "updateCustomer" })
  }
}
