import IntakeCore

/// The place of a value in an answer: `result`, `data.status`, `items.0.state`.
struct AnswerPath: Sendable, Equatable, CustomStringConvertible {
  let description: String
  private let steps: [String]

  init(_ text: String) throws(TemplateFault) {
    description = text
    steps = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard steps.allSatisfy({ !$0.isEmpty }) else {
      throw TemplateFault(
        "\"\(TemplateFault.shown(text))\" is no path: write names with a dot between, as in data.status"
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
    guard let word = answer.flatMap(text), (1...40).contains(word.utf8.count) else { return nil }
    return word.utf8.allSatisfy(AnswerPath.isWordByte) ? word : nil
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-_.:/".utf8.contains(byte)
    }
  }
}

/// `result=Success`: what an answer has to say besides its status code.
struct AcceptanceRule: Sendable {
  let path: AnswerPath
  private let wanted: String

  init(_ text: String) throws(TemplateFault) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty else {
      throw TemplateFault(
        "\"\(TemplateFault.shown(text))\" is no rule: write PATH=VALUE, as in result=Success")
    }
    path = try AnswerPath(String(parts[0]))
    wanted = parts[1].lowercased()
  }

  /// Whether the answer says so, whatever the case of its letters; nil when it says nothing there.
  func isMet(by answer: JSONValue) -> Bool? {
    path.text(in: answer).map { $0.lowercased() == wanted }
  }
}
