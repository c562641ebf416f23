import IntakeCore

/// The addresses for scripts and tests, under `/sandbox/`; not part of either API.
struct Control {
  let store: CustomerStore
  let log: RequestLog

  /// Whether an address is one of these.
  static func owns(_ path: String) -> Bool {
    ["/sandbox/customers", "/sandbox/requests", "/sandbox/reset"].contains(path)
  }

  /// Answers a request below `/sandbox/`; nil for addresses that are none.
  func answer(to call: Call) -> Answer? {
    switch call.head.path {
    case "/sandbox/customers":
      return reading(call) { .json(200, .array(store.all.map(Control.output))) }
    case "/sandbox/requests": return reading(call, requests)
    case "/sandbox/reset":
      guard call.head.method == "POST" else { return Control.refusal(allowed: "POST") }
      return reset(call)
    default: return nil
    }
  }

  private func reading(_ call: Call, _ answer: () -> Answer) -> Answer {
    ["GET", "HEAD"].contains(call.head.method) ? answer() : Control.refusal(allowed: "GET, HEAD")
  }

  private func requests() -> Answer {
    let lines = log.entries.map { $0.output.text + "\n" }.joined()
    return Answer(200, [HTTPField("Content-Type", "application/jsonl")], body: Array(lines.utf8))
  }

  private func reset(_ call: Call) -> Answer {
    // Only browsers send Origin; no page of another site may empty the sandbox.
    guard call.head["origin"] == nil else { return .text(403, "not for web pages\n") }
    store.reset()
    log.reset()
    return Answer(204)
  }

  private static func refusal(allowed: String) -> Answer {
    var answer = Answer.text(405, "this address takes \(allowed)\n")
    answer.headers.append(HTTPField("Allow", allowed))
    return answer
  }

  private static func output(_ customer: Customer) -> JSONOutput {
    let isNoah = customer.origin == .noah
    let images = Side.allCases.compactMap { side in
      customer.images[side].map { (side.rawValue, output($0)) }
    }
    return .object([
      ("number", .integer(customer.number)), ("api", .string(isNoah ? "noah" : "dcams")),
      ("id", .optional(isNoah ? customer.key : nil)),
      ("email", .optional(isNoah ? customer[field: "Email"] : customer.key)),
      ("reference", customer.reference?.output ?? .null), ("status", .string(customer.status)),
      ("fields", .object(customer.fields.map { ($0.name, .string($0.value)) })),
      ("images", .object(images)),
    ])
  }

  private static func output(_ image: StoredImage) -> JSONOutput {
    .object([
      ("bytes", .integer(image.byteCount)),
      ("width", image.size.map { .integer($0.width) } ?? .null),
      ("height", image.size.map { .integer($0.height) } ?? .null),
      ("format", .optional(image.format?.rawValue)), ("sha256", .string(image.sha256)),
      ("prefix", .optional(image.prefix)), ("kept", .bool(image.bytes != nil)),
    ])
  }
}
