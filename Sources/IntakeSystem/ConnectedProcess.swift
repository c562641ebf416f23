import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A process that is reached by one socket, its descriptor 0, and owns nothing else from its start.
///
/// One thread at a time talks to it, and never for longer than a deadline. A value of this type stands for a
/// descriptor and a process: whoever holds it calls `end` once.
public struct ConnectedProcess: Sendable {
  /// Its process number, which is also the number of its session.
  public let process: Int32
  private let socket: Int32

  /// Why nothing more can be had from it.
  public enum Trouble: Error, Sendable, Equatable {
    /// It has ended or closed its socket.
    case ended
    /// The deadline has passed.
    case overdue
    /// The task was cancelled.
    case cancelled
  }

  /// How it came to its end.
  public enum Ending: Sendable, Equatable {
    /// By this signal; a fault that it noticed itself counts as one.
    case signal(Int32)
    /// By a fault for lack of memory.
    case outOfMemory
    /// Of its own.
    case exit
  }

  /// A cancelled task is noticed after so many milliseconds.
  private static let turn = 200.0
  /// Asked of the kernel for each direction; by default a megabyte takes five turns of both processes.
  private static let socketBuffer: Int32 = 1 << 20

  /// Starts a program without environment; the starting thread has to live as long as the process, which may die
  /// with it (`PR_SET_PDEATHSIG` is about threads).
  public init(_ words: [String], environment: [String] = []) throws(SystemCallFailure) {
    var ends: [Int32] = [-1, -1]
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemCallFailure("make a socket") }
    var size = Self.socketBuffer
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      for option in [SO_SNDBUF, SO_RCVBUF] {
        setsockopt(end, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<Int32>.size))
      }
    }
    let started = ProgramLaunch(words, environment: environment).start(
      input: ends[1], output: nil, errors: nil)
    let failure = SystemCallFailure("start a process")
    close(ends[1])
    guard let started else {
      close(ends[0])
      throw failure
    }
    (process, socket) = (started, ends[0])
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
  }

  /// Allows the process so many more seconds of processor time and so many bytes of memory in all.
  ///
  /// - Throws: `SystemCallFailure` when it is gone.
  public func grant(seconds: Int, bytes: Int) throws(SystemCallFailure) {
    guard csystem_grant(process, seconds, Int64(bytes)) == 0 else {
      throw SystemCallFailure("grant memory and time")
    }
  }

  /// Sends all bytes.
  public func send(_ bytes: UnsafeRawBufferPointer, until deadline: Double) throws(Trouble) {
    try move(bytes.count, on: POLLOUT, until: deadline) {
      systemSend(socket, UnsafeRawBufferPointer(rebasing: bytes[$0...]))
    }
  }

  /// Fills a room.
  public func receive(into room: UnsafeMutableRawBufferPointer, until deadline: Double)
    throws(Trouble)
  {
    try move(room.count, on: POLLIN, until: deadline) {
      systemRead(socket, UnsafeMutableRawBufferPointer(rebasing: room[$0...]))
    }
  }

  /// Moves so many bytes by a call that is told how many are through, and moves what it can at once.
  private func move(
    _ total: Int, on event: Int32, until deadline: Double, _ call: (_ done: Int) -> Int
  ) throws(Trouble) {
    var done = 0
    while done < total {
      let count = call(done)
      done += max(0, count)
      guard count <= 0 else { continue }
      guard count < 0, errno == EAGAIN || errno == EINTR else { throw .ended }
      try wait(for: event, until: deadline)
    }
  }

  private func wait(for event: Int32, until deadline: Double) throws(Trouble) {
    guard !Task.isCancelled else { throw .cancelled }
    let left = deadline - SystemTime.monotonic
    guard left > 0 else { throw .overdue }
    var wanted = pollfd(fd: socket, events: Int16(event), revents: 0)
    _ = poll(&wanted, 1, Int32(min(Self.turn, (left * 1000).rounded(.up))))
  }

  /// Closes the socket, ends the process where it has not ended, and reaps it.
  ///
  /// - Parameter isUseless: whether it gets no time to end of its own.
  public func end(isUseless: Bool = true) -> Ending {
    close(socket)
    if isUseless { kill(process, SIGKILL) }
    var status: Int32 = 0
    // Somebody else has reaped it where SIGCHLD is ignored.
    while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return .exit } }
    // The low seven bits are the signal, the next eight the exit code (wait(2)).
    guard status & 0x7F == 0 else { return .signal(status & 0x7F) }
    switch status >> 8 & 0xFF {
    case Int32(csystem_out_of_memory): return .outOfMemory
    case let code where code > 128: return .signal(code - 128)
    default: return .exit
    }
  }
}

/// The calling process without rights: its memory, one socket, and nothing else.
///
/// What is set up, in this order: death with the parent, no access for debuggers, no other descriptor, no files, no
/// processes, no new privileges, and a filter that ends the process at any system call beyond `calls`.
public enum Confinement {
  /// Whether this system can do that: Linux on x86-64 or arm64, with seccomp.
  public static var isAvailable: Bool { csystem_can_confine() != 0 }

  /// The names of the system calls that are left.
  public static var calls: [String] {
    String(cString: csystem_confined_calls()).split(separator: " ").map(String.init)
  }

  /// Gives everything up for good; descriptor 0 has to be the socket of `ConnectedProcess`.
  ///
  /// - Throws: `SystemCallFailure`: rights are half gone then, and the process has to end.
  public static func enter(parent: Int32) throws(SystemCallFailure) {
    guard csystem_confine(parent) == 0 else { throw SystemCallFailure("give up rights") }
  }

  /// Fills a room from the socket; false when the other end is gone.
  public static func receive(into room: UnsafeMutableRawBufferPointer) -> Bool {
    // What the last picture left there would pass for a lack of memory at the next one's fault.
    errno = 0
    var rest = room[...]
    while !rest.isEmpty {
      let count = systemRead(0, UnsafeMutableRawBufferPointer(rebasing: rest))
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Writes everything to the socket; false when the other end is gone.
  public static func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = systemWrite(0, UnsafeRawBufferPointer(rebasing: rest))
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
