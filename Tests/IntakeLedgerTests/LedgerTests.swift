import IntakeCore
import IntakeLedger
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LedgerTests {
  let folder = TemporaryFolder()

  @Test func whatWasAcceptedIsAcceptedForTheNextRun() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1")
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    #expect(second.standing(of: second.key("row-1")) == .accepted)
    #expect(second.standing(of: second.key("row-2")) == .unknown)
  }

  @Test func aKeyDependsOnRowAndOperation() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let row = Personal(Array("row-1".utf8))
    let keys = Set([
      ledger.key(for: row, operation: "createOrUpdateCustomer"),
      ledger.key(for: row, operation: "updateStatus"),
      ledger.key(for: Personal(Array("row-2".utf8)), operation: "updateStatus"),
      // Length before content: what moves from one part to the next makes another key.
      ledger.key(for: Personal(Array("srow-2".utf8)), operation: "updateStatu"),
    ])
    #expect(keys.count == 4)
    #expect(keys.allSatisfy { $0.description.utf8.count == 22 })
    #expect(
      ledger.key(for: row, operation: "updateStatus")
        == ledger.key(for: row, operation: "updateStatus"))
  }

  @Test func onlyTheContentDecidesWhetherARowIsUnchanged() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let key = ledger.key("row-1")
    func body(_ first: String, _ name: String, _ rest: String) -> Submission {
      .test([.bytes(Array(first.utf8)), .secret(name), .bytes(Array(rest.utf8))])
    }
    #expect(!ledger.isUnchanged(body("{\"a\":\"", "pass", "\"}"), for: key))
    try await ledger.intend(body("{\"a\":\"", "pass", "\"}"), for: key, attempt: 1)
    #expect(ledger.isUnchanged(body("{\"a\":\"", "pass", "\"}"), for: key))
    #expect(!ledger.isUnchanged(body("{\"b\":\"", "pass", "\"}"), for: key))
    #expect(!ledger.isUnchanged(body("{\"a\":\"", "user", "\"}"), for: key))
    var cut = body("{\"a\":\"", "pass", "\"")
    cut.body.append(.bytes(Array("}".utf8)))
    #expect(ledger.isUnchanged(cut, for: key))
    cut.path = "/customers/1"
    #expect(!ledger.isUnchanged(cut, for: key))
  }

  @Test func anUnchangedRowIsKnownInTheNextRunToo() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1", .accepted, "{\"zip\":\"10001\"}")
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    let key = second.key("row-1")
    #expect(second.isUnchanged(.test("{\"zip\":\"10001\"}"), for: key))
    #expect(!second.isUnchanged(.test("{\"zip\":\"10002\"}"), for: key))
  }

  @Test func theLastOutcomeIsFoundAgain() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1", .rejected)
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    let record = try #require(second.lastOutcome(of: second.key("row-1")))
    #expect(record.verdict == "rejected" && record.code == "refused_by_target")
    #expect(record.http == 200 && record.row == 2 && record.status == "PASS")
    let outcome = try #require(Outcome(recorded: record))
    #expect(outcome.verdict == .rejected && outcome.failure?.code == .refusedByTarget)
  }

  @Test func rowsThatEndAsBeforeDoNotMakeTheLedgerLonger() async throws {
    for run in 1...3 {
      let ledger = try await Ledger.open(folder.ledger)
      try await ledger.record(.test(ledger.key("bad"), .rejected))
      try await ledger.record(.test(ledger.key("done"), .skipped))
      await ledger.close()
      // One line for the bad row, one for each run.
      #expect(try LedgerReader(folder.ledger).verify().lines == 1 + run)
    }
  }

  @Test func aChangedReasonIsWrittenDown() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    var outcome = Outcome.test(ledger.key("bad"), .rejected)
    try await ledger.record(outcome)
    outcome.failure = StageFailure(.damagedImage, "no end")
    try await ledger.record(outcome)
    await ledger.close()
    #expect(try LedgerReader(folder.ledger).verify().lines == 3)
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
