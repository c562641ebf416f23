import IntakeCore

/// Veratad DCAMS storage: one address for all services, credentials inside the body.
struct DCAMSTarget: Target {
  let name = DCAMS.name

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    try DCAMS.vendor?.require(credentials)
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    if let answer = success(response) {
      return Receipt(.accepted, http: response.status, status: answer.status, type: answer.type)
    }
    guard let answer = DCAMSAnswer(response), answer.result == "error" || response.status >= 400
    else { return unreadable(response) }
    if let (code, detail) = DCAMSAnswer.failure(for: answer.message) {
      let outcome: OutcomeClass = code == .credentialsRefused ? .fatal : .rejected
      let isCreate = submission.operation == DCAMSOperation.createOrUpdateCustomer.rawValue
      return response.receipt(
        outcome, code, detail,
        hint: isCreate && code == .customerNotFound
          ? "ask Veratad whether the account may create customers: this row creates what is not there"
          : nil)
    }
    // A 404 or 405 that isn't in the vendor's form comes from some other server.
    return (answer.result == "error" ? nil : wrongEndpoint(response)) ?? response.refusal()
  }

  func message(in response: HTTPResponse) -> String? { DCAMSAnswer(response)?.message }

  private func unreadable(_ response: HTTPResponse) -> Receipt {
    if let receipt = wrongEndpoint(response) { return receipt }
    return (400..<500).contains(response.status)
      ? response.refusal(" without a readable message")
      : response.unrecognized("with a body that is neither success nor error")
  }

  private func wrongEndpoint(_ response: HTTPResponse) -> Receipt? {
    response.wrongEndpoint(": it doesn't serve DCAMS storage")
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

  /// Not accepted when the e-mail is unknown, accepted when fields and images are the same.
  ///
  /// No page says that fields and images are kept as they were sent, so a difference alone proves nothing.
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    guard let answer = DCAMSAnswer(response), let sent = SentCustomer(submission) else {
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
    if let status = sent.status {
      return answer.status == status
        ? .accepted(evidence: "getStatus shows the status sent")
        : .notAccepted(evidence: "getStatus shows another status")
    }
    let differing = sent.differences(from: answer)
    return differing.isEmpty ? settlement(ofImages: sent, answer) : .differs(in: differing)
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
        return .differs(in: [SentCustomer.name(of: side)])
      }
    }
    return .accepted(evidence: "fields and images equal")
  }

  func partsKept(by response: HTTPResponse, of submission: Submission) -> Set<String> {
    guard let answer = success(response), let sent = SentCustomer(submission) else { return [] }
    return sent.partsKept(by: answer)
  }

  private func success(_ response: HTTPResponse) -> DCAMSAnswer? {
    guard response.isSuccess, let answer = DCAMSAnswer(response), answer.result == "success"
    else { return nil }
    return answer
  }
}
