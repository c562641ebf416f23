import IntakeCore
import IntakeTransport

/// A target whose only yes is a 200 with `{"ok":true}`.
struct PlainTarget: Target {
  let name = "plain"

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest {
    HTTPRequest(
      method: submission.method, url: endpoint + submission.path,
      headers: submission.headers + [HTTPField("X-Api-Key", "canary")],
      body: submission.body.map { $0.bytes(with: credentials) })
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    if response.status == 200, response.body == Array(#"{"ok":true}"#.utf8) {
      return Receipt(.accepted)
    }
    return response.status < 300
      ? Receipt(.inDoubt, code: .unrecognizedAnswer, detail: "no JSON")
      : Receipt(.rejected, code: .refusedByTarget, detail: "refused")
  }

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    guard credentials?["pass"] == nil || credentials?["user"] != nil else {
      throw StageFailure(.credentialsRefused, "user is missing", outcome: .fatal)
    }
  }
}

extension Submission {
  /// A request with a body of so many bytes, in three segments.
  static func plain(
    _ size: Int = 2_000, method: String = "POST", limit: Int = 10_000_000,
    repeatSafety: RepeatSafety = .converges
  ) -> Submission {
    let third = size / 3
    let sizes = size == 0 ? [] : [third, third, size - 2 * third]
    return Submission(
      method: method, path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: sizes.map { .bytes([UInt8](repeating: 0x61, count: $0)) }, operation: "create",
      repeatSafety: repeatSafety, customer: Personal("a"), bodyLimit: limit, target: PlainTarget())
  }
}

extension HTTPClient {
  /// A client that no busy machine makes give up: what is meant to reach the deadline sets a short one.
  static func local(
    expect: ExpectPolicy = .auto, keeping: Bool = true, deadline: Double = 60,
    caFile: String? = nil, freshness: Double = 0, leaveTimeout: Double = 1
  ) -> HTTPClient {
    HostileEnvironment.enter()
    var settings = HTTPSettings()
    settings.deadline = deadline
    settings.expect = expect
    settings.keepsConnections = keeping
    (settings.caFile, settings.freshness) = (caFile, freshness)
    settings.leaveTimeout = leaveTimeout
    return HTTPClient(settings)
  }

  /// Sends a submission and reads the exchange as the submit stage does.
  func receipt(for submission: Submission, to url: String) throws -> Receipt {
    let request = try PlainTarget().request(
      for: submission, endpoint: url, credentials: nil, at: 0)
    return Receipt(of: send(request), for: submission, at: 0)
  }
}
