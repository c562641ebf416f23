import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A pipe to a program: both ends closed on `exec`, and above the three standard descriptors.
struct ProgramPipe {
  let reader: Int32
  let writer: Int32

  /// What is asked of the kernel instead of 64 KiB; an unprivileged user may have 1 MiB a pipe on Linux.
  private static let capacity: Int32 = 1 << 20

  init() throws(SystemCallFailure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemCallFailure("make a pipe") }
    let raised = ends.map(ProgramPipe.raised)
    guard raised.allSatisfy({ $0 >= 0 }) else {
      let failure = SystemCallFailure("make a pipe")
      for end in raised where end >= 0 { close(end) }
      throw failure
    }
    (reader, writer) = (raised[0], raised[1])
    csystem_widen_pipe(writer, ProgramPipe.capacity)
  }

  /// Where standard descriptors were closed, a pipe gets their numbers; `dup2` would then overwrite the pipe.
  private static func raised(_ end: Int32) -> Int32 {
    guard end < 3 else {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      return end
    }
    defer { close(end) }
    return fcntl(end, F_DUPFD_CLOEXEC, 3)
  }

  /// Three pipes, or none.
  static func three() throws(SystemCallFailure) -> [ProgramPipe] {
    var pipes: [ProgramPipe] = []
    do throws(SystemCallFailure) {
      for _ in 0..<3 { pipes.append(try ProgramPipe()) }
    } catch {
      for pipe in pipes { pipe.closeBoth() }
      throw error
    }
    return pipes
  }

  func closeBoth() {
    close(reader)
    close(writer)
  }

  static func makeNonblocking(_ end: Int32) { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
}
