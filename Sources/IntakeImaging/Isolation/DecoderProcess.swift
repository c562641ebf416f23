public import IntakeCore
import IntakeSystem

/// A process that decodes one picture after the other and owns nothing but the socket it does so over.
struct DecoderProcess: Sendable {
  private let process: ConnectedProcess
  private let limits: DecoderLimits

  /// Seconds from the start to the first word; loading the program takes 0.03 on an idle machine.
  private static let patience = 60.0

  /// Starts a process and returns once it has given up its rights.
  ///
  /// - Parameter program: a program that `DecoderWorker` is part of.
  static func start(_ program: String, _ limits: DecoderLimits) throws(DecodersUnavailable)
    -> DecoderProcess
  {
    let process: ConnectedProcess
    do throws(SystemCallFailure) {
      process = try ConnectedProcess(
        [program] + DecoderWorker.arguments, environment: DecoderWorker.environment)
    } catch {
      throw DecodersUnavailable(reason: error.description)
    }
    do throws(ConnectedProcess.Trouble) {
      let deadline = SystemTime.monotonic + patience
      let bounds = DecoderFrame.Bounds(numbers: 1, blocks: 0, blockBytes: 0)
      let greeting = try DecoderFrame.read(bounds) { (room) throws(ConnectedProcess.Trouble) in
        try process.receive(into: room, until: deadline)
      }
      guard greeting?.numbers == DecoderWorker.greeting.numbers else { throw .ended }
      return DecoderProcess(process: process, limits: limits)
    } catch {
      _ = process.end()
      throw DecodersUnavailable(reason: "a process that decodes ended before it was ready")
    }
  }

  /// Its number for the system.
  var number: Int32 { process.process }

  /// What became of a job that was given to a process.
  enum Answer {
    /// The process did its work; a failure is one of the picture.
    case result(Result<ScanResult, StageFailure>)
    /// The process is gone.
    case death(Death)
  }

  /// Gives a job to the process and waits for the answer; a process that fails at it is ended and gone.
  ///
  /// - Throws: `CancellationError` when the task was cancelled; the process is gone then too.
  func answer(to job: ScanJob, memory: Int) throws(CancellationError) -> Answer {
    do throws(SystemCallFailure) {
      try process.grant(seconds: limits.processorSeconds, bytes: limits.bytes(expecting: memory))
    } catch {
      // Nothing is decoded without limits.
      return .death(Death(process.end(), isOverdue: false))
    }
    do throws(ConnectedProcess.Trouble) {
      let deadline = SystemTime.monotonic + limits.seconds
      try job.frame.write { (bytes) throws(ConnectedProcess.Trouble) in
        try process.send(bytes, until: deadline)
      }
      let answer = try DecoderFrame.read(DecoderAnswer.bounds(for: job)) {
        (room) throws(ConnectedProcess.Trouble) in try process.receive(into: room, until: deadline)
      }
      do throws(StageFailure) {
        if let result = try answer.flatMap({ (frame) throws(StageFailure) in
          try DecoderAnswer.result(frame, to: job)
        }) {
          return .result(.success(result))
        }
      } catch {
        return .result(.failure(error))
      }
      _ = process.end()
      return .death(.babbled)
    } catch {
      let ending = process.end()
      if error == .cancelled { throw CancellationError() }
      return .death(Death(ending, isOverdue: error == .overdue))
    }
  }

  /// Lets the process end, because nobody needs it any more.
  func end() { _ = process.end() }

  /// Why a process is gone.
  enum Death: Equatable {
    /// By this signal, which it brought upon itself.
    case crashed(Int32)
    /// By a system call that it may not make.
    case forbidden
    /// By somebody else: an operator, or the kernel when the machine is out of memory.
    case killed
    /// It ended of its own.
    case left
    /// Its answer cannot be one.
    case babbled
    /// It took more time than it may.
    case timeout
    /// It took more memory than it may.
    case memory

    fileprivate init(_ ending: ConnectedProcess.Ending, isOverdue: Bool) {
      switch ending {
      case _ where isOverdue, .signal(SignalNumber.processorTime): self = .timeout
      case .signal(SignalNumber.kill): self = .killed
      case .signal(SignalNumber.forbiddenCall): self = .forbidden
      case .signal(let number): self = .crashed(number)
      case .outOfMemory: self = .memory
      case .exit: self = .left
      }
    }

    /// Whether another process may do better: this one did nothing wrong.
    var isFromOutside: Bool { self == .killed }

    /// The failure of the picture.
    var failure: StageFailure {
      let what = "the process that decoded the picture "
      switch self {
      case .crashed(let signal):
        return StageFailure(.decoderCrashed, what + "crashed (signal \(signal))")
      case .forbidden:
        return StageFailure(.decoderCrashed, what + "tried what it may not do, and was ended")
      case .killed: return StageFailure(.decoderCrashed, what + "was killed again and again")
      case .left: return StageFailure(.decoderCrashed, what + "ended in the middle")
      case .babbled: return StageFailure(.decoderCrashed, what + "gave an answer that cannot be")
      case .timeout:
        return StageFailure(
          .decoderTimeout,
          what + "took longer than any picture needs")
      case .memory: return StageFailure(.decoderMemory, what + "took more memory than it may")
      }
    }
  }
}

/// What decoding one picture may take.
package struct DecoderLimits: Sendable {
  /// Seconds of processor time: the slowest of 10,000 hostile files took 0.54, and a busy machine stretches none of it.
  package var processorSeconds = 30
  /// Seconds on the clock, for a process that waits instead of working.
  package var seconds = 120.0

  /// The usual limits.
  package init() {}

  /// Bytes of memory: twice what a picture is expected to need, and room for the program itself.
  func bytes(expecting memory: Int) -> Int { 128 << 20 + 2 * memory }
}

/// No process to decode in could be started.
public struct DecodersUnavailable: PrintableError, Sendable {
  /// What the system said.
  public let reason: String
  /// One sentence on it.
  public var description: String { "scans cannot be decoded in processes of their own: \(reason)" }
}
