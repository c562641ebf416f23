import IntakeCore
import IntakeTransport
import NoahStage
import Testing

/// A refused signature as the submitter reports it: class and code are shared, the next step is Noah's.
struct HintTests {
  private func receipt(_ status: Int, _ detail: String, date: String? = nil) throws -> Receipt {
    let headers = date.map { [HTTPField("Date", $0)] } ?? []
    let body = #"{"Type":"Unauthorized","Detail":"\#(detail)"}"#
    let response = HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    return Receipt(
      of: .answered(response, SentBody(whole: 100)), for: try Row().submission(),
      at: 1_800_000_000)
  }

  @Test(arguments: [
    ("token signature invalid", "privateKeyFile belongs to the public key"),
    ("Api-Signature missing", "add \"privateKeyFile\""),
    ("X-Api-Key belongs to another environment", "environment"),
    ("X-Api-Key invalid", "apiKey is complete"), ("", "apiKey is complete"),
  ])
  func a401NamesTheLikelyCause(detail: String, words: String) throws {
    let receipt = try receipt(401, detail)
    #expect(receipt.outcome == .fatal)
    #expect(receipt.code == .credentialsRefused)
    #expect(receipt.hint?.contains(words) == true)
  }

  /// 1,800,000,000 is 15 January 2027, 08:00:00 UTC.
  @Test(arguments: [
    ("Fri, 15 Jan 2027 08:10:00 GMT", "600 s behind"),
    ("Fri, 15 Jan 2027 07:58:00 GMT", "120 s ahead"),
  ])
  func aWrongClockIsToldBeforeAnythingElse(date: String, words: String) throws {
    let receipt = try receipt(401, "token signature invalid", date: date)
    #expect(receipt.hint?.contains(words) == true)
  }

  @Test func aClockThatIsNearlyRightIsNotBlamed() throws {
    let receipt = try receipt(401, "token expired", date: "Fri, 15 Jan 2027 08:00:29 GMT")
    #expect(receipt.hint?.contains("clock") == false)
  }

  @Test func whatOtherTargetsShareKeepsItsOwnHint() throws {
    #expect(try receipt(413, "").hint == nil)
    #expect(try receipt(403, "").hint?.contains("Reliance") == true)
  }
}
