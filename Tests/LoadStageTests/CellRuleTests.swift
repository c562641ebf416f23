import IntakeCore
import Testing

@testable import LoadStage

struct CellRuleTests {
  private let rule: CellRule

  init() throws { rule = CellRule(latestBirth: try #require(CalendarDate("20261122"))) }

  private func problem(_ column: Column, _ text: String) -> String? {
    let cell = RawCell(name: ColumnName(column), text: text)
    if let words = rule.complaint(about: cell) { return "\(column.rawValue) \(words)" }
    guard [.dob, .idIssued, .idExpiry].contains(column) else { return nil }
    do throws(StageFailure) {
      _ = try rule.day(in: cell)
      return nil
    } catch {
      return error.detail
    }
  }

  @Test(arguments: [
    "a@b.example", "first.last+tag@sub.example.com", "x_y@b-c.example", "ünï@köln.example",
    "O'Neil@b.example", "a@xn--kln-sna.example",
  ])
  func ordinaryAddressesPass(text: String) { #expect(problem(.email, text) == nil) }

  @Test(arguments: [
    "plain", "a@b", "@b.example", "a@", "a@@b.example", "a@b@c.example", "a b@c.example",
    "Jane <a@b.example>", "a@b..example", "a@.example", "a@b.example.", "a@-b.example",
    ".a@b.example",
    "a\u{A0}@b.example", "a@b\u{A0}c.example", "a\u{3000}b@c.example", "a@b\u{2003}c.example",
    "a@b\u{AD}c.example", "a b@c.example", "a@b c.example",
    "a@b,example", "a,b@c.example", "a\u{200B}@b.example", "a\u{202E}@b.example", "a@b_c.example",
    String(repeating: "a", count: 65) + "@b.example",
    "a@" + String(repeating: "b.", count: 130) + "example",
  ])
  func slipsInAddressesAreRefusedWithoutShowingThem(text: String) throws {
    let detail = try #require(problem(.email, text))
    #expect(!detail.contains(text) && detail.hasPrefix("email "))
  }

  @Test(arguments: ["19800229", "1980-02-29", "20261120", "1970\u{2011}01\u{2011}02"])
  func realDaysPass(text: String) { #expect(problem(.dob, text) == nil) }

  @Test(arguments: [
    "2026-02-30", "31/12/1980", "00000101", "1980-1-1", "19811301", "20261123", "1981-02-29", "x",
  ])
  func otherDaysAreRefusedWithoutShowingThem(text: String) throws {
    let detail = try #require(problem(.dob, text))
    #expect(!detail.contains(text) || text == "x")
  }

  @Test func anExpiryMayLieInTheFuture() {
    #expect(problem(.idExpiry, "2099-12-31") == nil)
    #expect(problem(.idExpiry, "2099-12-32") != nil)
  }

  @Test(arguments: [
    (Column.id, 128, true), (.id, 129, false), (.reference, 1_000, true), (.fn, 1_001, false),
  ])
  func lengthsHaveALimit(column: Column, count: Int, isFine: Bool) {
    #expect((problem(column, String(repeating: "é", count: count)) == nil) == isFine)
  }

  @Test(arguments: [
    "\u{7}", "\u{1B}", "\t", "\u{7F}", "\u{9B}", "\u{2028}", "\u{202E}", "\u{FEFF}", "\u{2066}",
  ])
  func charactersThatSteerAreRefusedEverywhere(character: String) {
    for column in Column.allCases { #expect(problem(column, "a\(character)b") != nil) }
  }

  @Test func joinersAreLeftInNamesButNotInCodes() {
    #expect(problem(.fn, "نی\u{200C}لو") == nil)
    #expect(problem(.phone, "+1\u{200E}555") != nil)
  }

  @Test func statusIsReadInAnyCaseAndStoredInUpperCase() async throws {
    let loaded = try await Workshop.load("id,status\n1,pass\n2,Pending\n3,FAIL\n4,maybe\n")
    #expect(loaded.cells(.status) == ["PASS", "PENDING", "FAIL"])
    #expect(loaded.codes == ["5 invalid_value"])
  }

  @Test func everyProblemOfARowIsListed() async throws {
    let loaded = try await Workshop.load(
      "id,email,dob,status,front,back\n1,x,1980-13-01,OK,/etc/passwd,../b.jpg\n2,a@b.example,,,,\n")
    #expect(
      loaded.failures.first?.compactMap(\.column?.description) == [
        "email", "dob", "status", "front", "back",
      ])
    #expect(loaded.lines == [2, 3])
  }

  @Test func aRefusedIdIsShownEscapedAndCut() async throws {
    let loaded = try await Workshop.load(
      "id,fn\na\u{1B}b,Ada\n\(String(repeating: "y", count: 10_000)),Bo\n")
    #expect(loaded.rows.first?.record.row.id == "a\\u{1b}b")
    #expect((loaded.rows.last?.record.row.id?.count ?? 0) < 140)
  }
}
