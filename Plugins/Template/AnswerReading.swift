import IntakeCore

/// How the plan says that answers are to be read.
struct AnswerReading: Sendable {
  let success: SuccessCodes
  let rules: [AcceptanceRule]
  var status: AnswerPath?
  var type: AnswerPath?
  var error: AnswerPath?

  /// What a complete answer means.
  func receipt(for response: HTTPResponse) -> Receipt {
    let answer = try? JSONParser.parse(response.body)
    if success.contains(response.status) { return judged(response, answer) }
    if (200..<300).contains(response.status) {
      return inDoubt(response, "a success that the plan does not list")
    }
    return refused(response, answer)
  }

  /// A success by its code; the body decides where the plan says how.
  private func judged(_ response: HTTPResponse, _ answer: JSONValue?) -> Receipt {
    guard !rules.isEmpty else {
      // A gateway's page behind a 200 is no answer of the API.
      guard answer != nil || !isMarkup(response.body) else {
        return inDoubt(response, "a page where the API's answer was to be")
      }
      return accepted(response, answer)
    }
    guard let answer else { return inDoubt(response, "a body that is not JSON") }
    for rule in rules {
      switch rule.isMet(by: answer) {
      case true?: continue
      case false?: return refused(response, answer, because: "another value at \(rule.path)")
      case nil: return inDoubt(response, "nothing at \(rule.path)")
      }
    }
    return accepted(response, answer)
  }

  private func accepted(_ response: HTTPResponse, _ answer: JSONValue?) -> Receipt {
    Receipt(
      .accepted, http: response.status, status: status?.word(in: answer),
      type: type?.word(in: answer))
  }

  private func inDoubt(_ response: HTTPResponse, _ what: String) -> Receipt {
    Receipt(
      .inDoubt, http: response.status, code: .unrecognizedAnswer,
      detail: "the target answered \(response.status) with \(what)")
  }

  private func refused(
    _ response: HTTPResponse, _ answer: JSONValue?, because reason: String? = nil
  ) -> Receipt {
    if answer == nil, [404, 405, 410].contains(response.status) {
      return Receipt(
        .fatal, http: response.status, code: .wrongEndpoint,
        detail: "the endpoint answered \(response.status) and does not seem to be this API")
    }
    let word = error?.word(in: answer).map { " (\($0))" } ?? ""
    return Receipt(
      .rejected, http: response.status, code: .refusedByTarget,
      detail: "the target answered \(response.status)" + (reason.map { " with " + $0 } ?? "") + word
    )
  }

  private func isMarkup(_ body: [UInt8]) -> Bool {
    body.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "<")
  }
}
