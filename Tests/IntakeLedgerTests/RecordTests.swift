import IntakeCore
import IntakeLedger
import IntakeSystem
import RecordStage
import Testing

/// The stage that the runner talks to.
@Suite(.timeLimit(.minutes(5)))
struct RecordTests {
  let folder = TemporaryFolder()
  let row = Personal(Array("row-1".utf8))

  private func stage(_ options: [String: OptionValue]? = nil) throws -> Record {
    let given = options ?? ["ledger": .text(folder.ledger)]
    return try Record(given: given)
  }

  private func opened() async throws -> Record {
    let stage = try stage()
    try await stage.prepare()
    try await stage.open(for: "dcams", operation: "createOrUpdateCustomer")
    return stage
  }

  @Test func aRowGoesFromUnknownToAcceptedOverTwoRuns() async throws {
    let first = try await opened()
    let key = first.key(for: row)
    #expect(await first.standing(of: key) == .unknown)
    try await first.intend(.test("{\"a\":1}"), for: key, attempt: 1)
    #expect(await first.standing(of: key) == .inDoubt)
    try await first.record(.test(key, .accepted, attempts: 1))
    await first.finish()

    let second = try await opened()
    #expect(second.key(for: row) == key)
    #expect(await second.standing(of: key) == .accepted)
    #expect(await second.isUnchanged(.test("{\"a\":1}"), for: key))
    #expect(await second.lastOutcome(of: key)?.verdict == nil, "it decides nothing any more")
    await second.finish()
  }

  @Test func anAnswerToAnInquirySettlesARow() async throws {
    let first = try await opened()
    let key = first.key(for: row)
    try await first.intend(.test(), for: key, attempt: 1)
    try await first.settle(key, as: .unknown(evidence: "the target cannot be asked"))
    #expect(await first.standing(of: key) == .inDoubt)
    try await first.settle(key, as: .notAccepted(evidence: "no such customer"))
    #expect(await first.standing(of: key) == .notAccepted)
    await first.finish()
  }

  @Test func crashesThatWereNotedCountAgainstTheirRow() async throws {
    let first = try await opened()
    let key = first.key(for: row)
    await first.finish()
    try DurableFile.create(folder.ledger + ".crashed", Array("\(key)\n\(key)\n".utf8))
    let second = try await opened()
    #expect(await second.crashes(of: key) == 2)
    await second.finish()
  }

  @Test func withoutAPathThereIsNoLedger() async throws {
    let stage = try stage([:])
    let error = await #expect(throws: JournalError.self) {
      try await stage.open(for: "dcams", operation: "x")
    }
    #expect(error?.description.contains("--ledger") == true)
  }

  @Test func beforeItIsOpenNothingCanBeWritten() async throws {
    let stage = try stage()
    await #expect(throws: JournalError.self) {
      try await stage.intend(.test(), for: RowKey("x"), attempt: 1)
    }
  }

  @Test func theShardStandsInTheLineOfTheRun() async throws {
    let stage = try stage(["ledger": .text(folder.ledger), "shard": .text("2/7")])
    try await stage.open(for: "dcams", operation: "x")
    await stage.finish()
    #expect(try LedgerReader(folder.ledger).statistics().shards == ["2/7"])
  }

  @Test func thePlanKnowsTheStage() throws {
    let plan = try PipelinePlan(json: Array("{\"stages\":[\(Record.example)]}".utf8))
    let planned = try #require(plan.stages.first)
    #expect(planned.name == Record.name)
    _ = try Record(given: planned.options)
  }
}
