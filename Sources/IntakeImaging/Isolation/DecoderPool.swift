import Dispatch
import IntakeCore
import IntakeSystem
import Synchronization

/// Processes that decode foreign bytes for this one: kept alive, replaced when they die, one picture a time each.
///
/// Codecs made while a pool is `current` decode in it; without one they decode in this process.
public final class DecoderPool: Sendable {
  /// The pool for codecs that are made in this task; nil for decoding in this process.
  @TaskLocal public static var current: DecoderPool?

  /// Whether this system can take a process everything but its memory.
  public static var isAvailable: Bool { Confinement.isAvailable }

  private struct State {
    var idle: [DecoderProcess] = []
    /// Processes that are idle, at work or starting.
    var living = 0
    /// Processes at most; fewer once the system grants no more, so that nobody asks for them again and again.
    var width: Int
    /// Threads that wait for a process.
    var waiting = 0
    var isStopping = false
    /// Whether a process has been ready: from then on nothing is decoded in this one.
    var wasReady = false
    var trouble: DecodersUnavailable?
  }

  private let program: String
  private let limits: DecoderLimits
  private let state: Mutex<State>
  private let starts = DispatchSemaphore(value: 0)
  private let changes = DispatchSemaphore(value: 0)
  private let fallBack: (@Sendable (DecodersUnavailable) -> Void)?

  /// Starts the first process, and up to `width` as they are needed.
  ///
  /// Call it before any secret is read, though a process gets neither memory nor environment nor files of this one.
  ///
  /// - Parameter program: a program whose main function is `IntakeCommand.main`; by default the one that runs, even
  ///   if its file was replaced meanwhile.
  /// - Parameter fallBack: called once when not even one process can be had; pictures are then decoded in this
  ///   process. Nil refuses them instead.
  public convenience init(
    width: Int, program: String = "/proc/self/exe",
    fallingBack fallBack: (@Sendable (DecodersUnavailable) -> Void)? = nil
  ) {
    self.init(width: width, program: program, limits: DecoderLimits(), fallingBack: fallBack)
  }

  /// The same with other limits.
  package init(
    width: Int, program: String, limits: DecoderLimits,
    fallingBack fallBack: (@Sendable (DecodersUnavailable) -> Void)? = nil
  ) {
    state = Mutex(State(width: max(1, width)))
    self.program = program
    self.limits = limits
    self.fallBack = fallBack
    // Processes die with the thread that started them, so it is one that stays.
    state.withLock { $0.living = 1 }
    guard SystemThread.start({ self.startProcesses() }) else {
      giveUp(DecodersUnavailable(reason: "the system grants no threads"))
      return
    }
    starts.signal()
  }

  /// Waits until the first process is ready.
  ///
  /// - Throws: `DecodersUnavailable` when there is none to be had.
  public func becomeReady() throws(DecodersUnavailable) { put(back: try take()) }

  /// Whether pictures are decoded in processes of their own, as far as is known.
  public var isInForce: Bool { state.withLock { $0.wasReady || $0.trouble == nil } }

  /// Ends the processes once nobody uses them.
  public func stop() {
    let idle = state.withLock { state in
      state.isStopping = true
      defer { state.idle = [] }
      return state.idle
    }
    for process in idle { process.end() }
    starts.signal()
  }

  /// Does a job in one of the processes; a process that dies is replaced.
  ///
  /// - Parameter memory: bytes that the job is expected to need.
  /// - Throws: `StageFailure` for what is wrong with the picture or became of the process.
  func result(of job: ScanJob, memory: Int) throws -> ScanResult {
    var attempts = 0
    while true {
      attempts += 1
      let process: DecoderProcess
      do throws(DecodersUnavailable) {
        process = try take()
      } catch {
        guard fallBack == nil || state.withLock(\.wasReady) else { return try job.run() }
        throw StageFailure(
          .internalError, error.description,
          hint: "raise the process limit (ulimit -u) or free memory", outcome: .fatal)
      }
      let answer: DecoderProcess.Answer
      do {
        answer = try process.answer(to: job, memory: memory)
      } catch {
        lose()
        throw error
      }
      switch answer {
      case .result(let result):
        put(back: process)
        return try result.get()
      case .death(let death):
        lose()
        guard death.isFromOutside, attempts < Self.mostKills else { throw death.failure }
      }
    }
  }

  // MARK: Processes

  /// The numbers of those that wait for work.
  package var processes: [Int32] { state.withLock { $0.idle.map(\.number) } }

  private enum Turn {
    case process(DecoderProcess)
    case wait
  }

  private func take() throws(DecodersUnavailable) -> DecoderProcess {
    while true {
      let turn = try state.withLock { (state) throws(DecodersUnavailable) -> Turn in
        if let process = state.idle.popLast() { return .process(process) }
        if let trouble = state.trouble, state.living == 0 { throw trouble }
        if state.living < state.width, state.trouble == nil {
          state.living += 1
          starts.signal()
        }
        state.waiting += 1
        return .wait
      }
      if case .process(let process) = turn { return process }
      changes.wait()
    }
  }

  private func put(back process: DecoderProcess) {
    let isWanted = state.withLock { state in
      if !state.isStopping { state.idle.append(process) }
      state.wasReady = true
      wake(&state)
      return !state.isStopping
    }
    if !isWanted { process.end() }
  }

  private func lose() {
    state.withLock { state in
      state.living -= 1
      wake(&state)
    }
  }

  private func wake(_ state: inout State) {
    guard state.waiting > 0 else { return }
    state.waiting -= 1
    changes.signal()
  }

  /// Starts that fail one after the other until no more are tried: one alone may have been killed as it began.
  private static let mostFailures = 3
  /// Processes that a picture may lose to somebody else: to an operator, or to a machine that is out of memory.
  private static let mostKills = 3

  private func startProcesses() {
    var failures = 0
    while true {
      starts.wait()
      if state.withLock(\.isStopping) { return }
      do throws(DecodersUnavailable) {
        put(back: try DecoderProcess.start(program, limits))
        failures = 0
      } catch {
        failures += 1
        if failures < Self.mostFailures { starts.signal() } else { giveUp(error) }
      }
    }
  }

  /// Notes that a process could not be started; with others alive, the pool goes on with those.
  private func giveUp(_ trouble: DecodersUnavailable) {
    let isFirst = state.withLock { state in
      state.living -= 1
      state.width = max(1, state.living)
      if state.living == 0 { state.trouble = trouble }
      return state.living == 0 && !state.wasReady
    }
    // Said before anybody goes on without a process.
    if isFirst { fallBack?(trouble) }
    state.withLock { state in
      while state.waiting > 0 { wake(&state) }
    }
  }
}
