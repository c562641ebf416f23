import IntakeCore

/// Veratad DCAMS storage: one address for all services, credentials inside the body.
struct DCAMSTarget: Target {
  let name = DCAMS.name

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    try DCAMS.vendor?.require(credentials)
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    guard let answer = DCAMSAnswer(response.body) else { return unreadable(response) }
    if response.isSuccess, answer.result == "success" {
      return Receipt(.accepted, http: response.status, status: answer.status, type: answer.type)
    }
    guard answer.result == "error" || response.status >= 400 else { return unreadable(response) }
    if let (code, detail) = DCAMSAnswer.failure(for: answer.message) {
      return response.receipt(code == .credentialsRefused ? .fatal : .rejected, code, detail)
    }
    // A 404 or 405 that isn't in the vendor's form comes from some other server.
    return (answer.result == "error" ? nil : wrongEndpoint(response))
      ?? response.receipt(
        .rejected, .refusedByTarget, "the target answered \(response.status)")
  }

  func message(in response: HTTPResponse) -> String? { DCAMSAnswer(response.body)?.message }

  private func unreadable(_ response: HTTPResponse) -> Receipt {
    let answered = "the target answered \(response.status)"
    return wrongEndpoint(response)
      ?? ((400..<500).contains(response.status)
        ? response.receipt(.rejected, .refusedByTarget, answered + " without a readable message")
        : response.receipt(
          .inDoubt, .unrecognizedAnswer, answered + " with a body that is neither success nor error"
        ))
  }

  private func wrongEndpoint(_ response: HTTPResponse) -> Receipt? {
    guard [404, 405, 410].contains(response.status) else { return nil }
    return response.receipt(
      .fatal, .wrongEndpoint,
      "the endpoint answered \(response.status): it doesn't serve DCAMS storage")
  }

  // MARK: Rows in doubt

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
    for (side, bytes) in sent.images.sorted(by: { $0.key < $1.key }) {
      guard let stored = documents[side.rawValue]?.string, !stored.isEmpty else {
        return .unknown(evidence: "fields are equal, but the answer has no image \(side.rawValue)")
      }
      guard Base64Text.decode(stored) == bytes else {
        return .differs(evidence: "stored differs in image \(side.rawValue)")
      }
    }
    return .accepted(evidence: "fields and images equal")
  }

  private func success(_ response: HTTPResponse) -> DCAMSAnswer? {
    guard response.isSuccess, let answer = DCAMSAnswer(response.body),
      answer.result == "success"
    else { return nil }
    return answer
  }
}
