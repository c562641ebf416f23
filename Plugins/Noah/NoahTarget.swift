import IntakeCore
import IntakeCrypto

/// Noah's Business API: a key in the header, and each request signed on its own.
struct NoahTarget: Target {
  let name = Noah.name
  /// The manifest's number for each identity in the body, so that an answer about one can name its column.
  var identities: [Int] = []

  /// Finds what Noah would answer with 401 or 404 before anything is sent.
  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    let endpoint = NoahEndpoint(endpoint)
    guard endpoint.namesVersion else {
      throw StageFailure(
        .wrongEndpoint, "an endpoint of Noah ends in its version, and this one doesn't",
        hint: "write https://api.noah.com/v1 or https://api.sandbox.noah.com/v1", outcome: .fatal)
    }
    try Noah.vendor?.require(credentials)
    let key = credentials?["apiKey"]?.exposed ?? []
    guard !key.isEmpty, key.allSatisfy({ $0.isASCIIPrintable && $0 != 0x20 }) else {
      throw NoahTarget.refusal(
        "the apiKey is empty or holds a space, a line break or a character beyond ASCII",
        hint: "copy the key again, without anything around it")
    }
    let environment = NoahEnvironment(key: key)
    try NoahTarget.compare(environment, with: endpoint)
    if let pem = credentials?["privateKey"] {
      _ = try NoahTarget.key(pem)
    } else if environment == .prod {
      throw NoahTarget.refusal(
        "the apiKey is a production key, which needs signatures, and there is no privateKey",
        hint: #"add "privateKeyFile" to the credentials"#)
    }
  }

  private static func compare(
    _ environment: NoahEnvironment?, with endpoint: NoahEndpoint
  ) throws(StageFailure) {
    guard let wanted = endpoint.environment, wanted != environment else { return }
    let kind =
      environment.map { "is an apikey_\($0.rawValue)_ key" } ?? "has neither prefix of Noah's keys"
    throw refusal(
      "the host \(endpoint.host) takes apikey_\(wanted.rawValue)_ keys, and the apiKey \(kind)",
      hint: "give the key of that environment, or the other --endpoint")
  }

  private static func refusal(_ detail: String, hint: String) -> StageFailure {
    StageFailure(.credentialsRefused, detail, hint: hint, outcome: .fatal)
  }

  // MARK: Requests

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest {
    let endpoint = NoahEndpoint(endpoint)
    // Signed and sent are the same bytes: put together once.
    let body = submission.body.flatMap { $0.bytes(with: credentials) }
    var headers = submission.headers
    if let key = credentials?["apiKey"] {
      headers.append(HTTPField("X-Api-Key", String(decoding: key.exposed, as: UTF8.self)))
    }
    if let pem = credentials?["privateKey"] {
      let claims = NoahClaims(
        method: submission.method, path: endpoint.path + submission.path, body: body)
      let token = try claims.token(signedWith: try NoahTarget.key(pem), at: time)
      headers.append(HTTPField("Api-Signature", token))
    }
    return HTTPRequest(
      method: submission.method, url: endpoint.base + submission.path, headers: headers,
      body: body.isEmpty ? [] : [body])
  }

  func getCustomer(_ id: NoahCustomerID) -> Submission {
    Submission(
      method: "GET", path: id.path, headers: [], body: [], operation: "getCustomer",
      repeatSafety: .safe, customer: Personal(id.text), bodyLimit: 0, target: self)
  }

  /// The signing key; the failure says what the file holds instead, never its bytes.
  static func key(_ pem: Secret) throws(StageFailure) -> ECDSAPrivateKey {
    do { return try ECDSAPrivateKey(pem: pem.exposed) } catch {
      throw refusal(
        "the credentials' privateKey \(error)",
        hint: "make one with `openssl ecparam -name secp384r1 -genkey -noout` and register its "
          + "public half with Noah")
    }
  }

