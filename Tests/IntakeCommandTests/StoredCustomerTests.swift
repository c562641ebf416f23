import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// An answer is lost, and what the target stores tells only as much as the target is known to keep.
@Suite(.timeLimit(.minutes(20)))
struct StoredCustomerTests {
  private let folder = TemporaryFolder()

  /// The three rows were accepted; then the second got another scan or address, and the request about it went wrong.
  private func update(_ stored: String, _ fault: String, address: String? = nil) async throws -> (
    first: Program.Result, again: Program.Result, sandbox: SandboxProcess, batch: CustomerBatch
  ) {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(
      folder, faults: [fault + "@4"], options: ["--switch", stored])
    let program = Program(folder: folder)
    let created = try await program.start(batch.arguments(sandbox)).wait()
    #expect(created.code == 0, "\(created.errors)")
    let scan = try Descriptor.open(Program.samples + "/images/gray-front.jpg")
    folder.write("other.jpg", try scan.wholeFile(atMost: 1 << 20))
    batch.write { number, cells in
      guard number == 1 else { return }
      if let address { cells[4] = address } else { cells[6] = "other.jpg" }
    }
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
    let (first, again, sandbox, batch) = try await update("stored-images=\(stored)", fault)
    for result in [first, again] {
      #expect(result.code == 5, "\(result.errors)")
      #expect(result.outcomes == ["skipped": 2, "in_doubt": 1], "\(result.output)")
      let detail = result.row("R-1")?["detail"]?.string ?? ""
      let reason =
        stored == "omitted"
        ? "the answer has no images"
        : "no accepted row shows that the target keeps that as it was sent"
      #expect(detail.contains(reason), "\(detail)")
      #expect(result.errors.contains(reason))
    }
    #expect(try sandbox.requests().count { !$0.isInquiry } == 4)
    var invariants = Invariants(batch)
    invariants.allowedRepeats = 1
    #expect(try invariants.violations(sandbox.requests(), [first, again]) == [])
  }

  /// A target that returns what it was given proves both: what it has is not sent again, what it lacks is.
  @Test(arguments: [
    ("stored-images=kept", "drop-after-accept", nil, 4),
    ("stored-images=kept", "close-after-read", nil, 5),
    ("stored-fields=kept", "drop-after-accept", "1 Zephyr Street", 4),
    ("stored-fields=kept", "close-after-read", "1 Zephyr Street", 5),
    ("stored-fields=respelt", "drop-after-accept", "1 Zephyr Way", 4),
  ])
  func aTargetThatKeepsThemSettlesTheRow(
    stored: String, fault: String, address: String?, requests: Int
  ) async throws {
    let (first, again, sandbox, batch) = try await update(stored, fault, address: address)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.outcomes == ["skipped": 2, "accepted": 1], "\(first.output)")
    #expect(again.outcomes == ["skipped": 3])
    #expect(try sandbox.requests().count { !$0.isInquiry } == requests)
    #expect(try sandbox.requests().count { $0.isAccepted } == 4)
    var invariants = Invariants(batch)
    invariants.allowedRepeats = 1
    #expect(try invariants.violations(sandbox.requests(), [first, again]) == [])
  }

  /// A target that spells fields its own way has the customer, or an older version of it: it can't be told which.
  @Test(arguments: ["drop-after-accept", "close-after-read"])
  func aFieldInAnotherSpellingLeavesTheRowInDoubt(fault: String) async throws {
    let (first, again, sandbox, batch) = try await update(
      "stored-fields=respelt", fault, address: "1 Zephyr Street")
    for result in [first, again] {
      #expect(result.code == 5, "\(result.errors)")
      #expect(result.outcomes == ["skipped": 2, "in_doubt": 1], "\(result.output)")
      let detail = result.row("R-1")?["detail"]?.string ?? ""
      #expect(detail.hasPrefix("stored differs in addr, and no accepted row"), "\(detail)")
    }
    #expect(try sandbox.requests().count { !$0.isInquiry } == 4)
    var invariants = Invariants(batch)
    invariants.allowedRepeats = 1
    #expect(try invariants.violations(sandbox.requests(), [first, again]) == [])
  }

  /// A new customer, in a batch whose other rows show how the target spells.
  @Test func aNewCustomerIsNotSentTwiceForItsSpelling() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    batch.write { number, cells in if number == 2 { cells[4] = "2 Zephyr Street" } }
    let email = CustomerBatch.email(2).replacing("@", with: "?")
    let sandbox = try await SandboxProcess(
      folder, faults: ["drop-after-accept@email=\(email)@try=1"],
      options: ["--switch", "stored-fields=respelt"])
    let result = try await Program(folder: folder).start(
      batch.arguments(sandbox, "--settle-after", "0", "--concurrency", "1")
    ).wait()
    #expect(result.code == 5, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 2, "in_doubt": 1], "\(result.output)")
    #expect(try sandbox.requests().count { !$0.isInquiry } == 3)
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }
}
