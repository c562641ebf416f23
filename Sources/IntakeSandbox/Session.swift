import IntakeCore

/// One connection from its first to its last request.
struct Session {
  private let connection: Connection
  private let router: Router
  private let limits: ServerLimits
  private var reader: RequestReader

  init(_ connection: Connection, router: Router, limits: ServerLimits) {
    self.connection = connection
    self.router = router
    self.limits = limits
    reader = RequestReader(connection, limits: limits)
  }

  /// Serves requests until either side ends the connection.
  mutating func run() {
    var isOpen = true
    while isOpen {
      do throws(RequestReader.Failure) {
        guard let head = try reader.head(idle: limits.idle) else { return }
        isOpen = try serve(head)
      } catch {
        return end(after: error)
      }
    }
  }

  /// A malformed request is told so; a broken connection needs no farewell.
  private func end(after failure: RequestReader.Failure) {
    guard case .request(let refusal) = failure else { return }
    let answer = Answer.text(refusal.status, refusal.message + "\n")
    guard (try? send(answer.bytes(keepsAlive: false))) != nil else { return }
    connection.finish()
  }

  private func send(_ bytes: [UInt8]) throws(RequestReader.Failure) {
    do { try connection.send(bytes, before: Deadline(milliseconds: limits.answerTime)) } catch {
      throw .connection(error)
    }
  }

  private mutating func serve(_ head: RequestHead) throws(RequestReader.Failure) -> Bool {
    if head.expectsContinue { try send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    let call = Call(head: head, body: try reader.body(of: head), time: .now)
    let answer =
      router.api(for: head.path)?.prepare(call).perform().answer
      ?? router.answer(to: call)
    try send(answer.bytes(keepsAlive: head.keepsAlive))
    return head.keepsAlive
  }
}
