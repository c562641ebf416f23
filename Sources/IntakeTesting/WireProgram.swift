import IntakeCore
import IntakeSystem

/// A program under test, message by message; knows the protocol and nothing of stages.
struct WireProgram {
  /// A message from the program and the bytes that came with its image or body.
  struct Reply {
    let kind: String
    let message: JSONValue
    let bytes: [UInt8]?
  }

  private var program: RunningProgram
  private var result: (end: ProgramEnd, seconds: Double)?
  private let patience: Double
  private static let lineLimit = 64 << 10
  /// The default of `max-bytes`.
  private static let largest = 64 << 20

  init(_ words: [String], patience: Double) throws(BrokenRule) {
    self.patience = patience
    do throws(SystemCallFailure) {
      let launch = ProgramLaunch(
        words, environment: ProgramLaunch.cleanEnvironment(adding: ["DOCINTAKE_PROTOCOL=1"]))
      program = try launch.startPiped()
    } catch {
      throw BrokenRule(
        "it cannot be started: \(error.reason); a script needs a #! line that names "
          + "an interpreter of this machine")
    }
  }

  mutating func send(_ message: JSONOutput, _ payload: [UInt8] = []) {
    program.send([Array(message.text.utf8) + [0x0A], payload])
  }

  /// The next message of a known kind; others are ignored, as hosts do.
  mutating func answer(within seconds: Double? = nil) throws(BrokenRule) -> Reply {
    let seconds = seconds ?? patience
    do {
      var reply: Reply
      repeat {
        reply = try next(until: SystemTime.monotonic + seconds)
      } while !["result", "pass", "reject", "ready", ""].contains(reply.kind)
      return reply
    } catch {
      throw broken(error, after: seconds)
    }
  }

  private mutating func next(until deadline: Double) throws -> Reply {
    let line = try program.line(limit: WireProgram.lineLimit, until: deadline)
    guard let message = try? JSONParser.parse(line) else {
      throw BrokenRule("it wrote \(WireProgram.shown(line)), which isn't a message")
    }
    let size = (message["image"] ?? message["submission"]?["body"])?["bytes"]?.integer
    if let size, !(0...WireProgram.largest).contains(size) {
      throw BrokenRule("it announced \(size) bytes; \(WireProgram.largest) are the most")
    }
    let bytes = try size.map { try program.bytes($0, until: deadline) }
    return Reply(kind: message["kind"]?.string ?? "", message: message, bytes: bytes)
  }

  mutating func flush() throws(BrokenRule) {
    do {
      try program.flush(until: SystemTime.monotonic + patience)
    } catch {
      throw broken(error, after: patience)
    }
  }

  /// What it writes without being asked, nil if it is silent.
  mutating func stray(within seconds: Double) -> String? {
    let deadline = SystemTime.monotonic + seconds
    let line = try? program.line(limit: WireProgram.lineLimit, until: deadline)
    if let line { return WireProgram.shown(line) }
    return program.bufferedCount > 0 ? "\(program.bufferedCount) more bytes" : nil
  }

  /// Closes its input, waits at most so long before killing it, and returns how it ended and after how long.
  @discardableResult
  mutating func finish(within seconds: Double) -> (end: ProgramEnd, seconds: Double) {
    if let result { return result }
    let start = SystemTime.monotonic
    let end = program.end(patience: seconds, grace: 0.2)
    let result = (end, SystemTime.monotonic - start)
    self.result = result
    return result
  }

  /// The last line of standard error, for messages.
  mutating func lastWords() -> String {
    _ = program.look()
    guard let last = program.takeErrors().text.split(separator: 0x0A).last else { return "" }
    return "; it said: " + Sanitizer.clean(String(decoding: last, as: UTF8.self))
  }

  private mutating func broken(_ error: any Error, after seconds: Double) -> BrokenRule {
    switch error {
    case let broken as BrokenRule: broken
    case RunningProgram.Trouble.overdue:
      stall(program.bufferedCount > 0 ? "no end of the line" : "no answer", after: seconds)
    case RunningProgram.Trouble.unfinished(let came, let count):
      stall("\(came) of \(count) bytes came", after: seconds)
    case RunningProgram.Trouble.flooded:
      BrokenRule("a line of more than \(WireProgram.lineLimit) bytes")
    default: BrokenRule("it ended instead of answering" + lastWords())
    }
  }

  private mutating func stall(_ what: String, after seconds: Double) -> BrokenRule {
    BrokenRule(
      "\(what) within \(Int(seconds)) s; flush standard output after each message" + lastWords(),
      isStall: true)
  }

  private static func shown(_ bytes: [UInt8]) -> String {
    "\"" + Sanitizer.clean(String(decoding: bytes.prefix(320), as: UTF8.self), limit: 80) + "\""
  }
}
