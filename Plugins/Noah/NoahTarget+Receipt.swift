import IntakeCore

extension NoahTarget {
  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    if submission.operation == NoahUploads.operation { return uploadReceipt(response) }
    let answer = NoahAnswer(response.body)
    let status = response.status
    if (200..<300).contains(status) { return success(status, response.body, answer) }
    guard let answer, answer.type != nil || !answer.complaints.isEmpty else {
      return foreign(status)
    }
    if answer.type == .resourceNotFound { return missing(status, answer, submission) }
    let words = NoahComplaints(answer.complaints, identities: identities, sent: submission)
    return refusal(status, answer, details: words.text, hint: words.hint)
  }

  /// 201 after the first PUT, 204 (or 200) after each further one; none of them needs a body.
  private func success(_ status: Int, _ body: [UInt8], _ answer: NoahAnswer?) -> Receipt {
    guard body.isEmpty || (answer != nil && answer?.type == nil) else {
      return Receipt(
        .inDoubt, http: status, code: .unrecognizedAnswer,
        detail: "the target answered \(status) with a body that is not Noah's")
    }
    let type = [201: "created", 204: "updated", 200: "updated"][status]
    return Receipt(.accepted, http: status, type: type)
  }

  /// An answer that does not speak the vendor's language.
  private func foreign(_ status: Int) -> Receipt {
    if [404, 405, 410].contains(status) {
      return Receipt(
        .fatal, http: status, code: .wrongEndpoint,
        detail: "the endpoint answered \(status): it does not serve Noah's customers")
    }
    return Receipt(
      .rejected, http: status, code: .refusedByTarget,
      detail: "the target answered \(status) without a readable message")
  }

  private func missing(_ status: Int, _ answer: NoahAnswer, _ submission: Submission) -> Receipt {
    guard submission.method == "PUT" else {
      return Receipt(
        .rejected, http: status, code: .customerNotFound,
        detail: "the target has no customer with this id" + NoahTarget.occurrence(answer))
    }
    // Noah itself creates what it does not find.
    return refusal(
      status, answer, details: "", hint: "ask Noah whether the account may create customers")
  }

  private func refusal(
    _ status: Int, _ answer: NoahAnswer, details: String, hint: String?
  ) -> Receipt {
    let kind = answer.type.map { " (\($0.rawValue))" } ?? ""
    return Receipt(
      .rejected, http: status, code: .refusedByTarget,
      detail: "the target answered \(status)\(kind)" + (details.isEmpty ? "" : ": " + details)
        + NoahTarget.occurrence(answer), hint: hint)
  }

  private static func occurrence(_ answer: NoahAnswer) -> String {
    answer.instance.map { "; occurrence \($0)" } ?? ""
  }
}
