import IntakeCore

/// How to read answers, as the plan says.
struct AnswerReading: Sendable {
  let success: Set<Int>
  let rules: [AcceptanceRule]
  var status: AnswerPath?
  var type: AnswerPath?
  var error: AnswerPath?

  /// Reads status codes: single ones, and `2xx` or nothing for all that can mean success.
  static func codes(_ words: [String]) throws(TemplateFault) -> Set<Int> {
    var codes: Set<Int> = words.isEmpty || words.contains("2xx") ? Set(200...299) : []
    for word in words where word != "2xx" {
      guard let code = Int(word), (200...299).contains(code) else {
        throw TemplateFault(
          "\(word.quoted()) doesn't mean success: write codes from 200 to 299, or 2xx"
        )
      }
      codes.insert(code)
    }
    return codes
  }

  func receipt(for response: HTTPResponse) -> Receipt {
    let answer = response.json
    if success.contains(response.status) { return judged(response, answer) }
    if (200..<300).contains(response.status) {
      return response.unrecognized("with a success that the plan does not list")
    }
    let wrongEndpoint =
      answer == nil ? response.wrongEndpoint(" and does not seem to be this API") : nil
    return wrongEndpoint ?? response.refusal()
  }

  /// A success by its code; the body decides where the plan says how.
  private func judged(_ response: HTTPResponse, _ answer: JSONValue?) -> Receipt {
    guard !rules.isEmpty else {
      // A gateway's page behind a 200 isn't an answer of the API.
      let isMarkup = response.body.first { !$0.isASCIISpace } == UInt8(ascii: "<")
      guard answer != nil || !isMarkup else {
        return response.unrecognized("with a page instead of the API's answer")
      }
      return accepted(response, answer)
    }
    guard let answer else { return response.unrecognized("with a body that is not JSON") }
    for rule in rules {
      switch rule.isMet(by: answer) {
      case true?: continue
      case false?: return response.refusal(" with another value at \(rule.path)")
      case nil: return response.unrecognized("with nothing at \(rule.path)")
      }
    }
    return accepted(response, answer)
  }

  private func accepted(_ response: HTTPResponse, _ answer: JSONValue?) -> Receipt {
    Receipt(
      .accepted, http: response.status, status: status?.word(in: answer),
      type: type?.word(in: answer))
  }

  func message(in response: HTTPResponse) -> String? {
    response.json.flatMap { error?.text(in: $0) }
  }
}

/// The path of a value in an answer: `result`, `data.status`, `items.0.state`.
struct AnswerPath: Sendable, Equatable, CustomStringConvertible {
  let description: String
  private let steps: [String]

  init(_ text: String) throws(TemplateFault) {
    description = text
    steps = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !steps.contains("") else {
      throw TemplateFault(
        "\(text.quoted()) isn't a path: write names with a dot between, as in data.status"
      )
    }
  }

  /// The value there, nil when the answer has none.
  func value(in answer: JSONValue) -> JSONValue? {
    var value = answer
    for step in steps {
      let next =
        value[step]
        ?? value.elements.flatMap { list in
          Int(step).flatMap { list.indices.contains($0) ? list[$0] : nil }
        }
      guard let next else { return nil }
      value = next
    }
    return value
  }

  /// A text, number or truth value there, as text.
  func text(in answer: JSONValue) -> String? {
    switch value(in: answer)?.kind {
    case .string(let text), .number(let text): text
    case .bool(let flag): flag ? "true" : "false"
    default: nil
    }
  }

  /// A single short word there: what is longer or has spaces might quote the customer.
  func word(in answer: JSONValue?) -> String? {
    answer.flatMap(text).flatMap { $0.isPlain(1...40, or: "-_.:/") ? $0 : nil }
  }
}

/// `result=Success`: what an answer must say besides its status code.
struct AcceptanceRule: Sendable {
  let path: AnswerPath
  private let wanted: String

  init(_ text: String) throws(TemplateFault) {
    guard let (path, wanted) = text.halves(at: "="), !wanted.isEmpty else {
      throw TemplateFault(
        "\(text.quoted()) isn't a rule: write PATH=VALUE, as in result=Success")
    }
    self.path = try AnswerPath(path)
    self.wanted = wanted.lowercased()
  }

  /// Whether the answer says so, in letters of any case; nil when it has nothing there.
  func isMet(by answer: JSONValue) -> Bool? {
    path.text(in: answer).map { $0.lowercased() == wanted }
  }
}
