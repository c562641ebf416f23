import Dispatch
import IntakeCore
import IntakeSystem
import Synchronization

/// Processes that decode foreign bytes, one picture at a time each; those that die are replaced.
///
/// Codecs that are made while a pool is `current` decode in it, others in this process.
public final class DecoderPool: Sendable {
  /// The pool for codecs that are made in this task; nil to decode in this process.
  @TaskLocal public static var current: DecoderPool?

  /// Whether this system can take away everything but its memory from a process.
  public static var isAvailable: Bool { Confinement.isAvailable }

  private struct State {
    var idle: [DecoderProcess] = []
    /// Processes that are idle, at work or starting.
    var living = 0
    /// Processes at most; lowered once the system grants no more, so that nobody asks again and again.
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
  /// - Parameters:
  ///   - program: a program whose main function is `IntakeCommand.main`; by default the one that runs, even if its file
  ///     has been replaced.
  ///   - fallBack: called once when no process can be started; pictures are then decoded in this process. Nil refuses
  ///     them instead.
  public init(
    width: Int, program: String = "/proc/self/exe", limits: DecoderLimits = DecoderLimits(),
    fallingBack fallBack: (@Sendable (DecodersUnavailable) -> Void)? = nil
  ) {
    state = Mutex(State(width: max(1, width)))
    self.program = program
    self.limits = limits
    self.fallBack = fallBack
    // Processes die with the thread that started them, so this one stays.
    state.withLock { $0.living = 1 }
    guard SystemThread.start({ self.startProcesses() }) else {
      giveUp(DecodersUnavailable(reason: "the system grants no threads"))
      return
    }
    starts.signal()
  }

  /// Waits until the first process is ready.
  ///
  /// - Throws: `DecodersUnavailable` if none can be started.
  public func becomeReady() throws(DecodersUnavailable) { put(back: try take()) }

  /// Whether pictures are decoded in other processes, as far as is known.
  public var isInForce: Bool { state.withLock { $0.wasReady || $0.trouble == nil } }

  /// Ends the processes once they are idle.
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
  /// - Throws: `StageFailure` for what is wrong with the picture, or happened to the process.
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
      case .lost(let failure):
        lose()
        throw failure
      case .killed:
        lose()
        guard attempts < Self.mostKills else { throw DecoderProcess.killedAgain }
      }
    }
  }

  // MARK: Processes

  /// The numbers of the idle processes.
  package var processes: [Int32] { state.withLock { $0.idle.map(\.number) } }

  private func take() throws(DecodersUnavailable) -> DecoderProcess {
    while true {
      let process = try state.withLock { (state) throws(DecodersUnavailable) -> DecoderProcess? in
        if let process = state.idle.popLast() { return process }
        if let trouble = state.trouble, state.living == 0 { throw trouble }
        if state.living < state.width, state.trouble == nil {
          state.living += 1
          starts.signal()
        }
        state.waiting += 1
        return nil
      }
      if let process { return process }
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

  /// Failures in a row after which no more starts are tried; a single one may have been killed early.
  private static let mostFailures = 3
  /// Times that a picture is tried when operators, or the kernel for lack of memory, kill its process.
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

  /// Notes that a process can't be started; the pool goes on with those that are alive.
  private func giveUp(_ trouble: DecodersUnavailable) {
    let isFirst = state.withLock { state in
      state.living -= 1
      state.width = max(1, state.living)
      if state.living == 0 { state.trouble = trouble }
      return state.living == 0 && !state.wasReady
    }
    // Reported before anybody goes on without a process.
    if isFirst { fallBack?(trouble) }
    state.withLock { state in
      while state.waiting > 0 { wake(&state) }
    }
  }
}
