import IntakeCore

/// Veratad DCAMS storage: one address for all services, credentials inside the body.
struct DCAMSTarget: Target {
  let name = "dcams"

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    let missing = ["user", "pass"].filter { credentials?[$0] == nil }
    guard credentials != nil else {
      throw StageFailure(
        .credentialsRefused,
        #"--credentials is missing: dcams needs a file that holds {"user":"…","pass":"…"}"#,
        hint: "give --credentials FILE; chmod 600 the file", outcome: .fatal)
    }
    guard missing.isEmpty else {
      throw StageFailure(
        .credentialsRefused, "the credentials have no \(missing.joined(separator: " and no "))",
        hint: #"give --credentials with a file that holds {"user":"…","pass":"…"}"#, outcome: .fatal
      )
    }
  }

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) -> HTTPRequest {
    HTTPRequest(
      method: submission.method, url: endpoint, headers: submission.headers,
      body: submission.body.map { $0.bytes(with: credentials) })
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    guard let answer = DCAMSAnswer(response.body) else { return unreadable(response) }
    if (200..<300).contains(response.status), answer.result == "success" {
      return Receipt(
        .accepted, http: response.status, status: answer.status, type: answer.type)
    }
    guard answer.result == "error" || response.status >= 400 else { return unreadable(response) }
    return refusal(answer, response)
  }

  private func refusal(_ answer: DCAMSAnswer, _ response: HTTPResponse) -> Receipt {
    guard let (code, detail) = DCAMSAnswer.failure(for: answer.message) else {
      // A 404 or 405 that isn't in the vendor's form comes from some other server.
      if [404, 405, 410].contains(response.status) { return wrongEndpoint(response) }
      return Receipt(
        .rejected, http: response.status, code: .refusedByTarget,
        detail: "the target answered \(response.status) with a message that isn't documented")
    }
    let outcome: OutcomeClass = code == .credentialsRefused ? .fatal : .rejected
    return Receipt(outcome, http: response.status, code: code, detail: detail)
  }

  private func unreadable(_ response: HTTPResponse) -> Receipt {
    switch response.status {
    case 404, 405, 410: return wrongEndpoint(response)
    case 400..<500:
      return Receipt(
        .rejected, http: response.status, code: .refusedByTarget,
        detail: "the target answered \(response.status) without a readable message")
    default:
      return Receipt(
        .inDoubt, http: response.status, code: .unrecognizedAnswer,
        detail:
          "the target answered \(response.status) with a body that is neither success nor error")
    }
  }

  private func wrongEndpoint(_ response: HTTPResponse) -> Receipt {
    Receipt(
      .fatal, http: response.status, code: .wrongEndpoint,
      detail: "the endpoint answered \(response.status): it doesn't serve DCAMS storage")
  }

  // MARK: Rows in doubt

  /// getStatus for the e-mail that was sent.
  func inquiry(about submission: Submission) -> Submission? {
    SentCustomer(submission).map { DCAMS.getStatus(email: $0.email) }
  }

  /// getDocumentImages, once the stored fields are the ones that were sent: an earlier version may have the same.
  func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission? {
    guard inquiry.operation == DCAMS.getStatusName, let sent = SentCustomer(submission),
      sent.status == nil, let answer = success(response), sent.differences(from: answer).isEmpty
    else { return nil }
    return DCAMS.getDocumentImages(email: sent.email)
  }

  /// Not accepted when the e-mail is unknown or something differs, accepted when fields and images are the same.
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    guard let answer = DCAMSAnswer(response.body), let sent = SentCustomer(submission) else {
      return .unknown(evidence: "the answer \(response.status) to an inquiry isn't readable")
    }
    if response.status == 404,
      DCAMSAnswer.failure(for: answer.message)?.0 == .customerNotFound
    {
      return .notAccepted(evidence: "getStatus knows no such customer")
    }
    guard success(response) != nil else {
      return .unknown(evidence: "the target answered \(response.status) to an inquiry")
    }
    guard answer.target != nil, sent.status == nil || answer.status != nil else {
      return .unknown(evidence: "the answer to an inquiry shows no customer")
    }
    if let status = sent.status { return settlement(ofStatus: status, answer) }
    let differing = sent.differences(from: answer)
    guard differing.isEmpty else {
      let names = differing.joined(separator: ", ")
      return .notAccepted(evidence: "stored differs in \(names)")
    }
    return settlement(ofImages: sent, answer)
  }

  private func settlement(ofStatus status: String, _ answer: DCAMSAnswer) -> Settlement {
    answer.status == status
      ? .accepted(evidence: "getStatus shows the status sent")
      : .notAccepted(evidence: "getStatus shows another status")
  }

  private func settlement(ofImages sent: SentCustomer, _ answer: DCAMSAnswer) -> Settlement {
    guard let documents = answer.target?["documents"] else {
      return .unknown(evidence: "fields are equal, but the answer has no images")
    }
    let differing = sent.images.filter { side, bytes in
      documents[side.rawValue]?.string.flatMap(ReturnedImage.bytes) != bytes
    }
    guard differing.isEmpty else {
      let names = differing.keys.sorted().map(\.rawValue).joined(separator: ", ")
      return .notAccepted(evidence: "stored differs in image \(names)")
    }
    return .accepted(evidence: "fields and images equal")
  }

  private func success(_ response: HTTPResponse) -> DCAMSAnswer? {
    guard (200..<300).contains(response.status), let answer = DCAMSAnswer(response.body),
      answer.result == "success"
    else { return nil }
    return answer
  }
}
