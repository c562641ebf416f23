import IntakeCore
import IntakeSystem

/// One process of the program, from its greeting to its end; used by one thread at a time.
struct ProgramSession: Sendable {
  enum Answer {
    case result(ItemAnswer)
    case pass
    case reject(code: String, detail: String)
  }

  private var program: RunningProgram
  private let maxBytes: Int
  private var settled: String?

  init(_ launch: ProgramLaunch, maxBytes: Int) throws(SystemCallFailure) {
    program = try launch.startPiped()
    // An answer, its line, and a bit of what should not be there.
    program.outputLimit = maxBytes + 2 * ProtocolMessage.lineLimit
    self.maxBytes = maxBytes
  }

  /// Says hello and waits for "ready"; an answer before it is refused, an unknown kind ignored.
  mutating func greet(accepts: String, options: [String: String], within seconds: Double)
    throws(ProgramFault)
  {
    program.send([
      ProtocolMessage.line([
        ("intake", ProtocolMessage.version), ("kind", "hello"), ("accepts", accepts),
        ("options", options),
      ])
    ])
    let deadline = SystemTime.monotonic + seconds
    var message: ProtocolMessage
    repeat {
      message = try next(until: deadline).message
    } while !ProtocolMessage.programKinds.contains(message.kind)
    guard message.kind == "ready" else { throw .violated("a message other than \"ready\" first") }
    guard message.json["intake"]?.integer == ProtocolMessage.version else {
      throw .violated(
        "\"ready\" for another version of the protocol; this program speaks version 1")
    }
    let kinds = message.json["accepts"]?.elements?.compactMap(\.string) ?? []
    guard kinds.contains(accepts) else {
      let named = Sanitizer.clean(kinds.joined(separator: ", "), limit: 100)
      throw .violated("\"ready\" without \"\(accepts)\" in \"accepts\" (it accepts: \(named))")
    }
    try flush(until: deadline)
  }

  /// Sends an item and waits for its answer; returns when the program has read all of it, too.
  mutating func exchange(
    id: String, fields: JSONFields, payload: [[UInt8]], until deadline: Double
  ) throws(ProgramFault) -> Answer {
    program.send([ProtocolMessage.line([("kind", "item"), ("id", id)] + fields)] + payload)
    while true {
      guard let found = try answer(in: try next(until: deadline), to: id) else { continue }
      try flush(until: deadline)
      _ = program.look()
      guard program.bufferedCount == 0 else { throw .violated("more than one answer") }
      settled = id
      return found
    }
  }

  /// Whether it may get an item: alive, listening, and silent since its last answer.
  mutating func isReady() -> Bool {
    program.look() && !program.isDeaf && program.bufferedCount == 0
  }

  mutating func takeErrors() -> (text: [UInt8], dropped: Int) { program.takeErrors() }

  mutating func closeInput() { program.closeInput() }

  /// Ends it and all that it started in its group.
  mutating func end(patience: Double = 0) -> ProgramEnd { program.end(patience: patience) }

  /// Nil for kinds that mean nothing here.
  private func answer(in next: (message: ProtocolMessage, parts: [Int: [UInt8]]), to id: String)
    throws(ProgramFault) -> Answer?
  {
    let message = next.message
    guard message.kind != "ready", ProtocolMessage.programKinds.contains(message.kind) else {
      return nil
    }
    guard message.id == id else {
      if let settled, message.id == settled { throw .lateAnswer }
      throw .violated("an answer with the id of another item")
    }
    switch message.kind {
    case "pass": return .pass
    case "reject":
      return .reject(
        code: Sanitizer.clean(message.json["code"]?.string ?? "rejected", limit: 60),
        detail: Sanitizer.clean(message.json["detail"]?.string ?? "no reason given"))
    default: return .result(ItemAnswer(message: message.json, parts: next.parts))
    }
  }

  private mutating func next(until deadline: Double)
    throws(ProgramFault) -> (message: ProtocolMessage, parts: [Int: [UInt8]])
  {
    let message = try ProtocolMessage(
      line: try wire { program throws(RunningProgram.Trouble) in
        try program.line(limit: ProtocolMessage.lineLimit, until: deadline)
      })
    var parts: [Int: [UInt8]] = [:]
    for part in try message.announced(limit: maxBytes) {
      parts[part.owner] = try wire { program throws(RunningProgram.Trouble) in
        try program.bytes(part.count, until: deadline)
      }
    }
    return (message, parts)
  }

  private mutating func flush(until deadline: Double) throws(ProgramFault) {
    try wire { program throws(RunningProgram.Trouble) in try program.flush(until: deadline) }
  }

  private mutating func wire<Result>(
    _ body: (inout RunningProgram) throws(RunningProgram.Trouble) -> Result
  ) throws(ProgramFault) -> Result {
    do throws(RunningProgram.Trouble) {
      return try body(&program)
    } catch {
      throw ProgramFault(error)
    }
  }
}

/// Why a program failed at an item, or at starting.
enum ProgramFault: Error, Equatable {
  /// It ended, or closed its output, before it had answered.
  case ended
  case overdue
  case cancelled
  /// It broke the protocol; what it wrote, in words.
  case violated(String)
  /// It answered an item that was settled before: the one at hand is not to blame.
  case lateAnswer
  /// It could not be started again; why, in words.
  case unstartable(String)
  case givenUp

  init(_ trouble: RunningProgram.Trouble) {
    switch trouble {
    case .ended: self = .ended
    case .overdue: self = .overdue
    case .cancelled: self = .cancelled
    case .flooded: self = .violated("more output than one answer may have")
    }
  }
}
