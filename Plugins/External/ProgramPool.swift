import Dispatch
import IntakeCore
import IntakeSystem
import Synchronization

/// The processes of one program: one for each item at work, started when needed, kept alive.
final class ProgramPool: Sendable {
  private struct State {
    var idle: [ProgramSession] = []
    var lastID = 0
    /// Faults since the last good answer, over all processes.
    var faults = 0
  }

  /// How often a program is started again after faults in a row before it is given up.
  static let restarts = 3
  /// Seconds a program may take to end by itself once its input is closed.
  static let patience = 2.0

  let options: ExternalOptions
  private let accepts: ItemName
  private let places: DispatchSemaphore
  private let state = Mutex(State())

  init(_ options: ExternalOptions, accepts: ItemName) {
    self.options = options
    self.accepts = accepts
    places = DispatchSemaphore(value: options.processes ?? ProcessorCount.usable)
  }

  deinit { close() }

  /// Starts one process, so that a program that cannot work ends the run before it begins.
  func prepare() throws(StageFailure) {
    let session = try start(.nothing)
    state.withLock { $0.idle.append(session) }
  }

  /// Hands an item to a process and returns the answer.
  func answer(to item: some ItemKind, in context: StageContext) throws -> ProgramSession.Answer {
    while places.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
      try Task.checkCancellation()
    }
    defer { places.signal() }
    do {
      do {
        return try attempt(item, context)
      } catch is ProgramSession.LateAnswer {
        // A second answer to an earlier item, which is settled by now: try again with another process.
        context.log(.warning, "\(options.name) answered an earlier item twice")
        return try attempt(item, context)
      }
    } catch {
      throw failure(error, context.mask)
    }
  }

  /// Ends every idle process; at the end of the run, all are.
  func close() {
    var sessions = state.withLock { state in
      defer { state.idle = [] }
      return state.idle
    }
    for index in sessions.indices { sessions[index].program.closeInput() }
    for index in sessions.indices {
      _ = sessions[index].program.end(patience: ProgramPool.patience)
    }
  }
}

extension ProgramPool {
  private func attempt(
    _ item: some ItemKind, _ context: StageContext
  ) throws -> ProgramSession.Answer {
    var session = try take(context)
    let id = state.withLock { state in
      state.lastID += 1
      return String(state.lastID)
    }
    do {
      let answer = try session.exchange(
        id: id, fields: item.fields(in: context), payload: item.payload,
        until: SystemTime.monotonic + options.timeout)
      log(&session, context)
      session.remember(context)
      state.withLock { state in
        state.faults = 0
        state.idle.append(session)
      }
      return answer
    } catch {
      retire(&session, context)
      if error as? RunningProgram.Trouble != .cancelled { state.withLock { $0.faults += 1 } }
      throw error
    }
  }

  /// An idle process that is fit for an item, or a new one.
  private func take(_ context: StageContext) throws(StageFailure) -> ProgramSession {
    while var session = state.withLock({ $0.idle.popLast() }) {
      if session.isReady() { return session }
      context.log(.notice, "\(options.name) ended or spoke out of turn and is started again")
      retire(&session, context)
    }
    guard state.withLock({ $0.faults <= ProgramPool.restarts }) else {
      throw StageFailure(
        .stageProtocol,
        "\(options.name) failed \(ProgramPool.restarts + 1) times in a row and is given up",
        outcome: .fatal)
    }
    do {
      return try start(context.mask)
    } catch {
      state.withLock { $0.faults += 1 }
      // Not fatal as at the start of the run: the program may be mended by the next item.
      throw StageFailure(.stageProtocol, error.detail)
    }
  }

  private func retire(_ session: inout ProgramSession, _ context: StageContext) {
    let end = session.program.end()
    log(&session, context)
    context.log(.info, "\(options.name) \(end)")
    guard end.leftProcessBehind else { return }
    context.log(.warning, "\(options.name) left a process behind that cannot be ended from here")
  }

