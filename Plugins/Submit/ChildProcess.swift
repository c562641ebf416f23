import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program run to its end: in its own session, with a clean environment, and never for longer than agreed.
struct ChildProcess {
  /// How the program ended.
  enum End: Equatable {
    case exited(Int32)
    case signalled(Int32)
    case overrun
    case flooded
  }

  /// What the program left.
  struct Result {
    let end: End
    let output: [UInt8]
    let errors: [UInt8]
  }

  /// Of standard error so much is kept; the rest is read and dropped.
  static let errorLimit = 4096

  private let process: pid_t
  private var output: CapturedPipe
  private var errors: CapturedPipe

  /// Runs `words[0]` with the others as arguments.
  static func run(_ words: [String], outputLimit: Int, patience: Duration) throws(StageFailure)
    -> Result
  {
    var child = try ChildProcess(words)
    let end = child.collect(outputLimit: outputLimit, until: ContinuousClock.now + patience)
    return Result(end: end, output: child.output.content, errors: child.errors.content)
  }

  private init(_ words: [String]) throws(StageFailure) {
    guard let output = CapturedPipe() else { throw .credentials("no descriptor left for a pipe") }
    guard let errors = CapturedPipe() else {
      output.close()
      throw .credentials("no descriptor left for a pipe")
    }
    let names: [String] = ["PATH", "HOME", "LANG"]
    let variables = names.compactMap { (name: String) -> String? in
      getenv(name).map { value in "\(name)=\(String(cString: value))" }
    }
    let result = ProgramLaunch(words, environment: variables)
      .start(output: output.writer, errors: errors.writer)
    output.closeWriter()
    errors.closeWriter()
    guard let process = result else {
      output.close()
      errors.close()
      throw .credentials("\(words.first ?? "") cannot be started")
    }
    (self.process, self.output, self.errors) = (process, output, errors)
  }

  /// Reads until the program has ended, not until its pipes have: a grandchild may hold those open.
  private mutating func collect(outputLimit: Int, until deadline: ContinuousClock.Instant) -> End {
    defer {
      output.close()
      errors.close()
    }
    while true {
      var status: Int32 = 0
      let hasEnded = waitpid(process, &status, WNOHANG) == process
      let isWithin = output.drain(keeping: outputLimit)
      _ = errors.drain(keeping: ChildProcess.errorLimit)
      if hasEnded {
        kill(-process, SIGKILL)
        return isWithin ? ChildProcess.end(of: status) : .flooded
      }
      guard isWithin, ContinuousClock.now < deadline else {
        kill(-process, SIGKILL)
        waitpid(process, &status, 0)
        return isWithin ? .overrun : .flooded
      }
      output.wait(milliseconds: 20, or: errors)
    }
  }

  /// The low seven bits are the signal, the next eight the exit code (wait(2)).
  private static func end(of status: Int32) -> End {
    status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
  }
}
