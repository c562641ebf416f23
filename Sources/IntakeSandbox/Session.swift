import IntakeCore

struct ServerContext: Sendable {
  let store: CustomerStore
  let dcams: DCAMSStorage
  let noah: NoahAPI
  let log: RequestLog
  let faults: [Fault]
  let limits: ServerLimits
  let bodies: BodyBudget
}

struct Session {
  let context: ServerContext
  var reader: RequestReader
  var use = 0

  mutating func run() {
    var idle = context.limits.idle
    while true {
      do {
        guard let head = try reader.head(idle: idle) else { return }
        guard case .wait(let milliseconds) = try serve(head) else { return }
        idle = milliseconds
      } catch let refusal as RequestFailure {
        let writer = AnswerWriter(
          connection: reader.connection, limits: context.limits, keepsAlive: false)
        _ = try? writer.writeEarly(.text(refusal.status, refusal.message + "\n"))
        return
      } catch {
        return  // The connection is broken: nobody is left to answer.
      }
    }
  }

  private mutating func serve(_ head: RequestHead) throws -> AfterAnswer {
    guard head.isForLoopback else {
      throw RequestFailure(421, "the Host field names another machine")
    }
    let writer = AnswerWriter(
      connection: reader.connection, limits: context.limits, keepsAlive: head.keepsAlive)
    guard let api = context.api(for: head.path) else { return try servePage(head, writer) }
    use += 1
    let entry = LoggedRequest(
      number: context.log.nextNumber(), time: .now, connection: reader.connection.number, use: use,
      method: head.method, path: head.path)
    var exchange = APIExchange(context: context, head: head, api: api, writer: writer, entry: entry)
    return try exchange.serve(&reader)
  }

  /// Pages and control addresses: never faulty, and their bodies are small.
  private mutating func servePage(
    _ head: RequestHead, _ writer: AnswerWriter
  ) throws -> AfterAnswer {
    if case .length(let length) = head.framing, length > 65_536 {
      return try writer.writeEarly(context.answer(toOversized: head))
    }
    if head.expectsContinue { try writer.sendContinue() }
    let body = try reader.body(of: head)
    let answer = context.answer(to: Call(head: head, body: body, time: .now))
    guard head.method == "HEAD" else { return try writer.write(answer) }
    try writer.send(answer.head(keepsAlive: head.keepsAlive))
    return writer.after
  }
}

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

  private static let notFound = Page.notFound("Nothing has this address.")
}

/// The addresses for scripts and tests, under `/sandbox/`; not part of either API.
extension ServerContext {
  private static let controls = ["/sandbox/customers", "/sandbox/requests", "/sandbox/reset"]

  private func control(_ call: Call) -> Answer? {
    switch call.head.path {
    case "/sandbox/customers":
      return reading(call) { .json(200, store.all.map(ServerContext.output)) }
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
    let images: JSONFields = Side.allCases.map { side in
      (
        side.rawValue,
        customer.images[side].map { JSONOutput(fields: $0.facts + [("kept", $0.bytes != nil)]) }
      )
    }
    return JSONOutput(fields: [
      ("number", customer.number), ("api", isNoah ? "noah" : "dcams"),
      ("id", (isNoah ? customer.key : nil).orNull),
      ("email", (isNoah ? customer[field: "Email"] : customer.key).orNull),
      ("reference", (customer.reference?.output).orNull), ("status", customer.status),
      ("fields", JSONOutput(fields: customer.fields.map { ($0.name, $0.value) })),
      ("images", JSONOutput(fields: images)),
    ])
  }
}
