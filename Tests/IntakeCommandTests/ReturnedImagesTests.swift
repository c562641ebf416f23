import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// A customer is updated with other images and the same fields, and the answer is lost: only the stored images tell.
@Suite(.timeLimit(.minutes(20)))
struct ReturnedImagesTests {
  private let folder = TemporaryFolder()

  /// The three rows were accepted; then the second got another scan, and the request about it went wrong.
  private func update(_ stored: String, _ fault: String) async throws -> (
    first: Program.Result, again: Program.Result, sandbox: SandboxProcess, batch: CustomerBatch
  ) {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(
      folder, faults: [fault + "@4"], options: ["--switch", "stored-images=\(stored)"])
    let program = Program(folder: folder)
    let created = try await program.start(batch.arguments(sandbox)).wait()
    #expect(created.code == 0, "\(created.errors)")
    let scan = try Descriptor.open(Program.samples + "/images/gray-front.jpg")
    folder.write("other.jpg", try scan.wholeFile(atMost: 1 << 20))
    batch.write { number, cells in if number == 1 { cells[6] = "other.jpg" } }
    let command = batch.arguments(sandbox, "--resubmit-changed", "--settle-after", "0")
    let first = try await program.start(command).wait()
    let again = try await program.start(command).wait()
    return (first, again, sandbox, batch)
  }

  /// A target that returns no images, or other ones, proves nothing: the row is not sent twice, accepted or not.
  @Test(arguments: [
    ("omitted", "drop-after-accept"), ("omitted", "close-after-read"),
    ("reencoded", "drop-after-accept"), ("reencoded", "close-after-read"),
  ])
  func whatProvesNothingLeavesTheRowInDoubt(stored: String, fault: String) async throws {
    let (first, again, sandbox, batch) = try await update(stored, fault)
    for result in [first, again] {
      #expect(result.code == 5, "\(result.errors)")
      #expect(result.outcomes == ["skipped": 2, "in_doubt": 1], "\(result.output)")
      let detail = result.row("R-1")?["detail"]?.string ?? ""
      let reason =
        stored == "omitted"
        ? "the answer has no images" : "the target does not return images as they were sent"
      #expect(detail.contains(reason), "\(detail)")
      #expect(result.errors.contains(reason))
    }
    #expect(try sandbox.requests().count { !$0.isInquiry } == 4)
    var invariants = Invariants(batch)
    invariants.allowedRepeats = 1
    #expect(try invariants.violations(sandbox.requests(), [first, again]) == [])
  }

  /// A target that returns what it was given proves both: what it has is not sent again, what it lacks is.
  @Test(arguments: zip(["drop-after-accept", "close-after-read"], [4, 5]))
  func aTargetThatKeepsImagesSettlesTheRow(fault: String, requests: Int) async throws {
    let (first, again, sandbox, batch) = try await update("kept", fault)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.outcomes == ["skipped": 2, "accepted": 1], "\(first.output)")
    #expect(again.outcomes == ["skipped": 3])
    #expect(try sandbox.requests().count { !$0.isInquiry } == requests)
    #expect(try sandbox.requests().count { $0.isAccepted } == 4)
    var invariants = Invariants(batch)
    invariants.allowedRepeats = 1
    #expect(try invariants.violations(sandbox.requests(), [first, again]) == [])
  }
}
