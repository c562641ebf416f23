import IntakeCore
import IntakeLedger
import Testing

/// What a row was made of when it was sent.
@Suite(.timeLimit(.minutes(5)))
struct SourceTests {
  let folder = TemporaryFolder()

  private func source(_ text: String) -> Personal<[UInt8]> { Personal(Array(text.utf8)) }

  private func send(_ text: String?, in ledger: Ledger) async throws {
    var submission = Submission.test()
    submission.source = text.map(source)
    try await ledger.intend(submission, for: ledger.key("row-1"), attempt: 1)
    try await ledger.record(.test(ledger.key("row-1"), .accepted, attempts: 1))
  }

  @Test func aChangeIsNoticedInTheNextRun() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await send("zip=10001", in: first)
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    #expect(try !second.known("row-1").isChanged(source("zip=10001")))
    #expect(try second.known("row-1").isChanged(source("zip=10002")))
    #expect(!Bytes.text(folder.ledger).contains("10001"))
  }

  @Test func theLastAttemptCounts() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    try await send("a", in: ledger)
    try await send("b", in: ledger)
    #expect(try ledger.known("row-1").isChanged(source("a")))
    #expect(try !ledger.known("row-1").isChanged(source("b")))
  }

  @Test func aLedgerThatDoesNotKnowClaimsNothing() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    #expect(try !ledger.known("row-1").isChanged(source("a")))
    try await send(nil, in: ledger)
    #expect(try !ledger.known("row-1").isChanged(source("a")))
  }
}
