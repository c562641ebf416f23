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
        .credentialsRefused, "the credentials hold no \(missing.joined(separator: " and no "))",
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
      var receipt = Receipt(
        .accepted, http: response.status, status: answer.status, type: answer.type)
      receipt.link = answer.link
      return receipt
    }
    guard answer.result == "error" || response.status >= 400 else { return unreadable(response) }
    return refusal(answer, response)
  }

  private func refusal(_ answer: DCAMSAnswer, _ response: HTTPResponse) -> Receipt {
    guard let (code, detail) = DCAMSAnswer.failure(for: answer.message) else {
      // A 404 or 405 that does not speak the vendor's language comes from some other server.
      if [404, 405, 410].contains(response.status) { return wrongEndpoint(response) }
      return Receipt(
        .rejected, http: response.status, code: .refusedByTarget,
        detail: "the target answered \(response.status) with a message that is not documented")
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
      detail: "the endpoint answered \(response.status): it does not serve DCAMS storage")
  }
}
