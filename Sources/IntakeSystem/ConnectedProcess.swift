import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A process whose only descriptor is a socket to this one, its descriptor 0.
///
/// One thread at a time talks to it, and never for longer than a deadline. Whoever holds a value of this type calls
/// `end` once.
public struct ConnectedProcess: Sendable {
  /// Why it is of no more use: it has `ended`, is `overdue`, or the task was `cancelled`.
  public typealias Trouble = RunningProgram.Trouble

  /// Its process number, which is also the number of its session.
  public let process: Int32
  private let socket: Descriptor

  /// Milliseconds until a cancelled task is noticed.
  private static let turn = 200.0
  /// Bytes asked of the kernel for each direction; by default a megabyte takes five turns of both processes.
  private static let socketBuffer: Int32 = 1 << 20

  /// Starts a program; the starting thread has to outlive the process, which may die with it (`PR_SET_PDEATHSIG` is
  /// about threads).
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
    socket = Descriptor(owning: ends[0])
    _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
    process = try ProgramLaunch(words, environment: environment)
      .start(input: Descriptor(owning: ends[1]))
  }

  /// Allows it so many more seconds of processor time and so many bytes of memory in all.
  ///
  /// - Throws: `SystemCallFailure` if it is gone.
  public func grant(seconds: Int, bytes: Int) throws(SystemCallFailure) {
    guard csystem_grant(process, seconds, Int64(bytes)) == 0 else {
      throw SystemCallFailure("grant memory and time")
    }
  }

  /// Sends all bytes.
  public func send(_ bytes: UnsafeRawBufferPointer, until deadline: Double) throws(Trouble) {
    try move(bytes.count, on: POLLOUT, until: deadline) {
      systemSend(socket.number, UnsafeRawBufferPointer(rebasing: bytes[$0...]))
    }
  }

  /// Fills a room.
  public func receive(into room: UnsafeMutableRawBufferPointer, until deadline: Double)
    throws(Trouble)
  {
    try move(room.count, on: POLLIN, until: deadline) {
      systemRead(socket.number, UnsafeMutableRawBufferPointer(rebasing: room[$0...]))
    }
  }

  /// Moves so many bytes by a call that gets the count so far and moves what it can without waiting.
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
    var wanted = pollfd(fd: socket.number, events: Int16(event), revents: 0)
    _ = poll(&wanted, 1, Int32(min(Self.turn, (left * 1000).rounded(.up))))
  }

  /// Kills the process if it hasn't ended, and reaps it.
  public func end() -> ProgramEnd.Status {
    kill(process, SIGKILL)
    var status: Int32 = 0
    // With SIGCHLD ignored, the system has reaped it.
    while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return .unknown } }
    return ProgramEnd.Status(waitStatus: status)
  }
}

/// Giving up all rights of this process but its memory and one socket.
///
/// In this order: death with the parent, no access for debuggers, no other descriptor, no files, no processes, no new
/// privileges, and a filter that ends the process at any system call beyond `calls`.
public enum Confinement {
  /// Whether this system can do so: Linux on x86-64 or arm64, with seccomp.
  public static var isAvailable: Bool { csystem_can_confine() != 0 }

  /// The names of the system calls that are left.
  public static var calls: [String] {
    String(cString: csystem_confined_calls()).split(separator: " ").map(String.init)
  }

  /// The exit code of a process that got no memory; one that a fault has ended exits with 128 and the signal's number.
  public static let outOfMemory = Int32(csystem_out_of_memory)

  /// Gives everything up for good; descriptor 0 must be the socket of `ConnectedProcess`.
  ///
  /// - Throws: `SystemCallFailure` with some rights gone; the process has to end then.
  public static func enter(parent: Int32) throws(SystemCallFailure) {
    guard csystem_confine(parent) == 0 else { throw SystemCallFailure("give up rights") }
  }

  /// Fills a room from the socket; false if the other end is gone.
  public static func receive(into room: UnsafeMutableRawBufferPointer) -> Bool {
    // An ENOMEM of the last picture would make a fault of the next one look like a lack of memory.
    errno = 0
    var rest = room[...]
    while !rest.isEmpty {
      let count = systemRead(0, UnsafeMutableRawBufferPointer(rebasing: rest))
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Writes everything to the socket; false if the other end is gone.
  public static func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    RawDescriptor.failure(writing: bytes, to: 0) == nil
  }
}
