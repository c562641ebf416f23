import IntakeCore
import IntakeLedger
import IntakeSystem
import RecordStage
import Testing

/// The stage that the runner talks to.
@Suite(.timeLimit(.minutes(20)))
struct RecordTests {
  let folder = TemporaryFolder()
  let row = RowName.test("row-1")

  private func stage(_ options: [String: OptionValue]? = nil) throws -> Record {
    let given = options ?? ["ledger": .text(folder.ledger)]
    return try Record(given: given)
  }

  private func opened() async throws -> any OpenLedger {
    let stage = try stage()
    try await stage.prepare()
    return try await stage.open(for: "dcams", operation: "createOrUpdateCustomer")
  }

  @Test func aRowGoesFromUnknownToAcceptedOverTwoRuns() async throws {
    let first = try await opened()
    let new = try first.row(for: row)
    #expect(new.standing == .unknown && new.lastOutcome == nil && new.lastWritten == nil)
    try await first.intend(.test("{\"a\":1}"), for: new.key, attempt: 1)
    #expect(try first.row(for: row).standing == .inDoubt)
    // What was looked up before does not change.
    #expect(new.standing == .unknown)
    try await first.record(.test(new.key, .accepted, attempts: 1))
    await first.close()

    let second = try await opened()
    let known = try second.row(for: row)
    #expect(known.key == new.key)
    #expect(known.standing == .accepted)
    #expect(known.isUnchanged(.test("{\"a\":1}")))
    #expect(!known.isUnchanged(.test("{\"a\":2}")))
    await second.close()
  }

  @Test func anAnswerToAnInquirySettlesARow() async throws {
    let ledger = try await opened()
    let key = try ledger.row(for: row).key
    try await ledger.intend(.test(), for: key, attempt: 1)
    try await ledger.settle(key, as: .unknown(evidence: "the target cannot be asked"))
    #expect(try ledger.row(for: row).standing == .inDoubt)
    try await ledger.settle(key, as: .notAccepted(evidence: "no such customer"))
    #expect(try ledger.row(for: row).standing == .notAccepted)
    await ledger.close()
  }

  @Test func crashesThatWereNotedCountAgainstTheirRow() async throws {
    let first = try await opened()
    let key = try first.row(for: row).key
    await first.close()
    // A note that is no key of a row is passed over.
    try DurableFile.create(folder.ledger + ".crashed", Array("\(key)\nno key\n\(key)\n".utf8))
    let second = try await opened()
    #expect(try second.row(for: row).crashes == 2)
    await second.close()
  }

  @Test func withoutAPathThereIsNoLedger() async throws {
    let stage = try stage([:])
    let error = await #expect(throws: JournalError.self) {
      _ = try await stage.open(for: "dcams", operation: "x")
    }
    #expect(error?.description.contains("--ledger") == true)
  }

  @Test func theShardStandsInTheLineOfTheRun() async throws {
    let stage = try stage(["ledger": .text(folder.ledger), "shard": .text("2/7")])
    try await stage.open(for: "dcams", operation: "x").close()
    #expect(try LedgerReader(folder.ledger).shards == ["2/7"])
  }

  @Test func thePlanKnowsTheStage() throws {
    let plan = try PipelinePlan(json: Array("{\"stages\":[\(Record.example)]}".utf8))
    let planned = try #require(plan.stages.first)
    #expect(planned.name == Record.name)
    _ = try Record(given: planned.options)
  }
}
