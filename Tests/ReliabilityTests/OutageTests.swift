import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A target that goes away in the middle of a batch and comes back: the run waits, asks, and goes on.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .atMost(6))
struct OutageTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// Five requests fail, questions among them, whatever the way in which they do.
  @Test(arguments: [
    "503", "500:accepted", "502:html", "close-before", "reset-before", "drop-after-accept",
    "stall-read",
  ])
  func anOutageIsWaitedOut(effect: String) async throws {
    let batch = CustomerBatch(rows: 30, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: [effect + "@12-16"])
    let command = batch.arguments(
      sandbox, "--settle-after", "1", "--concurrency", "4", "--set", "submit.timeout=2")
    let result = try await program.start(command).wait(seconds: 300)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 30], "\(result.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  /// What is left of a target that has gone away, as one sees it from outside.
  enum Absence: String, CaseIterable {
    case refused, silent, busy, swapped
  }

  /// A sandbox behind TLS that goes away after so many requests, all connections at once, and comes back when it is told.
  private struct Door {
    let sandbox: SandboxProcess
    private let relay: Relay
    private let certificate: String

    init(_ folder: TemporaryFolder, for requests: Int, then absence: Absence) async throws {
      sandbox = try await SandboxProcess(folder)
      let (certificate, key) = try Certificate.make("server", for: "target.example", in: folder)
      let other = try Certificate.make("other", for: "target.example", in: folder)
      relay = try await Relay(
        folder, "door", certificate, key, sandbox.port, "\(requests)", absence.rawValue,
        other.certificate, other.key)
      self.certificate = certificate
    }

    func comeBack() { relay.signal(SIGUSR1) }

    func arguments(_ batch: CustomerBatch, _ more: String...) -> [String] {
      batch.arguments(endpoint: "https://localhost:\(relay.port)/v3/stable/api/storage") + [
        "--ca-file", certificate, "--concurrency", "8", "--settle-after", "1", "--set",
        "submit.timeout=2",
      ] + more
    }
  }

  @Test(.enabled(if: Certificate.isAvailable), arguments: Absence.allCases)
  func nobodyIsLostOrStoredTwiceWhenTheTargetGoesAway(absence: Absence) async throws {
    let batch = CustomerBatch(rows: 300, in: folder)
    let door = try await Door(folder, for: 150, then: absence)
    let run = try program.start(door.arguments(batch))
    try await run.waitFor("the target has been down for")
    door.comeBack()
    let result = try await run.wait(seconds: 300)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 300], "\(result.errors)")
    #expect(result.errors.contains("the target is back after"), "\(result.errors)")
    #expect(try Invariants(batch).violations(door.sandbox.requests(), [result]) == [])
  }

  @Test(.enabled(if: Certificate.isAvailable), arguments: Absence.allCases)
  func theSameCommandFinishesWhatALongerAbsenceStopped(absence: Absence) async throws {
    let batch = CustomerBatch(rows: 120, in: folder)
    let door = try await Door(folder, for: 60, then: absence)
    let command = door.arguments(batch, "--wait-for-target", "1s")
    let first = try await program.start(command).wait(seconds: 300)
    #expect(first.code == 4, "\(first.errors)")
    #expect(first.errors.contains("--wait-for-target"), "\(first.errors)")
    door.comeBack()
    let second = try await program.start(command).wait(seconds: 300)
    #expect(second.code == 0, "\(second.errors)")
    let accepted = [first, second].map { $0.outcomes["accepted"] ?? 0 }.reduce(0, +)
    #expect(accepted == 120, "\(second.errors)")
    #expect(try Invariants(batch).violations(door.sandbox.requests(), [first, second]) == [])
  }

  /// A target that is started anew over what it kept: a customer who is stored twice shows as an update.
  private func sandbox(port: String? = nil) async throws -> SandboxProcess {
    let options = ["--state", folder.path + "/state"] + (port.map { ["--port", $0] } ?? [])
    return try await SandboxProcess(folder, options: options)
  }

  @Test func aTargetThatIsRestartedIsWaitedFor() async throws {
    let batch = CustomerBatch(rows: 60, in: folder)
    var sandbox = try await sandbox()
    var command = batch.arguments(
      sandbox, "--settle-after", "1", "--images-root", folder.path)
    command[1] = "-"
    // Half of the rows come only once the target is gone, however long that takes.
    let rows = try Descriptor.open(batch.manifest).wholeFile(atMost: 1 << 20)
    let half = try #require(rows.firstRange(of: Array("R-30,".utf8))?.lowerBound)
    let pipe = folder.path + "/rows"
    #expect(mkfifo(pipe, 0o600) == 0)
    let end = open(pipe, O_RDWR | O_CLOEXEC)
    let run = try program.start(command, input: pipe)
    #expect(RawDescriptor.write(Array(rows[..<half]), to: end))
    try await run.waitFor("accepted")
    kill(sandbox.process, SIGKILL)
    #expect(RawDescriptor.write(Array(rows[half...]), to: end))
    close(end)
    try await run.waitFor("the target has been down for")
    sandbox = try await self.sandbox(port: sandbox.port)
    let result = try await run.wait(seconds: 300)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("the target is back after"), "\(result.errors)")
    #expect(result.outcomes == ["accepted": 60], "\(result.errors)")
    // A row whose answer was lost is settled by a question, which does not say the type.
    #expect(result.rows.allSatisfy { $0["type"]?.string != "updateCustomer" })
  }
}
