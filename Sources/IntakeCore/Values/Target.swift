/// A receiving API: all that differs between vendors besides the body's layout.
public protocol Target: Sendable {
  /// Short name, as in `--to`: `dcams`, `noah`.
  var name: String { get }

  /// Checks credentials and endpoint before anything is read or sent; the failure says what to correct.
  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure)

  /// The request to send: secrets in their places, signed if the vendor wants that; called once an attempt.
  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest

  /// What a complete answer means.
  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt

  /// What an answer that isn't an acceptance says about the reason, in the target's words; nil when it says nothing.
  ///
  /// It may repeat what was sent: the row's values are masked before anybody sees it.
  func message(in response: HTTPResponse) -> String?

  /// A better next step than the code's own; `clockSkew` is how many seconds the target's clock is ahead.
  func hint(for response: HTTPResponse, clockSkew: Double?) -> String?

  /// The request of a follow-up with the address that the answer to its inquiry gives; fails when it gives none.
  func request(of followUp: FollowUp, answeredBy response: HTTPResponse) throws(StageFailure)
    -> Submission

  /// A read-only request that asks what became of a submission in doubt, nil if the API has none.
  func inquiry(about submission: Submission) -> Submission?

  /// The next question if an answer does not settle the matter by itself, nil if it does.
  func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission?

  /// What the answer to the last inquiry proves about the submission.
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement

  /// The parts of an accepted submission that the answer to the last inquiry shows exactly as they were sent.
  ///
  /// Only in these does a difference prove anything; the names are those of ``Settlement/differs(in:)``.
  func partsKept(by response: HTTPResponse, of submission: Submission) -> Set<String>
}

extension Target {
  /// No check by default.
  public func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {}
  /// The submission at the endpoint and its own path, with secrets in their places, by default.
  public func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest {
    HTTPRequest(
      method: submission.method, url: endpoint + submission.path, headers: submission.headers,
      body: submission.body.map { $0.bytes(with: credentials) })
  }
  /// No follow-ups by default.
  public func request(of followUp: FollowUp, answeredBy response: HTTPResponse)
    throws(StageFailure) -> Submission
  {
    throw StageFailure(.internalError, "this target has no follow-ups", outcome: .rejected)
  }
  /// Nothing by default.
  public func message(in response: HTTPResponse) -> String? { nil }
  /// The code's own hint by default.
  public func hint(for response: HTTPResponse, clockSkew: Double?) -> String? { nil }
  /// One question by default.
  public func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission? { nil }
  /// No inquiry by default: rows in doubt are held.
  public func inquiry(about submission: Submission) -> Submission? { nil }
  /// Nothing is proved by default.
  public func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    .unknown(evidence: "this target cannot be asked")
  }
  /// None is known by default: a difference proves nothing.
  public func partsKept(by response: HTTPResponse, of submission: Submission) -> Set<String> { [] }
}

/// Seconds since 1970-01-01 00:00 UTC, with fractions.
public typealias UnixTime = Double

/// What asking the target proved about a row in doubt; the evidence is a short text without personal data.
public enum Settlement: Sendable, Equatable {
  /// The target has it.
  case accepted(evidence: String)
  /// The target does not have it: it may be sent.
  case notAccepted(evidence: String)
  /// The target has something else in these parts: proof only where it is known to keep them as they were sent.
  case differs(in: [String])
  /// The answer proves neither.
  case unknown(evidence: String)
}

/// One header field.
public struct HTTPField: Sendable, Hashable {
  /// The name; compared without regard to case (RFC 9110 §5.1).
  public let name: String
  /// The value without leading or trailing white space.
  public let value: String

  /// Makes a field.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A request as it goes out: credentials included, so it is made late and never kept.
public struct HTTPRequest: Sendable {
  /// Method in capitals.
  public var method: String
  /// The whole address.
  public var url: String
  /// Header fields besides `Host`, `Content-Length` and `Expect`, which the transport writes.
  public var headers: [HTTPField]
  /// The body in pieces, sent one after the other.
  public var body: [[UInt8]]

  /// Makes a request.
  public init(method: String, url: String, headers: [HTTPField], body: [[UInt8]]) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }

  /// Bytes of the body.
  public var bodySize: Int { body.reduce(0) { $0 + $1.count } }
}

/// A complete answer: the header and the whole body were read.
public struct HTTPResponse: Sendable {
  /// Status code, 200 to 599.
  public let status: Int
  /// Header fields in order of arrival.
  public let headers: [HTTPField]
  /// The body, capped by the transport.
  public let body: [UInt8]

  /// Makes an answer.
  public init(status: Int, headers: [HTTPField], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// Whether the code means success: 200 to 299.
  public var isSuccess: Bool { (200..<300).contains(status) }

  /// A receipt that says why this answer isn't an acceptance.
  public func receipt(
    _ outcome: OutcomeClass, _ code: FailureCode, _ detail: String, hint: String? = nil
  ) -> Receipt {
    Receipt(outcome, http: status, code: code, detail: detail, hint: hint)
  }

  /// A receipt for an answer that is neither a clear yes nor a clear no: `with a body that is not JSON`.
  public func unrecognized(_ words: String) -> Receipt {
    receipt(.inDoubt, .unrecognizedAnswer, "the target answered \(status) \(words)")
  }

  /// A receipt for a row that the target refused; `words` continue "the target answered 400".
  public func refusal(_ words: String = "", hint: String? = nil) -> Receipt {
    receipt(.rejected, .refusedByTarget, "the target answered \(status)" + words, hint: hint)
  }

  /// A receipt for an endpoint that is not this API's: 404, 405 and 410; nil for any other code.
  ///
  /// Only for answers that are not in the API's own form; `words` continue "the endpoint answered 404".
  public func wrongEndpoint(_ words: String) -> Receipt? {
    guard [404, 405, 410].contains(status) else { return nil }
    return receipt(.fatal, .wrongEndpoint, "the endpoint answered \(status)" + words)
  }

  /// The body as JSON, nil when it isn't.
  public var json: JSONValue? { try? JSONParser.parse(body) }

  /// The first value of a header field, found without regard to case.
  public subscript(header name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}
