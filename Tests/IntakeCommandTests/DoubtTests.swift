import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A row in doubt stays so, in result line and exit code, until something settles it.
@Suite(.timeLimit(.minutes(20)))
struct DoubtTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// A batch whose row was accepted by a server that did not say so, left in doubt by a first run.
  private func batch(_ sandbox: SandboxProcess) async throws -> CustomerBatch {
    let batch = CustomerBatch(rows: 1, in: folder)
    let first = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect(first.code == 5, "\(first.errors)")
    return batch
  }

  @Test func aRowInDoubtIsSettledInTheSameRun() async throws {
    let sandbox = try await SandboxProcess(
      folder, faults: ["drop-after-accept@1", "500@2", "drop-after-accept@6"])
    let batch = CustomerBatch(rows: 4, in: folder)
    let result = try await program.start(batch.arguments(sandbox, "--settle-after", "0")).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 4])
    #expect(try sandbox.requests().count { $0.isAccepted } == 4)
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test func aScanThatIsGoneDoesNotHideADoubt() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1"])
    let batch = try await batch(sandbox)
    unlink(folder.path + "/scan.jpg")
    let command = batch.arguments(sandbox, "--settle-after", "0")
    let second = try await program.start(command).wait()
    #expect(second.code == 5, "\(second.errors)")
    let row = try #require(second.rows.first)
    #expect(row["outcome"]?.string == "in_doubt")
    #expect(row["detail"]?.string?.contains("file_not_found") == true)
    folder.write("scan.jpg", TinyScan.bytes)
    #expect(try await program.start(command).wait().code == 0)
    #expect(try sandbox.requests().count { $0.isAccepted } == 1)
  }

  @Test func aRefusalOfASecondSendingDoesNotHideTheFirst() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1", "400@2"])
    let batch = try await batch(sandbox)
    let second = try await program.start(
      batch.arguments(sandbox, "--settle-after", "0", "--ambiguous", "resend")
    ).wait()
    #expect(second.code == 5, "\(second.errors)")
    #expect(second.outcomes == ["in_doubt": 1])
    #expect(second.rows.first?["http"]?.integer == 400)
  }

  /// The command that the end of a run shows is pasted into a shell; nothing may be left in doubt after it.
  @Test(arguments: [true, false])
  func theNextStepSettlesWhatIsHeld(isTyped: Bool) async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1"])
    let batch = CustomerBatch(rows: 1, in: folder)
    var program = program
    if !isTyped { program.environment["DOCINTAKE_AMBIGUOUS"] = "hold" }
    let held = batch.arguments(sandbox, "--settle-after", "0", "--progress", "json")
    let first = try await program.start(held + (isTyped ? ["--ambiguous", "hold"] : [])).wait()
    #expect(first.code == 5, "\(first.errors)")
    let line = try #require(first.errors.split(separator: "\n").last)
    let next = try #require(try JSONParser.parse(Array(line.utf8))["next"]?.string)
    program.executable = "/bin/sh"
    let second = try await program.start(["-c", next]).wait()
    #expect(second.code == 0 && second.outcomes == ["accepted": 1], "\(next): \(second.errors)")
    #expect(try sandbox.requests().count { $0.isAccepted } == 1)
  }

  @Test func aThrottledQuestionIsAskedAgainAfterTheTimeTheServerWants() async throws {
    let sandbox = try await SandboxProcess(
      folder, faults: ["drop-after-accept@1", "429:retry-after=1@2"])
    let batch = try await batch(sandbox)
    let second = try await program.start(batch.arguments(sandbox, "--settle-after", "0")).wait()
    #expect(second.code == 0, "\(second.errors)")
    #expect(second.errors.contains("asked by the server"), "\(second.errors)")
    #expect(try sandbox.requests().count { $0.isAccepted } == 1)
  }
}
