import IntakeCore

/// One connection from its first to its last request.
struct Session {
  private let connection: Connection
  private let context: ServerContext
  private var reader: RequestReader
  private var use = 0

  init(_ connection: Connection, _ context: ServerContext) {
    self.connection = connection
    self.context = context
    reader = RequestReader(connection, limits: context.limits)
  }

  /// Serves requests until either side ends the connection.
  mutating func run() {
    var idle = context.limits.idle
    while true {
      do throws(RequestReader.Failure) {
        guard let head = try reader.head(idle: idle) else { return }
        guard case .wait(let milliseconds) = try serve(head) else { return }
        idle = milliseconds
      } catch {
        return end(after: error)
      }
    }
  }

  private func writer(keepsAlive: Bool) -> AnswerWriter {
    AnswerWriter(connection: connection, limits: context.limits, keepsAlive: keepsAlive)
  }

  /// A malformed request is told so; a broken connection needs no farewell.
  private func end(after failure: RequestReader.Failure) {
    guard case .request(let refusal) = failure else { return }
    let answer = Answer.text(refusal.status, refusal.message + "\n")
    _ = try? writer(keepsAlive: false).writeEarly(answer)
  }

  private mutating func serve(_ head: RequestHead) throws(RequestReader.Failure) -> AfterAnswer {
    guard head.isForLoopback else {
      throw .request(RequestFailure(status: 421, message: "the Host field names another machine"))
    }
    if let api = context.router.api(for: head.path) {
      use += 1
      var exchange = APIExchange(head, api, connection, use: use, context)
      return try exchange.serve(&reader)
    }
    return try servePage(head)
  }

  /// Pages and control addresses: never faulty, and their bodies are small.
  private mutating func servePage(
    _ head: RequestHead
  ) throws(RequestReader.Failure) -> AfterAnswer {
    let writer = writer(keepsAlive: head.keepsAlive)
    if case .length(let length) = head.framing, length > 65_536 {
      return try writer.writeEarly(context.router.answer(toOversized: head))
    }
    if head.expectsContinue { try writer.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    let body = try reader.body(of: head)
    let answer = context.router.answer(to: Call(head: head, body: body, time: .now))
    guard head.method == "HEAD" else { return try writer.write(answer) }
    try writer.send(answer.head(keepsAlive: head.keepsAlive))
    return head.keepsAlive ? .wait(context.limits.idle) : .close
  }
}
