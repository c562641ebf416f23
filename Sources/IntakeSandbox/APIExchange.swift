import IntakeCore
import IntakeSystem

struct Call {
  let head: RequestHead
  let body: [UInt8]
  let time: UTCTime
}

struct Reply {
  var answer: Answer
  var isAccepted = false
}

/// A request that is understood but not carried out yet, so that faults can choose by what it is about.
struct PreparedCall {
  let service: String
  /// The e-mail or CustomerID, nil when there is none.
  let customer: String?
  /// Values that a careless server might repeat in its messages.
  var confidential: [String] = []
  var notes: [String] = []
  let perform: () -> Reply
}

protocol VendorAPI: Sendable {
  func prepare(_ call: Call) -> PreparedCall

  /// The vendor's error body for any status, with its documented message where there is one.
  func refusal(_ status: Int, _ message: String?) -> Answer
}

/// One request to one of the APIs, from its header to its answer, with the faults that are meant for it.
struct APIExchange {
  let context: ServerContext
  let head: RequestHead
  let api: any VendorAPI
  let writer: AnswerWriter
  var entry: LoggedRequest

  /// Serves the request; it is in the log before the answer is on its way.
  mutating func serve(_ reader: inout RequestReader) throws -> AfterAnswer {
    var opening = FaultEffect.Opening.reading()
    if let (act, fault) = context.faults.opening(entry) {
      entry.faults.append(fault.description)
      opening = try act(self, fault)
    }
    switch opening {
    case .done(let after): return after
    case .reading(let sendsContinue, let pacing):
      let size = min(announced ?? .max, context.limits.body)
      guard context.bodies.take(size) else { return try refuseForMemory() }
      defer { context.bodies.putBack(size) }
      return try answer(&reader, sendsContinue, pacing)
    }
  }

  /// Puts the request into the log with the status that is answered, nil for none.
  func log(_ status: Int?) {
    var entry = entry
    entry.status = status
    context.log.add(entry)
  }

  /// Bytes of the body, where the header says so.
  private var announced: Int? { if case .length(let length) = head.framing { length } else { nil } }

  private func refuseForMemory() throws -> AfterAnswer {
    log(503)
    let answer = api.refusal(503, "Too many large requests at the same time")
    return try writer.writeEarly(answer.with(HTTPField("Retry-After", "1")))
  }

  /// Reads the body and answers; what cannot be read is in the log too, because the client has sent a request.
  private mutating func answer(
    _ reader: inout RequestReader, _ sendsContinue: Bool, _ pacing: Pacing?
  ) throws -> AfterAnswer {
    let body: [UInt8]
    do {
      if head.expectsContinue, sendsContinue, announced ?? 0 <= context.limits.body {
        try writer.sendContinue()
      }
      body = try reader.body(of: head, pacing: pacing)
    } catch {
      let refusal = error as? RequestFailure
      log(refusal?.status)
      guard let refusal else { throw error }
      return try writer.writeEarly(api.refusal(refusal.status, refusal.message))
    }
    entry.bytes = body.count
    return try answer(to: Call(head: head, body: body, time: .now))
  }

  private mutating func answer(to call: Call) throws -> AfterAnswer {
    var prepared = api.prepare(call)
    (entry.service, entry.customer) = (prepared.service, prepared.customer)
    entry.notes = prepared.notes
    if let customer = prepared.customer {
      entry.attempt = context.log.nextAttempt(customer.lowercased())
    }
    let faults = context.faults.selection(entry)
    entry.faults += faults.names
    try writer.connection.pause(milliseconds: faults.latency)
    let date = UTCTime.now.later(by: Double(faults.clockOffset))
    if faults.clockOffset != 0 {
      prepared = api.prepare(Call(head: call.head, body: call.body, time: date))
    }
    let answer = decide(prepared, faults)
    log(faults.wire?.effect.isAnswered ?? true ? answer.status : nil)
    try writer.connection.pause(milliseconds: faults.slowness)
    var writer = writer
    writer.date = date
    guard let (effect, fault) = faults.wire else { return try writer.write(answer) }
    return try effect.write(writer, answer, fault)
  }

  /// The vendor's decision, or the made-up one, with spoiled content where that was asked for.
  private mutating func decide(_ prepared: PreparedCall, _ faults: FaultSelection) -> Answer {
    let reply = faults.carriesOut ? prepared.perform() : nil
    entry.isAccepted = reply?.isAccepted ?? false
    var answer = reply?.answer ?? api.refusal(500, nil)
    if let (decide, fault) = faults.verdict {
      if let code = fault.code, fault.isSuccess, reply != nil {
        // A made-up 2xx keeps the vendor's body: only the status is another.
        answer.status = code
      } else {
        answer = decide(fault, api, prepared)
      }
    }
    guard let (spoil, fault) = faults.content else { return answer }
    return spoil(answer, fault)
  }
}

extension UTCTime {
  static var now: UTCTime { UTCTime(seconds: SystemTime.wall) }
}
