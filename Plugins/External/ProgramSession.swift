import IntakeCore
import IntakeSystem

/// One process of the program, from its greeting to its end; used by one thread at a time.
struct ProgramSession: Sendable {
  enum Answer {
    case result(ProtocolMessage)
    case pass
    /// The program's own words, which may repeat what the item holds.
    case reject(String)
  }

  /// An answer to an item that was settled before, so the item at hand is not to blame.
  struct LateAnswer: Error {}

  var program: RunningProgram
  private let maxBytes: Int
  /// The id of the last item that was answered.
  private var settled: String?
  /// The last items that were answered: what comes late on standard error is about them.
  private(set) var earlier: [StageContext] = []

  init(_ launch: ProgramLaunch, maxBytes: Int) throws(SystemCallFailure) {
    program = try launch.startPiped()
    // An answer, its line, and a bit that should not be there.
    program.outputLimit = maxBytes + 2 * ProtocolMessage.lineLimit
    self.maxBytes = maxBytes
  }

  /// Says hello and waits for "ready"; refuses an answer before it, ignores unknown kinds.
  mutating func greet(accepts: String, options: [String: String], within seconds: Double) throws {
    program.send([
      ProtocolMessage.line([
        ("intake", ProtocolMessage.version), ("kind", "hello"), ("accepts", accepts),
        ("options", options),
      ])
    ])
    let deadline = SystemTime.monotonic + seconds
    var message: ProtocolMessage
    repeat {
      message = try next(until: deadline)
    } while !ProtocolMessage.programKinds.contains(message.kind)
    guard message.kind == "ready" else {
      throw BrokenProtocol("a message other than \"ready\" first")
    }
    guard message.json["intake"]?.integer == ProtocolMessage.version else {
      throw BrokenProtocol(
        "\"ready\" for another version of the protocol; this program speaks version 1")
    }
    let kinds = message.json["accepts"]?.elements?.compactMap(\.string) ?? []
    guard kinds.contains(accepts) else {
      let named = Sanitizer.clean(kinds.joined(separator: ", "), limit: 100)
      throw BrokenProtocol(
        "\"ready\" without \"\(accepts)\" in \"accepts\" (it accepts: \(named))")
    }
    try program.flush(until: deadline)
  }

  /// Sends an item and waits for its answer, and until the program has read the whole item.
  mutating func exchange(
    id: String, fields: JSONFields, payload: [[UInt8]], until deadline: Double
  ) throws -> Answer {
    program.send([ProtocolMessage.line([("kind", "item"), ("id", id)] + fields)] + payload)
    while true {
      guard let found = try answer(in: next(until: deadline), to: id) else { continue }
      try program.flush(until: deadline)
      _ = program.look()
      guard program.bufferedCount == 0 else { throw BrokenProtocol("more than one answer") }
      settled = id
      return found
    }
  }

  /// Remembers an item that was answered; front and back of two rows.
  mutating func remember(_ context: StageContext) { earlier = earlier.suffix(3) + [context] }

  /// Whether it can get an item: alive, listening, and silent since its last answer.
  mutating func isReady() -> Bool {
    program.look() && !program.isDeaf && program.bufferedCount == 0
  }

  /// Nil for kinds without a meaning here.
  private func answer(in message: ProtocolMessage, to id: String) throws -> Answer? {
    guard message.kind != "ready", ProtocolMessage.programKinds.contains(message.kind) else {
      return nil
    }
    guard message.id == id else {
      if let settled, message.id == settled { throw LateAnswer() }
      throw BrokenProtocol("an answer with the id of another item")
    }
    switch message.kind {
    case "pass": return .pass
    case "reject":
      let code = message.json["code"]?.string ?? "rejected"
      return .reject(code + ": " + (message.json["detail"]?.string ?? "no reason given"))
    default: return .result(message)
    }
  }

  private mutating func next(until deadline: Double) throws -> ProtocolMessage {
    var message = try ProtocolMessage(
      line: program.line(limit: ProtocolMessage.lineLimit, until: deadline))
    for part in try message.announced(limit: maxBytes) {
      message.parts[part.owner] = try program.bytes(part.count, until: deadline)
    }
    return message
  }
}
