import IntakeCore
import IntakeTransport
import Testing

/// 1994-11-06 08:49:37 UTC, the example of RFC 9110 §5.6.7.
private let example: UnixTime = 784_111_777

/// Dates and waiting times in header fields.
struct RetryAfterTests {
  @Test(arguments: [
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
  ])
  func allThreeFormsOfADateAreRead(_ text: String) {
    #expect(HTTPDate.parse(text, now: example) == example)
  }

  @Test(arguments: [
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
    ("Fri, 31 Dec 2100 23:59:59 GMT", 4_133_980_799),
    ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
  ])
  func daysAreCountedOverLeapYears(_ text: String, _ seconds: UnixTime) {
    #expect(HTTPDate.parse(text) == seconds)
  }

  @Test(arguments: [
    "", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "06 Nov 1994 08:49 GMT",
    "Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:-7 GMT",
    "Sun, 06 Nov 1994 +8:49:37 GMT", "Sunday, 06-Nov- 08:49:37 GMT",
  ])
  func anythingElseIsNoDate(_ text: String) {
    #expect(HTTPDate.parse(text, now: example) == nil)
  }

  @Test(arguments: [
    ("0", 0.0), ("7", 7), ("900", 900), ("1000000000", 1e9),
    ("99999999999999999999999999999999", 1e9), ("-1", nil), ("1.5", nil), ("+3", nil), ("", nil),
    ("soon", nil), ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
    ("Mon, 06 Nov 2000 08:00:00 GMT", 189_385_823),
  ])
  func aWaitIsReadAndCapped(_ value: String, _ seconds: Double?) {
    let response = HTTPResponse(status: 429, headers: [HTTPField("retry-after", value)], body: [])
    #expect(RetryAfter.seconds(in: response, now: example) == seconds)
  }

  @Test func aDateIsComparedWithTheServersOwnClock() {
    let response = HTTPResponse(
      status: 429,
      headers: [
        HTTPField("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        HTTPField("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"),
      ], body: [])
    #expect(RetryAfter.seconds(in: response, now: example + 5_000) == 10)
  }

  @Test func aRefusalTellsAboutAWrongClock() {
    let response = HTTPResponse(
      status: 401, headers: [HTTPField("Date", "Sun, 06 Nov 1994 08:49:37 GMT")], body: [])
    let receipt = Receipt(sharedBy: response, repeatSafety: .never, at: example - 600)
    #expect(
      receipt?.detail == "the target answered 401; this machine's clock is 600 s behind its own")
  }

  @Test func aReadMayBeRepeatedAfterAFailure() {
    let response = HTTPResponse(status: 500, headers: [], body: [])
    #expect(
      Receipt(sharedBy: response, repeatSafety: .safe, at: 0)?.outcome == .retryable(after: nil))
    #expect(Receipt(sharedBy: response, repeatSafety: .idempotent, at: 0)?.outcome == .inDoubt)
  }

  @Test(arguments: [(300, OutcomeClass.inDoubt), (0, .accepted)])
  func aYesBeforeTheBodyLeftIsNotBelieved(_ size: Int, _ outcome: OutcomeClass) {
    let response = HTTPResponse(status: 200, headers: [], body: Array(#"{"ok":true}"#.utf8))
    var submission = Submission.plain(size)
    submission.body.append(.bytes([]))
    let receipt = Receipt(of: .answered(response, bodyBytes: 0), for: submission, at: 0)
    #expect(receipt.outcome == outcome)
  }
}