  /// Passes on standard error without what the rows hold that it may be about.
  private func log(_ session: inout ProgramSession, _ context: StageContext) {
    let errors = session.program.takeErrors(wholeLines: true)
    guard !errors.text.isEmpty || errors.dropped > 0 else { return }
    let mask = session.earlier.reduce(context.mask) { $0.with($1.mask) }
    for line in lines(of: errors.text, mask, dropped: errors.dropped) {
      context.log(.info, "\(options.name): \(line)")
    }
  }

  /// The file is checked before each start: it may have been changed during the run.
  ///
  /// - Parameter mask: hides what the program may know from items before; the first has seen none.
  private func start(_ mask: TextMask) throws(StageFailure) -> ProgramSession {
    try options.checkFile()
    var launch = ProgramLaunch(
      options.program,
      environment: ProgramLaunch.cleanEnvironment(
        adding: ["DOCINTAKE_PROTOCOL=\(ProtocolMessage.version)"]))
    launch.restrictions = ProgramLaunch.Restrictions(
      memory: options.maxMemory, hasNetwork: options.isolation == .off)
    var session: ProgramSession
    do {
      session = try ProgramSession(launch, maxBytes: options.maxBytes)
    } catch {
      throw options.failure(starting: error)
    }
    do {
      try session.greet(
        accepts: accepts.rawValue, options: options.options, within: options.startTimeout)
      return session
    } catch {
      let end = session.program.end()
      let words = lines(of: session.program.takeErrors().text, mask).last
      throw failure(greeting: error, end, words, mask)
    }
  }

  private func failure(_ error: any Error, _ mask: TextMask) -> any Error {
    let what: String
    let time = "within \(JSONOutput.decimal(options.timeout).text) s"
    switch error {
    case RunningProgram.Trouble.cancelled: return CancellationError()
    case RunningProgram.Trouble.overdue:
      return StageFailure(.stageTimeout, "\(options.name) did not answer \(time)")
    case RunningProgram.Trouble.unfinished(let came, let count):
      return StageFailure(
        .stageTimeout,
        "\(options.name) did not answer whole \(time): \(came) of \(count) bytes came")
    case RunningProgram.Trouble.ended: what = "ended before it had answered"
    case RunningProgram.Trouble.flooded:
      what = "broke the protocol: more output than one answer may have"
    case let broken as BrokenProtocol: what = "broke the protocol: \(broken.text(mask))"
    case is ProgramSession.LateAnswer: what = "answered an item other than the one it was given"
    default: return error
    }
    return StageFailure(.stageProtocol, "\(options.name) \(what)")
  }

  /// What went wrong at the greeting, with the program's last words.
  private func failure(
    greeting error: any Error, _ end: ProgramEnd, _ words: String?, _ mask: TextMask
  ) -> StageFailure {
    let what: String
    switch error {
    case RunningProgram.Trouble.overdue, RunningProgram.Trouble.unfinished:
      what = "did not get ready within \(JSONOutput.decimal(options.startTimeout).text) s"
    case RunningProgram.Trouble.flooded: what = "sent more output than one answer may have"
    case let broken as BrokenProtocol: what = "sent \(broken.text(mask))"
    default: what = "\(end) before it was ready"
    }
    // Most languages say in the last line what went wrong.
    return StageFailure(
      .stageProtocol, "\(options.name) \(what)\(words.map { ": " + $0 } ?? "")",
      hint:
        "run `docintake stages check` on the program; its standard output is for messages only, and "
        + "is flushed after each",
      outcome: .fatal)
  }
}

/// What a program wrote to standard error, as lines that are safe for terminals and logs.
private func lines(of text: [UInt8], _ mask: TextMask, dropped: Int = 0) -> [String] {
  // The most lines that one item may add to the log, and their length: a traceback has about 30.
  let (most, longest) = (200, 500)
  let split = text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
  var lines = split.prefix(most).map {
    // Twice the bytes that can be shown, so that no value is cut before it is found.
    mask.masked(String(decoding: $0.prefix(8 * longest), as: UTF8.self), limit: longest)
  }
  if split.count > most { lines.append("[\(split.count - most) more lines]") }
  if dropped > 0 { lines.append("[\(dropped) more bytes]") }
  return lines
}
