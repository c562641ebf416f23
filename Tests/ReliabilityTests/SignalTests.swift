import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Signals: the first drains, the second aborts, a stopped process goes on.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct SignalTests {
  private let folder = TemporaryFolder()

  /// Waits until the server holds that many requests that it has not answered.
  private func waitForIntents(_ count: Int, _ batch: CustomerBatch) async throws {
    while lines(batch) < count {
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Lines about rows in the ledger.
  private func lines(_ batch: CustomerBatch) -> Int {
    let bytes = (try? Descriptor.open(batch.ledger).wholeFile(atMost: 1 << 24)) ?? []
    return bytes.count { $0 == 0x0A } - 1
  }

  /// Rows that were announced as about to be sent.
  private func intents(_ batch: CustomerBatch) throws -> Int {
    let bytes = try Descriptor.open(batch.ledger).wholeFile(atMost: 1 << 24)
    return String(decoding: bytes, as: UTF8.self).ranges(of: "\"intent\"").count
  }

  private func start(
    _ batch: CustomerBatch, _ sandbox: SandboxProcess, concurrency: Int = 3
  ) async throws -> StartedProgram {
    try Program(folder: folder).start(
      batch.arguments(
        sandbox, "--concurrency", "\(concurrency)", "--set", "submit.timeout=600"))
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
  func theFirstSignalFinishesWhatIsInFlight(number: Int32) async throws {
    let batch = CustomerBatch(rows: 30, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=3000@2-"])
    let running = try await start(batch, sandbox)
    // The canary has two lines; three more rows are on their way when five are there.
    try await waitForIntents(5, batch)
    running.signal(number)
    try await running.waitFor("again to abort")
    // On a busy machine this test may be late and more rows may be on their way; whichever they are, they finish.
    let begun = try intents(batch)
    let result = try await running.wait()
    #expect(result.code == 4, "\(result.errors)")
    #expect(begun >= 4 && begun < 30)
    #expect(try intents(batch) == begun)
    #expect(result.outcomes["accepted"] == begun, "\(result.outcomes)")
    #expect(result.outcomes["in_doubt"] == nil)
    #expect(try sandbox.requests().count == begun)
    let again = try await start(batch, sandbox, concurrency: 30).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result, again]) == [])
  }

  @Test(arguments: zip([SIGTERM, SIGINT], [Int32(143), 130]))
  func theSecondSignalAbortsAndSaysWhatIsInDoubt(number: Int32, code: Int32) async throws {
    let batch = CustomerBatch(rows: 12, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["hang:accepted@2-"])
    let running = try await start(batch, sandbox)
    // The canary, and three that are stored and not answered.
    while try sandbox.customers() < 4 { try await Task.sleep(for: .milliseconds(10)) }
    running.signal(number)
    try await running.waitFor("again to abort")
    running.signal(number)
    let result = try await running.wait()
    #expect(result.code == code, "\(result.errors)")
    #expect(result.outcomes["in_doubt"] == 3, "\(result.outcomes)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test func aStoppedProcessGoesOnWithoutABurst() async throws {
    let batch = CustomerBatch(rows: 8, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=300"])
    let command = batch.arguments(
      sandbox, "--concurrency", "3", "--set", "submit.timeout=2")
    let running = try Program(folder: folder).start(command)
    try await waitForIntents(5, batch)
    running.signal(SIGSTOP)
    try await Task.sleep(for: .seconds(3))
    running.signal(SIGCONT)
    let result = try await running.wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(try sandbox.requests().count { $0.isAccepted } == 8)
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }
}
