import IntakeCore
import IntakeLedger
import Testing

@Suite(.timeLimit(.minutes(20)))
struct LedgerTests {
  let folder = TemporaryFolder()

  @Test func whatWasAcceptedIsAcceptedForTheNextRun() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1")
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    #expect(try second.standing(of: second.key("row-1")) == .accepted)
    #expect(try second.standing(of: second.key("row-2")) == .unknown)
  }

  @Test func aKeyDependsOnRowAndOperation() async throws {
    func key(_ row: String, _ operation: String) async throws -> RowKey {
      let ledger = try await Ledger.open(folder.ledger, operation: operation)
      let key = try ledger.known(row).key
      await ledger.close()
      return key
    }
    let keys = Set([
      try await key("row-1", "createOrUpdateCustomer"), try await key("row-1", "updateStatus"),
      try await key("row-2", "updateStatus"),
      // Length before content: what moves from one part to the next makes another key.
      try await key("srow-2", "updateStatu"),
    ])
    #expect(keys.count == 4)
    #expect(keys.allSatisfy { $0.description.utf8.count == 22 })
    #expect(keys.contains(try await key("row-1", "updateStatus")))
  }

  @Test func onlyTheContentDecidesWhetherARowIsUnchanged() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let key = ledger.key("row-1")
    func body(_ first: String, _ name: String, _ rest: String) -> Submission {
      .test([.bytes(Array(first.utf8)), .secret(name), .bytes(Array(rest.utf8))])
    }
    #expect(try !ledger.known("row-1").isUnchanged(body("{\"a\":\"", "pass", "\"}")))
    try await ledger.intend(body("{\"a\":\"", "pass", "\"}"), for: key, attempt: 1)
    let row = try ledger.known("row-1")
    #expect(row.isUnchanged(body("{\"a\":\"", "pass", "\"}")))
    #expect(!row.isUnchanged(body("{\"b\":\"", "pass", "\"}")))
    #expect(!row.isUnchanged(body("{\"a\":\"", "user", "\"}")))
    var cut = body("{\"a\":\"", "pass", "\"")
    cut.body.append(.bytes(Array("}".utf8)))
    #expect(row.isUnchanged(cut))
    cut.path = "/customers/1"
    #expect(!row.isUnchanged(cut))
  }

  @Test func anUnchangedRowIsKnownInTheNextRunToo() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1", .accepted, "{\"zip\":\"10001\"}")
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    let row = try second.known("row-1")
    #expect(row.isUnchanged(.test("{\"zip\":\"10001\"}")))
    #expect(!row.isUnchanged(.test("{\"zip\":\"10002\"}")))
  }

  @Test func theLastOutcomeIsFoundAgain() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1", .rejected)
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    let outcome = try #require(try second.known("row-1").lastOutcome)
    #expect(outcome.verdict == .rejected && outcome.failure?.code == .refusedByTarget)
    #expect(outcome.row.line == 2 && outcome.attempts == 1)
    #expect(outcome.receipt?.http == 200 && outcome.receipt?.status == "PASS")
  }

  @Test func rowsThatEndAsBeforeDoNotMakeTheLedgerLonger() async throws {
    for run in 1...3 {
      let ledger = try await Ledger.open(folder.ledger)
      try await ledger.record(.test(ledger.key("bad"), .rejected))
      try await ledger.record(.test(ledger.key("done"), .skipped))
      await ledger.close()
      // One line for the bad row, one for each run.
      #expect(try LedgerReader.verify(folder.ledger).lines == 1 + run)
    }
  }

  @Test func aChangedReasonIsWrittenDown() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    var outcome = Outcome.test(ledger.key("bad"), .rejected)
    try await ledger.record(outcome)
    outcome.failure = StageFailure(.damagedImage, "no end")
    try await ledger.record(outcome)
    await ledger.close()
    #expect(try LedgerReader.verify(folder.ledger).lines == 3)
  }

  @Test func nothingPersonalReachesTheDisk() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let key = ledger.key("ada.l0velace@example.org")
    try await ledger.noteStart(of: key)
    try await ledger.intend(
      .test([.bytes(Array("{\"fn\":\"Ada\"}".utf8)), .secret("pass")]), for: key, attempt: 1)
    var outcome = Outcome.test(key, .inDoubt, attempts: 1)
    outcome.receipt?.status = "no such customer: ada.l0velace@example.org"
    outcome.receipt?.type = "Ada Lovelace"
    outcome.receipt?.detail = "l0velace"
    outcome.failure = StageFailure(.noAnswer, "l0velace", hint: "l0velace", file: "l0velace.jpg")
    try await ledger.record(outcome)
    try await ledger.mark(key, as: .accepted, by: "operator:x y")
    await ledger.close()
    let text = Bytes.text(folder.ledger)
    for canary in ["l0velace", "Ada", "example.org", "pass", "@", " "] {
      #expect(!text.contains(canary), "\(canary)")
    }
    #expect(text.contains("\"status\":\"other\"") && text.contains("operator:x%20y"))
  }

  @Test func afterClosingNothingIsWritten() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    await ledger.close()
    await ledger.close()
    await #expect(throws: JournalError.self) { try await ledger.noteStart(of: ledger.key("row-1")) }
  }
}
