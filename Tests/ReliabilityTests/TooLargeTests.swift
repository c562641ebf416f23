import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// A target that answers 413: one more sending with smaller images, and no third.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct TooLargeTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// A batch whose scan of 165 KB can be sent in half the bytes.
  private func batch(_ rows: Int) throws -> CustomerBatch {
    let batch = CustomerBatch(rows: rows, in: folder)
    let scan = try Descriptor.open(Program.samples + "/images/gray-front.jpg")
    folder.write("scan.jpg", try scan.wholeFile(atMost: 1 << 20))
    return batch
  }

  private func sentBytes(_ row: JSONValue?) -> Int {
    row?["images"]?["front"]?["sent"]?["bytes"]?.integer ?? 0
  }

  @Test func smallerImagesAreSentOnceMoreAndAccepted() async throws {
    let batch = try batch(3)
    let sandbox = try await SandboxProcess(folder, faults: ["413@1"])
    let command = batch.arguments(sandbox, "--concurrency", "1")
    let result = try await program.start(command).wait()
    #expect(result.code == 0, "\(result.errors)")
    let requests = try sandbox.requests()
    #expect(requests.map(\.status) == [413, 200, 200, 200])
    let shrunk = try #require(result.rows.first { $0["attempts"]?.integer == 2 })
    let others = result.rows.filter { $0["attempts"]?.integer == 1 }
    #expect(others.count == 2)
    #expect(sentBytes(shrunk) > 10_000)
    #expect(sentBytes(shrunk) * 2 <= sentBytes(others.first), "\(result.output)")
    #expect(result.errors.contains("once more with smaller images"), "\(result.errors)")
    let again = try await program.start(command).wait()
    #expect(again.outcomes == ["skipped": 3])
    #expect(try Invariants(batch).violations(sandbox.requests(), [result, again]) == [])
  }

  @Test func aSecondRefusalIsTheLast() async throws {
    let batch = try batch(2)
    let sandbox = try await SandboxProcess(folder, faults: ["413"])
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.outcomes == ["rejected": 2])
    #expect(try sandbox.requests().count == 4)
    for row in result.rows {
      #expect(row["code"]?.string == "body_too_large")
      let detail = row["detail"]?.string ?? ""
      #expect(detail.contains("with smaller images"))
      #expect(detail.ranges(of: /\d{5,} bytes|one of \d{5,}/).count == 2, "\(detail)")
      #expect(row["hint"]?.string?.contains("assemble.max-body") == true)
    }
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test func imagesThatCannotShrinkAreNotSentAgain() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["413"])
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.outcomes == ["rejected": 2])
    #expect(try sandbox.requests().count == 2)
    #expect(result.errors.contains("do not get down to half"), "\(result.errors)")
  }

  @Test func aRowWithoutImagesIsNotSentAgain() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["413"])
    folder.write("batch.csv", "id,email,status\nR-0,\(CustomerBatch.email(0)),PASS\n")
    let command = batch.arguments(sandbox, "--operation", "updateStatus")
    let result = try await program.start(command).wait()
    #expect(result.outcomes == ["rejected": 1], "\(result.errors)")
    #expect(try sandbox.requests().count == 1)
    #expect(result.errors.contains("no image to shrink"), "\(result.errors)")
  }

  /// The ledger's last intent is about the smaller request, and that is what the target is asked about.
  @Test func aSmallerRequestInDoubtIsSettledByAsking() async throws {
    let batch = try batch(2)
    let sandbox = try await SandboxProcess(folder, faults: ["413@1", "drop-after-accept@2"])
    let command = batch.arguments(sandbox, "--settle-after", "0", "--concurrency", "1")
    let first = try await program.start(command + ["--ambiguous", "hold"]).wait()
    #expect(first.code == 5, "\(first.errors)")
    let again = try await program.start(command).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(again.outcomes == ["accepted": 1, "skipped": 1], "\(again.output)")
    #expect(try sandbox.requests().count { !$0.isInquiry } == 3)
    #expect(try Invariants(batch).violations(sandbox.requests(), [first, again]) == [])
  }
}
