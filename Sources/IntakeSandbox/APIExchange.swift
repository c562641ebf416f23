import IntakeCore
import IntakeSystem

struct Call {
  let head: RequestHead
  let body: [UInt8]
  let time: UTCTime
}

/// A request that was read but not carried out yet, so that faults can be chosen by its content.
struct PreparedCall {
  let service: String
  /// The e-mail or CustomerID, nil when there is none.
  let customer: String?
  /// Values that a careless server might repeat in its messages.
  var confidential: [String] = []
  var notes: [String] = []
  let perform: () throws(RequestFailure) -> Answer
}

protocol VendorAPI: Sendable {
  func prepare(_ call: Call) -> PreparedCall

  /// The failure in the vendor's form.
  func refusal(_ failure: RequestFailure) -> Answer
}

extension VendorAPI {
  func refusal(_ status: Int, _ message: String? = nil) -> Answer {
    refusal(RequestFailure(status, message))
  }
}

/// One request to one of the APIs, from its header to its answer, with the faults that apply to it.
struct APIExchange {
  let context: ServerContext
  let head: RequestHead
  let api: any VendorAPI
  let connection: Connection
  var entry: LoggedRequest
  /// Whether a client that waits for `100 Continue` gets one.
  var sendsContinue = true
  var pacing: Pacing?
  /// Milliseconds to wait before the request is carried out.
  var latency = 0
  /// Milliseconds to wait before the answer.
  var slowness = 0
  /// Seconds by which the clock is ahead.
  var clockOffset = 0
  var answer = Answer(500)

  /// The request, once its body is read.
  private(set) var call = PreparedCall(service: "", customer: nil) { Answer(500) }
  /// Whether the request has reached the vendor's code.
  private(set) var isCarriedOut = false

  /// What follows a complete answer.
  var after: AfterAnswer { head.keepsAlive ? .wait(connection.limits.idle) : .close }

  /// Serves the request, which is in the log before the answer is sent.
  mutating func serve(_ reader: inout RequestReader) throws -> AfterAnswer {
    if let after = try act(in: .opening, chosenFaults(in: [.opening])) { return after }
    let size = min(announced ?? .max, context.configuration.limits.body)
    guard context.bodies.take(size) else { return try refuseForMemory() }
    defer { context.bodies.putBack(size) }
    return try answer(&reader)
  }

  /// Logs the request with the status of its answer, nil for none.
  func log(_ status: Int?) {
    var entry = entry
    entry.status = status
    context.log.add(entry)
  }

  /// Sends bytes in place of a proper answer.
  func send(_ bytes: [UInt8], then: AfterAnswer) throws -> AfterAnswer {
    try connection.write(bytes)
    return then
  }

  /// The size of the body, if the header gives it.
  private var announced: Int? { if case .length(let length) = head.framing { length } else { nil } }

  private func refuseForMemory() throws -> AfterAnswer {
    log(503)
    let answer = api.refusal(503, "Too many large requests at the same time")
    return try connection.answerEarly(answer.with("Retry-After", "1"))
  }

  /// Reads the body and answers; a request that cannot be read is logged, too.
  private mutating func answer(_ reader: inout RequestReader) throws -> AfterAnswer {
    let body: [UInt8]
    do {
      if head.expectsContinue, sendsContinue, announced ?? 0 <= context.configuration.limits.body {
        try connection.sendContinue()
      }
      body = try reader.body(of: head, pacing: pacing)
    } catch {
      let refusal = error as? RequestFailure
      log(refusal?.status)
      guard let refusal else { throw error }
      return try connection.answerEarly(api.refusal(refusal))
    }
    entry.bytes = body.count
    return try answer(to: Call(head: head, body: body, time: .now))
  }

  private mutating func answer(to received: Call) throws -> AfterAnswer {
    call = api.prepare(received)
    (entry.service, entry.customer, entry.notes) = (call.service, call.customer, call.notes)
    if let customer = call.customer {
      entry.attempt = context.log.nextAttempt(customer.lowercased())
    }
    let faults = chosenFaults(in: [.timing, .verdict, .content, .wire])
    _ = try act(in: .timing, faults)
    try connection.pause(milliseconds: latency)
    let time = UTCTime.now.later(by: Double(clockOffset))
    if clockOffset != 0 {
      call = api.prepare(Call(head: received.head, body: received.body, time: time))
    }
    isCarriedOut = faults.allSatisfy(\.carriesOut)
    if isCarriedOut { carryOut() }
    _ = try act(in: .verdict, faults)
    _ = try act(in: .content, faults)
    answer.date = time
    log(faults.allSatisfy(\.effect.answers) ? answer.status : nil)
    try connection.pause(milliseconds: slowness)
    return try act(in: .wire, faults) ?? connection.answer(answer, keepsAlive: head.keepsAlive)
  }

  private mutating func carryOut() {
    do throws(RequestFailure) {
      answer = try call.perform()
    } catch {
      answer = api.refusal(error)
    }
    entry.isAccepted = answer.isAccepted
  }

  /// The first fault of each phase that applies to the request, and all those in time; they go into the log.
  private mutating func chosenFaults(in phases: Set<FaultEffect.Phase>) -> [Fault] {
    var chosen: [Fault] = []
    for fault in context.configuration.faults {
      let phase = fault.effect.phase
      let isTaken = phase != .timing && chosen.contains { $0.effect.phase == phase }
      if phases.contains(phase), !isTaken, fault.applies(to: entry) { chosen.append(fault) }
    }
    entry.faults += chosen.map(\.description)
    return chosen
  }

  private mutating func act(
    in phase: FaultEffect.Phase, _ faults: [Fault]
  ) throws -> AfterAnswer? {
    for fault in faults where fault.effect.phase == phase {
      if let after = try fault.effect.act(&self, fault) { return after }
    }
    return nil
  }
}

extension UTCTime {
  static var now: UTCTime { UTCTime(seconds: SystemTime.wall) }
}
