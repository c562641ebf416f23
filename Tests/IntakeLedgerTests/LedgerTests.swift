import IntakeCore
import IntakeLedger
import Testing

@Suite(.timeLimit(.minutes(1)))
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
}
