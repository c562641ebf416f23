import IntakeCore

/// One request to one of the APIs, from its header to its answer, with the faults that are meant for it.
struct APIExchange {
  private let context: ServerContext
  private let connection: Connection
  private let head: RequestHead
  private let api: any VendorAPI
  private var facts: RequestFacts
  private var entry: LoggedRequest

  /// Gives the request its number.
  init(
    _ head: RequestHead, _ api: any VendorAPI, _ connection: Connection, use: Int,
    _ context: ServerContext
  ) {
    self.context = context
    self.connection = connection
    self.head = head
    self.api = api
    let number = context.log.nextNumber()
    facts = RequestFacts(
      number: number, connection: connection.number, use: use, path: head.path)
    entry = LoggedRequest(
      number: number, time: .now, connection: connection.number, method: head.method,
      path: head.path)
  }

  private var writer: AnswerWriter {
    AnswerWriter(connection: connection, limits: context.limits, keepsAlive: head.keepsAlive)
  }

  /// Serves the request; it is in the log before the answer is on its way.
  mutating func serve(_ reader: inout RequestReader) throws(RequestReader.Failure) -> AfterAnswer {
    let opening = context.faults.opening(facts)
    if let opening { entry.faults.append(opening.fault.description) }
    if let opening, let after = try open(opening.effect, opening.fault) { return after }
    let reserved = reserve(reader)
    guard reserved > 0 else { return try refuseForMemory() }
    defer { context.bodies.putBack(reserved) }
    return try answer(to: try body(&reader, opening))
  }

  private func log(_ status: Int?) {
    var entry = entry
    entry.status = status
    context.log.add(entry)
  }

  /// What the body may take of the common budget; 0 when that is spent.
  private func reserve(_ reader: RequestReader) -> Int {
    let limit = context.limits.body
    var size = limit
    if case .length(let length) = head.framing { size = min(length, limit) }
    return context.bodies.take(size + 1) ? size + 1 : 0
  }

  private func refuseForMemory() throws(RequestReader.Failure) -> AfterAnswer {
    log(503)
    var answer = api.refusal(503, "Too many large requests at the same time")
    answer.headers.append(HTTPField("Retry-After", "1"))
    return try writer.writeEarly(answer)
  }
}

/// Before the body.
extension APIExchange {
  /// Acts before the body is read; nil when the exchange goes on.
  private func open(
    _ effect: OpeningEffect, _ fault: Fault
  ) throws(RequestReader.Failure) -> AfterAnswer? {
    switch effect {
    case .never100, .throttle: return nil
    case .expectationFailed:
      guard head.expectsContinue else { return nil }
      log(417)
      return try writer.write(api.refusal(417, nil))
    case .flood100:
      for _ in 0..<fault["count"] { try sendContinue() }
      return nil
    case .early:
      log(fault["status"])
      let answer = api.refusal(fault["status"], nil)
      guard fault.has("abrupt") else { return try writer.writeEarly(answer) }
      try writer.send(answer.bytes(keepsAlive: false))
    case .closeBefore: log(nil)
    case .resetBefore:
      log(nil)
      connection.resetOnClose()
    case .closeAfter100:
      log(nil)
      try sendContinue()
    case .stallRead:
      log(nil)
      try? connection.pause(milliseconds: fault["ms"])
    }
    return .close
  }

  private func sendContinue() throws(RequestReader.Failure) {
    try writer.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
  }

  /// Reads the body; what cannot be read is in the log too, for the client has sent a request.
  private func body(
    _ reader: inout RequestReader, _ opening: (effect: OpeningEffect, fault: Fault)?
  ) throws(RequestReader.Failure) -> Result<[UInt8], RequestFailure> {
    do throws(RequestReader.Failure) {
      var isTooLarge = false
      if case .length(let length) = head.framing { isTooLarge = length > context.limits.body }
      if head.expectsContinue, !isTooLarge, opening?.effect != .never100,
        opening?.effect != .flood100
      {
        try sendContinue()
      }
      return .success(try reader.body(of: head, pacing: pacing(opening)))
    } catch {
      guard case .request(let refusal) = error else {
        log(nil)
        throw error
      }
      return .failure(refusal)
    }
  }

  /// Ten pieces a second, so that a deadline sees steady progress.
  private func pacing(_ opening: (effect: OpeningEffect, fault: Fault)?) -> Pacing? {
    guard let opening, opening.effect == .throttle else { return nil }
    return Pacing(bytes: max(1, opening.fault["rate"] / 10), milliseconds: 100)
  }
}

/// After the body.
extension APIExchange {
  private mutating func answer(
    to body: Result<[UInt8], RequestFailure>
  ) throws(RequestReader.Failure) -> AfterAnswer {
    switch body {
    case .failure(let refusal):
      log(refusal.status)
      return try writer.writeEarly(api.refusal(refusal.status, refusal.message))
    case .success(let bytes):
      entry.bytes = bytes.count
      return try answer(to: Call(head: head, body: bytes, time: .now))
    }
  }

  private mutating func answer(to call: Call) throws(RequestReader.Failure) -> AfterAnswer {
    var prepared = api.prepare(call)
    learn(from: prepared)
    let faults = context.faults.selection(facts)
    entry.faults += faults.names
    try pause(faults.latency)
    let date = Timestamp.now.later(by: Double(faults.clockOffset))
    if faults.clockOffset != 0 {
      prepared = api.prepare(Call(head: call.head, body: call.body, time: date))
    }
    let answer = decide(prepared, faults)
    let isAnswered = faults.wire?.effect.answers ?? true
    log(isAnswered ? answer.status : nil)
    try pause(faults.slowness)
    var writer = self.writer
    writer.date = date
    guard let wire = faults.wire else { return try writer.write(answer) }
    return try writer.write(answer, wire.effect, wire.fault)
  }

  private mutating func learn(from prepared: PreparedCall) {
    entry.service = prepared.service
    entry.customer = prepared.customer
    entry.notes = prepared.notes
    facts.service = prepared.service
    facts.customer = prepared.customer
    if let customer = prepared.customer {
      entry.attempt = context.log.nextAttempt(customer.lowercased())
      facts.attempt = entry.attempt
    }
  }

  /// The vendor's decision, or the made-up one, with spoiled content where that was asked for.
  private mutating func decide(_ prepared: PreparedCall, _ faults: FaultSelection) -> Answer {
    let reply = faults.carriesOut ? prepared.perform() : nil
    entry.isAccepted = reply?.isAccepted ?? false
    var answer = reply?.answer ?? api.refusal(500, nil)
    if let verdict = faults.verdict {
      answer = made(up: verdict.effect, verdict.fault, prepared, reply)
    }
    guard let content = faults.content else { return answer }
    return content.effect.spoil(answer, content.fault)
  }

  /// A made-up 2xx keeps the vendor's body: only the status is another.
  private func made(
    up effect: VerdictEffect, _ fault: Fault, _ prepared: PreparedCall, _ reply: Reply?
  ) -> Answer {
    if let code = fault.code, (200...299).contains(code), let reply {
      return Answer(code, reply.answer.headers, body: reply.answer.body)
    }
    return effect.answer(fault, api, prepared)
  }

  private func pause(_ milliseconds: Int) throws(RequestReader.Failure) {
    guard milliseconds > 0 else { return }
    do { try connection.pause(milliseconds: milliseconds) } catch { throw .connection(error) }
  }
}
