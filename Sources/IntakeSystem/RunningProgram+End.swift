import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How a program ended.
public struct ProgramEnd: Sendable, Equatable, CustomStringConvertible {
  /// The way it ended, as `wait(2)` tells it.
  public enum Status: Sendable, Equatable, CustomStringConvertible {
    /// By itself, with this exit code.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)
    /// Somebody else has reaped it, or it could not be ended.
    case unknown

    /// `ended with exit code 3`.
    public var description: String {
      switch self {
      case .exited(let code): return "ended with exit code \(code)"
      case .signalled(let number): return "was ended by signal \(number)"
      case .unknown: return "ended"
      }
    }
  }

  /// The way it ended.
  public let status: Status
  /// Whether a process that it started left its group and still holds its output.
  public let leftProcessBehind: Bool

  /// `ended with exit code 3`.
  public var description: String { status.description }
}

extension RunningProgram {
  /// Closes its input, waits, ends its whole process group, and reaps it; what it still writes is thrown away.
  ///
  /// - Parameters:
  ///   - patience: seconds it may take to end by itself; 0 for a program that has proved useless.
  ///   - grace: seconds between SIGTERM and SIGKILL.
  public mutating func end(patience: Double = 0, grace: Double = 2) -> ProgramEnd {
    closeInput()
    if !hasEnded(within: patience) {
      kill(-process, SIGTERM)
      _ = hasEnded(within: grace)
    }
    // The group first: as long as the process is not reaped, its number belongs to nobody else. Where
    // somebody else has reaped it (SIGCHLD ignored), the number may be anybody's by now.
    if csystem_has_ended(process) >= 0 { kill(-process, SIGKILL) }
    let status = reaped(within: 5)
    let isHeld = !reachesEnd(within: 0.1)
    for descriptor in [output, errors] { if let descriptor { close(descriptor) } }
    (output, errors) = (nil, nil)
    return ProgramEnd(status: status, leftProcessBehind: isHeld)
  }

  mutating func hasEnded(within seconds: Double) -> Bool {
    let deadline = SystemTime.monotonic + seconds
    while csystem_has_ended(process) == 0 {
      guard SystemTime.monotonic < deadline else { return false }
      discardOutput(milliseconds: 10)
    }
    return true
  }

  private mutating func reaped(within seconds: Double) -> ProgramEnd.Status {
    let deadline = SystemTime.monotonic + seconds
    var status: Int32 = 0
    while true {
      let result = waitpid(process, &status, WNOHANG)
      if result == process {
        // The low seven bits are the signal, the next eight the exit code (wait(2)).
        return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
      }
      if result < 0, errno != EINTR { return .unknown }
      guard SystemTime.monotonic < deadline else { return .unknown }
      discardOutput(milliseconds: 1)
    }
  }

  /// Whether both outputs come to their end, which they do when no process has them any more.
  private mutating func reachesEnd(within seconds: Double) -> Bool {
    let deadline = SystemTime.monotonic + seconds
    while output != nil || errors != nil {
      guard SystemTime.monotonic < deadline else { return false }
      discardOutput(milliseconds: 5)
    }
    return true
  }

  private mutating func discardOutput(milliseconds: UInt32) {
    discardBuffer()
    // With both outputs closed there is nothing to poll, and poll would return at once.
    if output == nil, errors == nil {
      usleep(milliseconds * 1000)
    } else {
      _ = serve(milliseconds: Int32(milliseconds))
    }
  }
}
