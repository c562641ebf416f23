import IntakeCore
import IntakeTransport
import Testing

/// 1994-11-06 08:49:37 UTC, the example of RFC 9110 §5.6.7.
private let example: UnixTime = 784_111_777

/// Waiting times and clocks in header fields.
struct RetryAfterTests {
  @Test(arguments: [
    ("0", 0.0), ("7", 7), ("900", 900), ("1000000000", 1e9),
    ("99999999999999999999999999999999", 1e9), ("-1", nil), ("1.5", nil), ("+3", nil), ("", nil),
    ("soon", nil), ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
    ("Mon, 06 Nov 2000 08:00:00 GMT", 189_385_823), ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
    ("Sun Nov  6 08:50:37 1994", 60), ("Sun, 6 Xxx 1994 08:50:37 GMT", nil),
    ("Sunday, 06-Nov- 08:50:37 GMT", nil), ("Sun, 06 Nov 99999999999999999999 08:50:37 GMT", nil),
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

  @Test(arguments: [
    (300, 0, 0, OutcomeClass.inDoubt), (300, 299, 299, .inDoubt), (300, 300, 299, .inDoubt),
    (300, 300, 300, .accepted), (0, 0, 0, .accepted),
  ])
  func aYesBeforeTheBodyLeftIsNotBelieved(
    _ size: Int, _ given: Int, _ arrived: Int, _ outcome: OutcomeClass
  ) {
    let response = HTTPResponse(status: 200, headers: [], body: Array(#"{"ok":true}"#.utf8))
    var submission = Submission.plain(size)
    submission.body.append(.bytes([]))
    let body = SentBody(size: size, given: given, arrived: arrived)
    let receipt = Receipt(of: .answered(response, body), for: submission, at: 0)
    #expect(receipt.outcome == outcome)
  }
}
