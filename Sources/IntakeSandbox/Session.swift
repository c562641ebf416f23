import IntakeCore

/// What all connections share.
struct ServerContext: Sendable {
  let configuration: SandboxConfiguration
  /// Checks `Api-Signature` of Noah; nil for an account without a public key, which needs none.
  let signature: NoahSignature?
  let store: CustomerStore
  let log: RequestLog
  let tickets: UploadTickets
  let bodies: BodyBudget
  /// `http://127.0.0.1:<port>`, known once the sandbox listens.
  var address = ""

  var switches: SandboxSwitches { configuration.switches }

  init(_ configuration: SandboxConfiguration) throws(SandboxError) {
    self.configuration = configuration
    signature = try configuration.publicKey.map(NoahSignature.init(pem:))
    store = try CustomerStore(configuration)
    log = RequestLog(most: configuration.keptRequests)
    tickets = UploadTickets(most: configuration.keptUploadAddresses)
    bodies = BodyBudget(configuration.limits.bodiesInFlight)
  }
}

/// One connection, request by request.
struct Session {
  let context: ServerContext
  let connection: Connection
  private var reader: RequestReader
  private var use = 0

  init(_ context: ServerContext, _ connection: Connection) {
    (self.context, self.connection) = (context, connection)
    reader = RequestReader(connection)
  }

  mutating func run() {
    var idle = connection.limits.idle
    while true {
      do {
        guard let head = try reader.head(idle: idle) else { return }
        guard case .wait(let milliseconds) = try serve(head) else { return }
        idle = milliseconds
      } catch let refusal as RequestFailure {
        _ = try? connection.answerEarly(.text(refusal.status, "\(refusal.message ?? "")\n"))
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
    guard let api = context.api(for: head.path) else { return try servePage(head) }
    use += 1
    let entry = LoggedRequest(
      number: context.log.nextNumber(), time: .now, connection: connection.number, use: use,
      method: head.method, path: head.path)
    var exchange = APIExchange(
      context: context, head: head, api: api, connection: connection, entry: entry)
    return try exchange.serve(&reader)
  }

  /// Pages and control addresses: never faulty, and their bodies are small.
  private mutating func servePage(_ head: RequestHead) throws -> AfterAnswer {
    if case .length(let length) = head.framing, length > 65_536 {
      return try connection.answerEarly(ServerContext.answer(toOversized: head))
    }
    if head.expectsContinue { try connection.sendContinue() }
    _ = try reader.body(of: head)
    var answer = context.answer(to: head)
    if head.method == "HEAD" { answer.omitsBody = true }
    return try connection.answer(answer, keepsAlive: head.keepsAlive)
  }
}

extension ServerContext {
  /// The API that an address belongs to, nil for pages, control addresses and unknown ones.
  func api(for path: String) -> (any VendorAPI)? {
    if path == DCAMSStorage.path { return DCAMSStorage(context: self) }
    return NoahRoute.owns(path) ? NoahAPI(context: self) : nil
  }

  func answer(to head: RequestHead) -> Answer {
    let page = head.isReading ? Pages(store: store).answer(to: head) : nil
    return control(head) ?? page ?? ServerContext.notFound
  }

  /// The answer to a request whose body isn't read, because it is too large for a page or control address.
  static func answer(toOversized head: RequestHead) -> Answer {
    guard controls.contains(head.path) else { return notFound }
    return .text(413, "nothing here takes a body of that size\n")
  }

  private static let notFound = Page.notFound("Nothing has this address.")
  private static let controls = ["/sandbox/customers", "/sandbox/requests", "/sandbox/reset"]
}

/// The addresses for scripts and tests, under `/sandbox/`; not part of either API.
extension ServerContext {
  private func control(_ head: RequestHead) -> Answer? {
    switch head.path {
    case "/sandbox/customers":
      return reading(head) { .json(200, store.all.map(ServerContext.output)) }
    case "/sandbox/requests":
      return reading(head) {
        Answer(200, "application/jsonl", log.entries.map { $0.output.text + "\n" }.joined())
      }
    case "/sandbox/reset":
      guard head.method == "POST" else { return ServerContext.refusal(allowed: "POST") }
      // Only browsers send Origin; no web page may empty the sandbox.
      guard head["origin"] == nil else { return .text(403, "not for web pages\n") }
      store.reset()
      log.reset()
      return Answer(204)
    default: return nil
    }
  }

  private func reading(_ head: RequestHead, _ answer: () -> Answer) -> Answer {
    head.isReading ? answer() : ServerContext.refusal(allowed: "GET, HEAD")
  }

  private static func refusal(allowed: String) -> Answer {
    .text(405, "this address takes \(allowed)\n").with("Allow", allowed)
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
      ("reference", customer.reference.map(JSONOutput.init).orNull), ("status", customer.status),
      ("fields", JSONOutput(fields: customer.fields.map { ($0.name, $0.value) })),
      ("images", JSONOutput(fields: images)),
    ])
  }
}
