import IntakeCore
import IntakeLedger
import IntakeSystem
import Testing

/// The row that an open ledger hands out.
@Suite(.timeLimit(.minutes(5)))
struct KnownRowTests {
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

  @Test func aRowThatWasLookedUpDoesNotChange() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let before = try ledger.known("row-1")
    try await ledger.intend(.test(), for: before.key, attempt: 1)
    let sent = try ledger.known("row-1")
    try await ledger.record(.test(before.key, .accepted, attempts: 1))
    #expect(before.standing == .unknown && before.lastWritten == nil)
    #expect(sent.standing == .inDoubt && sent.isUnchanged(.test()))
    #expect(try ledger.known("row-1").standing == .accepted)
  }

  /// The ledger keeps whole seconds, and a row in doubt must never look older than it is.
  @Test func theLastLineIsNeverTakenForOlderThanItIs() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let before = SystemTime.wall
    try await ledger.intend(.test(), for: ledger.key("row-1"), attempt: 1)
    let last = try #require(try ledger.known("row-1").lastWritten)
    #expect(last > before && last <= SystemTime.wall + 1)
  }

  @Test func onlyAnAnswerThatProvesSomethingSettlesARowAndTheLedgerSaysWhat() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let key = ledger.key("row-1")
    try await ledger.intend(.test(), for: key, attempt: 1)
    try await ledger.settle(key, as: .unknown(evidence: "the answer was cut"))
    #expect(try ledger.known("row-1").standing == .inDoubt)
    try await ledger.settle(key, as: .notAccepted(evidence: "no such customer"))
    #expect(try ledger.known("row-1").standing == .notAccepted)
    try await ledger.settle(key, as: .accepted(evidence: "PASS"))
    #expect(try ledger.known("row-1").standing == .accepted)
    await ledger.close()
    var authors: [String] = []
    try LedgerReader(folder.ledger).forEachLine { (line, _) throws(JournalError) in
      if let author = line.author { authors.append(author) }
    }
    #expect(authors == ["target:no_such_customer", "target:PASS"])
  }
}
