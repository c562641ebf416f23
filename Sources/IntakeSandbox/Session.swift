import IntakeCore

/// What all connections of a sandbox share.
struct ServerContext: Sendable {
  let store: CustomerStore
  let dcams: DCAMSStorage
  let noah: NoahAPI
  let log: RequestLog
  let faults: [Fault]
  let limits: ServerLimits
  let bodies: BodyBudget
}

/// One connection from its first to its last request.
struct Session {
  let context: ServerContext
  var reader: RequestReader
  var use = 0

  /// Serves requests until either side ends the connection.
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
