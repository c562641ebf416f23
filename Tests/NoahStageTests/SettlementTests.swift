import IntakeCore
import NoahStage
import Testing

struct SettlementTests {
  private func settlement(
    _ status: Int, _ body: String, about row: Row = Row(), _ options: [String: OptionValue] = [:]
  ) throws -> Settlement {
    let submission = try row.submission(options)
    let response = HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    return submission.target.settlement(of: response, about: submission)
  }

  /// What GET answers after the row was stored: the sent fields among fields of the target's own.
  private func stored(_ row: Row) throws -> String {
    let sent = try row.submission(["schema": .text("legacy")]).text.dropFirst()
    return #"{"Type":"Individual","CustomerID":"N-2001","Created":"2026-01-01T00:00:00Z","# + sent
  }

  @Test func theQuestionIsAGetOfTheCustomer() throws {
    let submission = try Row().submission()
    let inquiry = try #require(submission.target.inquiry(about: submission))
    #expect(inquiry.method == "GET" && inquiry.path == "/customers/N-2001")
    #expect(inquiry.repeatSafety == .safe && inquiry.body.isEmpty)
  }

  @Test func theSameCustomerIsAccepted() throws {
    #expect(
      try settlement(200, stored(Row()))
        == .accepted(
          evidence: "the stored customer equals the one sent in "
            + "DateOfBirth, FullName, PrimaryResidence, Identities"))
  }

  @Test(arguments: [
    ("dob", "19900522", "DateOfBirth"), ("fn", "Lara", "FullName"), ("mn", "", "FullName"),
    ("addr2", "", "PrimaryResidence"), ("state", "NV", "PrimaryResidence"),
    ("id_number", "SP1", "Identities"), ("id_expiry", "", "Identities"),
  ])
  func aCustomerThatDiffersIsAnEarlierVersion(column: String, cell: String, part: String) throws {
    #expect(
      try settlement(200, stored(Row.with([column: cell])))
        == .notAccepted(evidence: "the stored customer differs in \(part); PUT is idempotent"))
  }

  @Test(arguments: [404, 400])
  func aCustomerThatIsNotThereWasNotAccepted(status: Int) throws {
    let settlement = try settlement(status, #"{"Type":"ResourceNotFound"}"#)
    #expect(settlement == .notAccepted(evidence: "the target has no customer with this id"))
  }

  @Test(arguments: [
    (404, "<html>"), (404, "{}"), (200, ""), (200, "{}"), (200, "<html>"), (400, "{}"),
    (200, #"{"Type":"Unexpected"}"#),
  ])
  func anAnswerThatIsNotNoahsProvesNothing(status: Int, body: String) throws {
    guard case .unknown = try settlement(status, body) else {
      Issue.record("\(status) \(body) settled the row")
      return
    }
  }

  @Test func emailAndPhoneCountOnlyWhereTheAnswerHoldsThem() throws {
    let other = try stored(Row()).dropLast() + #","Email":"other@example.com"}"#
    #expect(
      try settlement(200, String(other))
        == .notAccepted(evidence: "the stored customer differs in Email; PUT is idempotent"))
  }
}