  // MARK: Answers

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    if submission.operation == NoahUploads.operation { return uploadReceipt(response) }
    let answer = NoahAnswer(response)
    if response.isSuccess { return success(response, answer) }
    var receipt = refusal(response, answer, of: submission)
    receipt.occurrence = answer?.instance.map { Personal($0) }
    return receipt
  }

  private func refusal(
    _ response: HTTPResponse, _ answer: NoahAnswer?, of submission: Submission
  ) -> Receipt {
    guard let answer, answer.type != nil || !answer.complaints.isEmpty else {
      return response.wrongEndpoint(": it doesn't serve Noah's customers")
        ?? response.refusal(answer?.message == nil ? " without a readable message" : "")
    }
    if answer.type == .resourceNotFound { return missing(response, answer, submission) }
    let columns = NoahComplaints.columns(of: answer.complaints, identities: identities)
    return response.refusal(
      answer.words(because: columns), hint: columns.map { "correct \($0) and run again" })
  }

  func message(in response: HTTPResponse) -> String? { NoahAnswer(response)?.message }

  /// 201 after the first PUT, 204 (or 200) after each further one; none of them needs a body.
  private func success(_ response: HTTPResponse, _ answer: NoahAnswer?) -> Receipt {
    guard response.body.isEmpty || (answer != nil && answer?.type == nil) else {
      return response.unrecognized("with a body that isn't Noah's")
    }
    let status = response.status
    return Receipt(
      .accepted, http: status, type: [201: "created", 204: "updated", 200: "updated"][status])
  }

  private func missing(
    _ response: HTTPResponse, _ answer: NoahAnswer, _ submission: Submission
  ) -> Receipt {
    switch submission.operation {
    // The customer was accepted a moment ago.
    case NoahUploads.inquiryOperation:
      response.receipt(
        .rejected, .uploadRefused, "the target answered \(response.status)" + answer.words(),
        hint: "run the same command again; if it stays so, ask Noah whether the account may upload "
          + "documents")
    // PUT creates what it doesn't find, so a 404 means that this account may not.
    case NoahOperation.putCustomer.rawValue:
      response.refusal(
        answer.words(), hint: "ask Noah whether the account may create customers")
    default:
      response.receipt(
        .rejected, .customerNotFound, "the target has no customer with this id")
    }
  }

  /// Says which of the many causes of a 401 it is, as far as the clock and the answer show.
  func hint(for response: HTTPResponse, clockSkew: Double?) -> String? {
    switch response.status {
    case 401: NoahTarget.clockHint(clockSkew) ?? NoahTarget.keyHint(NoahAnswer(response))
    case 403: "ask Noah whether this account may create customers (Reliance onboarding)"
    default: nil
    }
  }

  /// Beyond half a minute a token may count as expired, or as not issued yet.
  private static func clockHint(_ skew: Double?) -> String? {
    guard let skew, abs(skew) > 30 else { return nil }
    return
      "set this machine's clock, which is \(Int(abs(skew))) s \(skew > 0 ? "behind" : "ahead"): "
      + "a signature counts for \(NoahClaims.life) s from its own time"
  }

  private static func keyHint(_ answer: NoahAnswer?) -> String {
    let detail = answer?.detail.lowercased() ?? ""
    let speaksOfToken = ["signature", "token", "jwt"].contains { detail.contains($0) }
    if speaksOfToken, detail.contains("missing") {
      return "add \"privateKeyFile\" to the credentials: this apiKey wants signed requests"
    }
    if speaksOfToken {
      return "check that privateKeyFile belongs to the public key registered for this apiKey"
    }
    if detail.contains("environment") {
      return "give a key of the environment that --endpoint belongs to"
    }
    return
      "check that apiKey is complete and has not expired, and that privateKeyFile belongs to it"
  }

  // MARK: Uploads

  /// The upload with the address from the answer.
  func request(of followUp: FollowUp, answeredBy response: HTTPResponse) throws(StageFailure)
    -> Submission
  {
    guard response.isSuccess else {
      let receipt = receipt(for: response, to: followUp.inquiry)
      throw StageFailure(
        receipt.code ?? .uploadRefused,
        "no upload address: " + (receipt.detail ?? "the target answered \(response.status)"),
        hint: receipt.hint, outcome: receipt.outcome)
    }
    guard let url = response.json?["PresignedURL"]?.string else {
      throw StageFailure(
        .uploadRefused, "the target answered \(response.status) without a PresignedURL",
        hint: "ask the vendor whether uploads are enabled; the customer itself is there")
    }
    var request = followUp.request
    request.address = Secret(url)
    return request
  }

  /// What the storage behind a presigned address says: its texts aren't Noah's, so only the code counts.
  func uploadReceipt(_ response: HTTPResponse) -> Receipt {
    let status = response.status
    if response.isSuccess { return Receipt(.accepted, http: status) }
    if status == 413 {
      return response.receipt(
        .rejected, .bodyTooLarge, "the upload address answered 413: the scan is too large",
        hint: "set noah.max-document to the limit of the uploads, or lower shrink.max-bytes")
    }
    // Expired, used up or not yet known everywhere: the next attempt asks for a fresh address.
    return [400, 401, 403, 404, 409, 410].contains(status)
      ? response.receipt(
        .retryable(after: nil), .uploadRefused,
        "the upload address answered \(status): refused or expired")
      : response.receipt(.rejected, .uploadRefused, "the upload address answered \(status)")
  }

  // MARK: Rows in doubt

  func inquiry(about submission: Submission) -> Submission? {
    NoahCustomerID(submission.customer.exposed).map(getCustomer)
  }

  /// A stored customer equal to the one sent counts as accepted, whoever stored it: PUT would change nothing.
  ///
  /// One that differs is an earlier version, and sending again is safe because PUT is idempotent (RFC 9110 §9.2.2).
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    if NoahAnswer(response)?.type == .resourceNotFound {
      return .notAccepted(evidence: "the target has no customer with this id")
    }
    guard response.isSuccess,
      let stored = response.json, stored["DateOfBirth"] != nil,
      let sent = NoahTarget.sent(by: submission)
    else {
      return .unknown(
        evidence: "the answer \(response.status) to GET customer isn't readable as a customer")
    }
    let comparison = NoahComparison(sent: sent, stored: stored)
    guard comparison.differing.isEmpty else {
      let fields = comparison.differing.joined(separator: ", ")
      return .notAccepted(evidence: "the stored customer differs in \(fields); PUT is idempotent")
    }
    let fields = comparison.equal.joined(separator: ", ")
    return .accepted(evidence: "the stored customer equals the one sent in \(fields)")
  }

  private static func sent(by submission: Submission) -> JSONValue? {
    let value = try? JSONParser.parse(submission.body.flatMap { $0.bytes(with: nil) })
    return value?["DateOfBirth"] == nil ? nil : value
  }
}

