public import IntakeCore
import IntakeSystem

/// A process that decodes one picture after the other and owns nothing but its socket.
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
      let decoder = DecoderProcess(process: process, limits: limits)
      let greeting = try decoder.receive(bounds, until: deadline)
      guard greeting?.numbers == DecoderWorker.greeting.numbers else { throw .ended }
      return decoder
    } catch {
      _ = process.end()
      throw DecodersUnavailable(reason: "a process that decodes ended before it was ready")
    }
  }

  /// Its number for the system.
  var number: Int32 { process.process }

  /// What became of a job that was given to a process.
  enum Answer {
    /// The process did its work; a failure is the picture's.
    case result(Result<ScanResult, StageFailure>)
    /// The process is gone, and the picture fails with it.
    case lost(StageFailure)
    /// An operator has killed the process, or the kernel for lack of memory; another one may do better.
    case killed
  }

  /// Gives a job to the process and waits for the answer; a process that fails is ended.
  ///
  /// - Throws: `CancellationError` if the task was cancelled; the process is gone then, too.
  func answer(to job: ScanJob, memory: Int) throws(CancellationError) -> Answer {
    do throws(SystemCallFailure) {
      try process.grant(seconds: limits.processorSeconds, bytes: limits.bytes(expecting: memory))
    } catch {
      // Nothing is decoded without limits.
      return Self.loss(process.end())
    }
    do throws(ConnectedProcess.Trouble) {
      let deadline = SystemTime.monotonic + limits.seconds
      try job.frame.write { (bytes) throws(ConnectedProcess.Trouble) in
        try process.send(bytes, until: deadline)
      }
      let answer = try receive(DecoderAnswer.bounds(for: job), until: deadline)
      if let result = answer.flatMap({ DecoderAnswer.result($0, to: job) }) {
        return .result(result)
      }
      _ = process.end()
      return Self.lost(.decoderCrashed, "gave an answer that cannot be")
    } catch {
      let status = process.end()
      if error == .cancelled { throw CancellationError() }
      return error == .overdue ? Self.overtime : Self.loss(status)
    }
  }

  private func receive(_ bounds: DecoderFrame.Bounds, until deadline: Double)
    throws(ConnectedProcess.Trouble) -> DecoderFrame?
  {
    try DecoderFrame.read(bounds) { (room) throws(ConnectedProcess.Trouble) in
      try process.receive(into: room, until: deadline)
    }
  }

  /// Ends the process, because nobody needs it any more.
  func end() { _ = process.end() }

  /// What the end of a process means for its picture.
  private static func loss(_ status: ProgramEnd.Status) -> Answer {
    switch status {
    case .signalled(SignalNumber.kill): .killed
    case .signalled(SignalNumber.processorTime): overtime
    case .signalled(SignalNumber.forbiddenCall):
      lost(.decoderCrashed, "tried what it may not do, and was ended")
    case .exited(Confinement.outOfMemory): lost(.decoderMemory, "took more memory than it may")
    case .signalled(let signal): lost(.decoderCrashed, "crashed (signal \(signal))")
    case .exited(let code) where code > 128:
      lost(.decoderCrashed, "crashed (signal \(code - 128))")
    case .exited, .unknown: lost(.decoderCrashed, "ended in the middle")
    }
  }

  private static var overtime: Answer {
    lost(.decoderTimeout, "took longer than any picture needs")
  }

  private static func lost(_ code: FailureCode, _ what: String) -> Answer {
    .lost(StageFailure(code, "the process that decoded the picture " + what))
  }

  /// The failure of a picture whose processes were killed each time.
  static let killedAgain = StageFailure(
    .decoderCrashed, "the process that decoded the picture was killed again and again")
}

/// What decoding one picture may take.
public struct DecoderLimits: Sendable {
  /// Seconds of processor time, which a busy machine doesn't stretch; the slowest of 10,000 hostile files took 0.54.
  public var processorSeconds = 30
  /// Seconds on the clock, for a process that waits instead of working.
  public var seconds = 120.0

  /// The usual limits.
  public init() {}

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
