import IntakeCore

/// Decides which part answers a request.
extension ServerContext {
  /// The API that an address belongs to, nil for pages, control and strangers.
  func api(for path: String) -> (any VendorAPI)? {
    if path == DCAMSStorage.path { return dcams }
    return NoahRoute.owns(path) ? noah : nil
  }

  func answer(to call: Call) -> Answer {
    if let answer = control(call) { return answer }
    let isReading = ["GET", "HEAD"].contains(call.head.method)
    let page = isReading ? Pages(store: store).answer(to: call.head) : nil
    return page ?? ServerContext.notFound
  }

  /// Answers a request to neither API whose body nobody will read: a stranger's address is wrong at any size.
  func answer(toOversized head: RequestHead) -> Answer {
    guard ServerContext.controls.contains(head.path) else { return ServerContext.notFound }
    return .text(413, "nothing here takes a body of that size\n")
  }

  private static var notFound: Answer {
    Page.answer(404, title: "Not found", "<h1>Not found</h1><p>Nothing has this address.</p>")
  }
}

/// The addresses for scripts and tests, under `/sandbox/`; not part of either API.
extension ServerContext {
  private static let controls = ["/sandbox/customers", "/sandbox/requests", "/sandbox/reset"]

  private func control(_ call: Call) -> Answer? {
    switch call.head.path {
    case "/sandbox/customers":
      return reading(call) { .json(200, .array(store.all.map(ServerContext.output))) }
    case "/sandbox/requests": return reading(call, requests)
    case "/sandbox/reset":
      guard call.head.method == "POST" else { return ServerContext.refusal(allowed: "POST") }
      return reset(call)
    default: return nil
    }
  }

  private func reading(_ call: Call, _ answer: () -> Answer) -> Answer {
    ["GET", "HEAD"].contains(call.head.method)
      ? answer() : ServerContext.refusal(allowed: "GET, HEAD")
  }

  private func requests() -> Answer {
    let lines = log.entries.map { $0.output.text + "\n" }.joined()
    return Answer(200, "application/jsonl", lines)
  }

  private func reset(_ call: Call) -> Answer {
    // Only browsers send Origin; no page of another site may empty the sandbox.
    guard call.head["origin"] == nil else { return .text(403, "not for web pages\n") }
    store.reset()
    log.reset()
    return Answer(204)
  }

  private static func refusal(allowed: String) -> Answer {
    .text(405, "this address takes \(allowed)\n").with(HTTPField("Allow", allowed))
  }

  private static func output(_ customer: Customer) -> JSONOutput {
    let isNoah = customer.origin == .noah
    let images = Side.allCases.compactMap { side in
      customer.images[side].map { image in
        (side.rawValue, JSONOutput.object(image.facts + [("kept", .bool(image.bytes != nil))]))
      }
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
}
