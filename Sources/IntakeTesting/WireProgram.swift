import IntakeCore
import IntakeSystem

/// What went wrong on the wire, in words for the program's author.
struct WireFault: Error {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A program under test, spoken to message by message; knows the wire and nothing of stages.
struct WireProgram {
  /// A message from the program and the bytes that came with its image or body.
  struct Reply {
    let kind: String
    let message: JSONValue
    let bytes: [UInt8]?
  }

  private(set) var program: RunningProgram
  private let patience: Double
  private let lineLimit = 64 << 10
  /// What a plan allows an answer without saying so (`max-bytes`).
  private static let largest = 64 << 20

  init(_ words: [String], patience: Double) throws(WireFault) {
    self.patience = patience
    do throws(SystemCallFailure) {
      let launch = ProgramLaunch(
        words, environment: ProgramLaunch.cleanEnvironment(adding: ["DOCINTAKE_PROTOCOL=1"]))
      program = try launch.startPiped()
    } catch {
      throw WireFault(
        "it cannot be started: \(error.reason); a script needs a #! line that names "
          + "an interpreter of this machine")
    }
  }

  mutating func send(_ message: JSONOutput, _ payload: [UInt8] = []) {
    program.send([Array(message.text.utf8) + [0x0A], payload])
  }

  /// The next message, whatever it is.
  mutating func reply(within seconds: Double? = nil) throws(WireFault) -> Reply {
    let seconds = seconds ?? patience
    let deadline = SystemTime.monotonic + seconds
    do {
      let line = try program.line(limit: lineLimit, until: deadline)
      let message: JSONValue
      do {
        message = try JSONParser.parse(line)
      } catch {
        throw WireFault("it wrote \(WireProgram.shown(line)), which isn't a message")
      }
      let size = (message["image"] ?? message["submission"]?["body"])?["bytes"]?.integer
      if let size, !(0...WireProgram.largest).contains(size) {
        throw WireFault("it announced \(size) bytes; \(WireProgram.largest) are the most")
      }
      let bytes = try size.map { try program.bytes($0, until: deadline) }
      return Reply(kind: message["kind"]?.string ?? "", message: message, bytes: bytes)
    } catch let fault as WireFault {
      throw fault
    } catch {
      throw fault(error, after: seconds)
    }
  }

  /// The next message of a kind that there is; others are ignored, on this side as well.
  mutating func answer(within seconds: Double? = nil) throws(WireFault) -> Reply {
    var reply = try reply(within: seconds)
    while !["result", "pass", "reject", "ready", ""].contains(reply.kind) {
      reply = try self.reply(within: seconds)
    }
    return reply
  }

  /// Waits until the program has taken everything that was sent.
  mutating func flush() throws(WireFault) {
    do {
      try program.flush(until: SystemTime.monotonic + patience)
    } catch {
      throw fault(error, after: patience)
    }
  }

  /// What it writes although nothing was asked: nil when it is silent.
  mutating func stray(within seconds: Double) -> String? {
    let line = try? program.line(limit: lineLimit, until: SystemTime.monotonic + seconds)
    if let line { return WireProgram.shown(line) }
    return program.bufferedCount > 0 ? "\(program.bufferedCount) more bytes" : nil
  }

  /// Closes its input and waits; the seconds it took, nil when it had to be killed.
  mutating func finish(within seconds: Double) -> (end: ProgramEnd, seconds: Double) {
    let start = SystemTime.monotonic
    let end = program.end(patience: seconds, grace: 0.2)
    return (end, SystemTime.monotonic - start)
  }

  /// The last line of standard error, for messages.
  mutating func lastWords() -> String {
    _ = program.look()
    let lines = program.takeErrors().text.split(separator: 0x0A)
    guard let last = lines.last else { return "" }
    return "; it said: " + Sanitizer.clean(String(decoding: last, as: UTF8.self))
  }

  private mutating func fault(_ error: any Error, after seconds: Double) -> WireFault {
    switch error as? RunningProgram.Trouble {
    case .overdue: return WireFault("no answer within \(Int(seconds)) s" + lastWords())
    case .flooded: return WireFault("a line of more than \(lineLimit) bytes")
    default: return WireFault("it ended instead of answering" + lastWords())
    }
  }

  private static func shown(_ bytes: [UInt8]) -> String {
    "\"" + Sanitizer.clean(String(decoding: bytes.prefix(320), as: UTF8.self), limit: 80) + "\""
  }
}
