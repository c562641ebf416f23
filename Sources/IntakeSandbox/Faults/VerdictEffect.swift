import IntakeCore

/// A made-up decision in place of the vendor's; the request is not carried out unless `accepted` is given.
enum VerdictEffect: String, FaultKind {
  case status = "CODE"
  case redirect
  case resultError = "result-error"
  case echoSecret = "echo-secret"
  case escapes
  case longMessage = "long-message"

  var parameters: [FaultParameter] {
    let status = FaultParameter.integer("status", 200...599, 400)
    switch self {
    case .status:
      return [
        .text("retry-after"), .flag("accepted"), .flag("html"), .flag("www-authenticate"),
        .text("message"),
      ]
    case .redirect:
      return [.integer("status", 300...399, 307), .text("location"), .flag("accepted")]
    case .resultError: return [.text("message"), .flag("accepted")]
    case .echoSecret, .escapes: return [status, .flag("accepted")]
    case .longMessage: return [.integer("bytes", 1...100_000_000, 1_000_000), status]
    }
  }

  var summary: String {
    switch self {
    case .status:
      return
        "answer with this HTTP status, 200 to 599, in the vendor's form; a 2xx is carried out. "
        + "retry-after takes any text, and date+5 for the HTTP date 5 s ahead"
    case .redirect: return "answer a redirect, by default to another path of this server"
    case .resultError: return "answer 200 with an error inside"
    case .echoSecret: return "repeat password and personal fields in the error message"
    case .escapes: return "put terminal escape sequences into the error message"
    case .longMessage: return "make the error message that long"
    }
  }

  /// The made-up answer.
  func answer(_ fault: Fault, _ api: any VendorAPI, _ call: PreparedCall) -> Answer {
    switch self {
    case .status: return VerdictEffect.plain(fault, api)
    case .redirect:
      let location = fault.text("location") ?? "/v3/elsewhere"
      return Answer(fault["status"], [HTTPField("Location", location)])
    case .resultError:
      var answer = api.refusal(400, fault.text("message") ?? "The request could not be processed")
      answer.status = 200
      return answer
    case .echoSecret:
      return api.refusal(fault["status"], "refused: " + call.confidential.joined(separator: " "))
    case .escapes:
      return api.refusal(fault["status"], "\u{1B}[2J\u{1B}]0;owned\u{07}\u{202E}\u{9B}31m refused")
    case .longMessage:
      return api.refusal(fault["status"], String(repeating: "long ", count: fault["bytes"] / 5 + 1))
    }
  }

  private static func plain(_ fault: Fault, _ api: any VendorAPI) -> Answer {
    let code = fault.code ?? 500
    var answer = api.refusal(code, fault.text("message"))
    if fault.has("html") { answer = ContentEffect.page(code, Answer.reason(code)) }
    if let wait = fault.text("retry-after") {
      answer.headers.append(HTTPField("Retry-After", retryAfter(wait)))
    }
    if fault.has("www-authenticate") {
      answer.headers.append(HTTPField("WWW-Authenticate", "Basic realm=\"sandbox\""))
    }
    return answer
  }

  private static func retryAfter(_ text: String) -> String {
    guard text.hasPrefix("date+"), let seconds = Int(text.dropFirst(5)) else { return text }
    return Timestamp.now.later(by: Double(seconds)).httpDate
  }
}
