import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// Rows that are edited after they were accepted: noticed cheaply, sent again only when that is asked for.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct ChangedRowTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// A batch of four whose rows have all been accepted.
  private func accepted() async throws -> (CustomerBatch, SandboxProcess, Program.Result) {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let first = try await program.start(batch.arguments(sandbox)).wait()
    #expect(first.code == 0, "\(first.errors)")
    return (batch, sandbox, first)
  }

  private func changed(_ result: Program.Result) -> [String] {
    result.rows.filter { $0["code"]?.string == "changed_after_acceptance" }
      .compactMap { $0["id"]?.string }
  }

  @Test func aChangedCellIsNoticedAndNotSent() async throws {
    let (batch, sandbox, first) = try await accepted()
    batch.write { number, cells in if number == 2 { cells[4] = "2 Xylophone Street" } }
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.code == 3, "\(again.errors)")
    #expect(again.outcomes == ["skipped": 4])
    #expect(changed(again) == ["R-2"])
    #expect(again.errors.contains("--resubmit-changed"), "\(again.errors)")
    #expect(try sandbox.requests().count == 4)
    #expect(try Invariants(batch).violations(sandbox.requests(), [first, again]) == [])
  }

  @Test func aScanThatWasWrittenAgainIsOnlyRead() async throws {
    let (batch, sandbox, _) = try await accepted()
    folder.write("scan.jpg", TinyScan.bytes)
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.code == 0 && changed(again) == [], "\(again.output)")
    #expect(again.rows.allSatisfy { $0["ms"]?["decode"] == nil })
  }

  /// What follows the end of a JPEG is not sent, so the target would not see the difference.
  @Test func aChangeOfAScanThatIsNotSentIsNone() async throws {
    let (batch, sandbox, _) = try await accepted()
    folder.write("scan.jpg", TinyScan.bytes + [0])
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.code == 0 && changed(again) == [], "\(again.output)")
    #expect(again.rows.allSatisfy { $0["ms"]?["decode"] != nil })
    #expect(try sandbox.requests().count == 4)
  }

  @Test func orderOfRowsAndColumnsIsNoChange() async throws {
    let (batch, sandbox, _) = try await accepted()
    let rows = (0..<4).reversed().map {
      "scan.jpg,19830417,\($0) Xylophone Way,Quetzal\($0),Zanzibar,\(CustomerBatch.email($0)),R-\($0)"
    }
    folder.write(
      "batch.csv", "front,dob,addr,ln,fn,email,id\n" + rows.joined(separator: "\n") + "\n")
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.outcomes == ["skipped": 4])
    #expect(changed(again) == [])
  }

  @Test func onRequestTheNewContentIsSentOnce() async throws {
    let (batch, sandbox, first) = try await accepted()
    batch.write { number, cells in if number == 2 { cells[4] = "2 Xylophone Street" } }
    let command = batch.arguments(sandbox, "--resubmit-changed")
    let again = try await program.start(command).wait()
    #expect(again.outcomes == ["skipped": 3, "accepted": 1], "\(again.errors)")
    #expect(again.row("R-2")?["type"]?.string == "updateCustomer")
    let third = try await program.start(command).wait()
    #expect(third.outcomes == ["skipped": 4])
    #expect(changed(third) == [])
    #expect(try sandbox.requests().count == 5)
    var invariants = Invariants(batch)
    invariants.allowedRepeats = 1
    #expect(try invariants.violations(sandbox.requests(), [first, again, third]) == [])
  }

  @Test func aChangeThatIsNotSentSendsNothing() async throws {
    let (batch, sandbox, _) = try await accepted()
    // Whether the date has dashes makes no difference to the request.
    batch.write { number, cells in if number == 1 { cells[5] = "1983-04-17" } }
    let again = try await program.start(batch.arguments(sandbox, "--resubmit-changed")).wait()
    #expect(again.outcomes == ["skipped": 4], "\(again.errors)")
    #expect(try sandbox.requests().count == 4)
  }

  @Test func aChangedRowInDoubtIsNotSent() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@2"])
    let first = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    let doubtful = try #require(
      first.rows.first { $0["outcome"]?.string == "in_doubt" }?["id"]?.string)
    batch.write { number, cells in
      if CustomerBatch.id(number) == doubtful { cells[4] = "other" }
    }
    for ambiguous in ["hold", "reconcile"] {
      let command = batch.arguments(
        sandbox, "--resubmit-changed", "--settle-after", "0", "--ambiguous", ambiguous)
      let again = try await program.start(command).wait()
      #expect(again.code == 5)
      #expect(again.row(doubtful)?["code"]?.string == "changed_in_doubt", "\(again.output)")
      #expect(again.row(doubtful)?["hint"]?.string?.contains("--mark") == true)
    }
    #expect(try sandbox.requests().count { !$0.isInquiry } == 4)
    // Whoever asks for a second sending has it, with what the row says now.
    let command = batch.arguments(sandbox, "--settle-after", "0", "--ambiguous", "resend")
    let resent = try await program.start(command).wait()
    #expect(resent.code == 0, "\(resent.errors)")
    #expect(resent.row(doubtful)?["outcome"]?.string == "accepted")
    #expect(try sandbox.requests().count { !$0.isInquiry } == 5)
  }

  @Test func aReplacedImageIsSentOnRequest() async throws {
    let (batch, sandbox, _) = try await accepted()
    let scan = try Descriptor.open(Program.samples + "/images/gray-front.jpg")
    folder.write("other.jpg", try scan.wholeFile(atMost: 1 << 20))
    batch.write { number, cells in if number == 2 { cells[6] = "other.jpg" } }
    let command = batch.arguments(sandbox, "--resubmit-changed")
    let again = try await program.start(command).wait()
    #expect(again.outcomes == ["skipped": 3, "accepted": 1], "\(again.errors)")
    #expect(again.row("R-2")?["type"]?.string == "updateCustomer")
    let last = try await program.start(command).wait()
    #expect(last.outcomes == ["skipped": 4], "\(last.errors)")
    #expect(try sandbox.requests().count == 5)
  }

  /// Scans are put away once they are with the target: nothing is left to compare or to send, and nothing to do.
  @Test(arguments: [[], ["--resubmit-changed"]])
  func aScanThatIsGoneChangesNothing(more: [String]) async throws {
    let (batch, sandbox, first) = try await accepted()
    try DurableFile.remove(folder.path + "/scan.jpg")
    let again = try await program.start(batch.arguments(sandbox) + more).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(again.outcomes == ["skipped": 4])
    #expect(changed(again) == [])
    #expect(again.rows.allSatisfy { $0["detail"]?.string?.contains("no longer there") == true })
    #expect(try sandbox.requests().count == 4)
    #expect(try Invariants(batch).violations(sandbox.requests(), [first, again]) == [])
  }
}
