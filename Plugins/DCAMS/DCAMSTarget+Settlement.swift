import IntakeCore

extension DCAMSTarget {
  /// getStatus first: it settles most rows without an image coming back.
  func inquiry(about submission: Submission) -> Submission? {
    guard let email = DCAMSSent(submission)?.email else { return nil }
    return DCAMS.question(.getStatus, email)
  }

  /// Asks for the images where all fields are as sent: a record with the same fields may have stood there before.
  func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission? {
    guard inquiry.operation == DCAMSQuestion.getStatus.rawValue,
      let sent = DCAMSSent(submission), !sent.images.isEmpty, let email = sent.email,
      let answer = DCAMSTarget.success(response), answer.target != nil,
      sent.fieldsThatDiffer(from: answer).isEmpty
    else { return nil }
    return DCAMS.question(.getDocumentImages, email)
  }

  /// What the last answer proves; one that is no answer of this vendor proves nothing.
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    if let message = DCAMSAnswer(response.body)?.message,
      DCAMSAnswer.failure(for: message)?.0 == .customerNotFound
    {
      return .notAccepted(evidence: "the target has no customer with this e-mail")
    }
    guard let sent = DCAMSSent(submission), let answer = DCAMSTarget.success(response) else {
      return .unknown(evidence: "the answer \(response.status) of the target is not readable")
    }
    if let status = sent.status { return DCAMSTarget.settlement(of: answer, setting: status) }
    return DCAMSTarget.settlement(of: answer, storing: sent)
  }

  private static func settlement(of answer: DCAMSAnswer, setting status: String) -> Settlement {
    guard let stored = answer.status else {
      return .unknown(evidence: "the answer holds no status")
    }
    return stored == status
      ? .accepted(evidence: "the stored status is the one sent")
      : .notAccepted(evidence: "the stored status is another one")
  }

  private static func settlement(of answer: DCAMSAnswer, storing sent: DCAMSSent) -> Settlement {
    guard answer.target != nil else { return .unknown(evidence: "the answer holds no target") }
    let fields = sent.fieldsThatDiffer(from: answer)
    guard fields.isEmpty else {
      return .notAccepted(
        evidence: "the stored record differs in \(fields.joined(separator: ", "))")
    }
    guard answer.target?["documents"] != nil else {
      return .unknown(evidence: "all fields are as sent, but the answer holds no images")
    }
    let stored = answer.images
    let sides = sent.images.keys.sorted().filter { stored[$0] != sent.images[$0] }
    let names = sides.map(\.rawValue).joined(separator: ", ")
    guard sides.isEmpty else {
      return .notAccepted(evidence: "all fields are as sent, but not the stored image: \(names)")
    }
    return .accepted(evidence: "all fields and the bytes of all images are stored as sent")
  }

  private static func success(_ response: HTTPResponse) -> DCAMSAnswer? {
    guard (200..<300).contains(response.status), let answer = DCAMSAnswer(response.body),
      answer.result == "success"
    else { return nil }
    return answer
  }
}