/// Which parts of a stored customer equal those that were sent; names only, never values.
struct NoahComparison {
  let equal: [String]
  let differing: [String]

  init(sent: JSONValue, stored: JSONValue) {
    let isEqual = NoahComparison.isEqual
    var parts = [
      ("DateOfBirth", isEqual(sent, stored, [NoahField.birth])),
      ("FullName", isEqual(sent["FullName"], stored["FullName"], NoahField.fullName)),
      (
        "PrimaryResidence",
        isEqual(sent["PrimaryResidence"], stored["PrimaryResidence"], NoahField.residence)
      ),
    ]
    // No copy of the page lists them in the answer, so their absence proves nothing.
    for field in NoahField.contact where stored[field.name] != nil && sent[field.name] != nil {
      parts.append((field.name, isEqual(sent, stored, [field])))
    }
    if let kept = stored["Identities"]?.elements, let wanted = sent["Identities"]?.elements {
      parts.append(("Identities", NoahComparison.isSame(wanted, kept)))
    }
    equal = parts.filter(\.1).map(\.0)
    differing = parts.filter { !$0.1 }.map(\.0)
  }

  /// Whether all of the fields are equal; one that is empty or null counts as absent.
  private static func isEqual(_ left: JSONValue?, _ right: JSONValue?, _ fields: [NoahField])
    -> Bool
  {
    fields.allSatisfy { (left?[$0.name]?.string ?? "") == (right?[$0.name]?.string ?? "") }
  }

  /// The same documents in any order.
  private static func isSame(_ wanted: [JSONValue], _ kept: [JSONValue]) -> Bool {
    wanted.count == kept.count
      && wanted.allSatisfy { one in
        kept.contains { isEqual(one, $0, NoahField.identity) }
      }
  }
}
