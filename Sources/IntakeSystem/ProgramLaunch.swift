import CSystem
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program about to start: in its own session, with default signals and only three descriptors.
public struct ProgramLaunch: Sendable {
  /// The path of the program and its arguments.
  public let words: [String]
  /// `NAME=value` for every variable that the program sees.
  public let environment: [String]
  /// What it may not do; by default nothing is taken from it.
  public var restrictions: Restrictions?

  /// Rights that a program does not get, nor whatever it starts.
  public struct Restrictions: Sendable, Equatable {
    /// Bytes of memory for each of its processes.
    public var memory: Int
    /// Whether it may make sockets; those that it is handed stay.
    public var hasNetwork: Bool

    /// Besides these, it never gains rights by running another program (`no_new_privs`).
    public init(memory: Int, hasNetwork: Bool) {
      (self.memory, self.hasNetwork) = (memory, hasNetwork)
    }
  }

  /// Describes a program; the first word is its path.
  public init(_ words: [String], environment: [String]) {
    self.words = words
    self.environment = environment
  }

  /// `NAME=value` for the few variables that a program of somebody else's needs, and nothing more.
  ///
  /// A crash report of Swift shows memory, and standard error becomes log lines, so it is turned off.
  public static func cleanEnvironment(adding more: [String] = []) -> [String] {
    let names: [String] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"]
    var variables = names.compactMap { (name: String) -> String? in
      getenv(name).map { value in "\(name)=\(String(cString: value))" }
    }
    if getenv("PATH") == nil { variables.append("PATH=/usr/local/bin:/usr/bin:/bin") }
    return variables + ["SWIFT_BACKTRACE=enable=no"] + more
  }

  /// Starts it and returns its process number, nil (with `errno`) when it cannot be started.
  ///
  /// - Parameters:
  ///   - input: standard input; nil for an empty one.
  ///   - output: standard output; nil for none, as with `errors`.
  public func start(input: Int32? = nil, output: Int32?, errors: Int32?) -> Int32? {
    guard let program = words.first else { return nil }
    // A number that is none by mistake must not pass for nil.
    guard [input, output, errors].allSatisfy({ $0 ?? 0 >= 0 }) else {
      errno = EBADF
      return nil
    }
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    // A text without memory would end the list early, and the program would see another command line.
    guard !arguments.dropLast().contains(nil), !variables.dropLast().contains(nil) else {
      errno = ENOMEM
      return nil
    }
    let process = csystem_spawn(
      program, &arguments, &variables, input ?? -1, output ?? -1, errors ?? -1)
    return process > 0 ? process : nil
  }

  /// Starts it with pipes at all three descriptors.
  ///
  /// From then on a closed pipe ends no thread of this process (SIGPIPE is ignored): a program may go away
  /// while it is written to.
  ///
  /// - Throws: `SystemCallFailure`: `ENOENT`, `EACCES`, `ENOEXEC` … as the system reports them about the program.
  public func startPiped() throws(SystemCallFailure) -> RunningProgram {
    signal(SIGPIPE, SIG_IGN)
    let pipes = try ProgramPipe.three()
    let (input, output, errors) = (pipes[0], pipes[1], pipes[2])
    let started = restricted {
      start(input: input.reader, output: output.writer, errors: errors.writer)
    }
    for end in [input.reader, output.writer, errors.writer] { close(end) }
    do {
      return RunningProgram(
        process: try started.get(), input: input.writer, output: output.reader,
        errors: errors.reader)
    } catch {
      for end in [input.writer, output.reader, errors.reader] { close(end) }
      throw error
    }
  }

  /// Starts it from a thread that has given up what the program may not have, and ends there: rights that a thread
  /// has given up never come back, and pass to what it starts.
  private func restricted(_ start: @escaping @Sendable () -> Int32?) -> Result<
    Int32, SystemCallFailure
  > {
    guard let restrictions else {
      return start().map { .success($0) } ?? .failure(SystemCallFailure("start"))
    }
    let result = Mutex<Result<Int32, SystemCallFailure>>(
      .failure(SystemCallFailure("start a thread", code: EAGAIN)))
    let isDone = DispatchSemaphore(value: 0)
    let isRunning = SystemThread.start {
      defer { isDone.signal() }
      guard csystem_restrict_thread(restrictions.hasNetwork ? 1 : 0) == 0 else {
        return result.withLock { $0 = .failure(SystemCallFailure("take the network away")) }
      }
      guard let process = start() else {
        return result.withLock { $0 = .failure(SystemCallFailure("start")) }
      }
      // Set from here, because a limit of this process would bind this process.
      _ = csystem_limit_memory(process, Int64(restrictions.memory))
      result.withLock { $0 = .success(process) }
    }
    if isRunning { isDone.wait() }
    return result.withLock(\.self)
  }

  /// Runs it to its end, with `input` to read, for so many seconds at most; its whole group is ended then.
  ///
  /// Its end is reported by the process and not by its pipes, which a grandchild may hold open.
  ///
  /// - Throws: `SystemCallFailure` when it cannot be started.
  public func run(input: [UInt8] = [], outputLimit: Int, seconds: Double)
    throws(SystemCallFailure) -> ProgramOutcome
  {
    var program = try startPiped()
    program.errorLimit = 4096
    let deadline = SystemTime.monotonic + seconds
    do throws(RunningProgram.Trouble) {
      if !input.isEmpty {
        program.send([input])
        try program.flush(until: deadline)
      }
      program.closeInput()
      let output = try program.everything(limit: outputLimit, until: deadline)
      // It may have closed its output long before its end.
      let isLate = !program.hasEnded(within: deadline - SystemTime.monotonic)
      let status = program.end(grace: 0).status
      return ProgramOutcome(
        end: isLate ? .failure(.overdue) : .success(status), output: output,
        errors: program.takeErrors().text)
    } catch {
      _ = program.end(grace: 0)
      return ProgramOutcome(end: .failure(error), output: [], errors: program.takeErrors().text)
    }
  }
}

/// What a program left that was run to its end.
public struct ProgramOutcome: Sendable {
  /// How it ended.
  public let end: Result<ProgramEnd.Status, RunningProgram.Trouble>
  /// Its standard output, where it ended in time and within the limit.
  public let output: [UInt8]
  /// The beginning of its standard error, at most 4,096 bytes.
  public let errors: [UInt8]
}

/// A pipe to a program: both ends closed on `exec`, and above the three standard descriptors.
private struct ProgramPipe {
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
      for end in pipes.flatMap({ [$0.reader, $0.writer] }) { close(end) }
      throw error
    }
    return pipes
  }
}

/// Whether a program's file can be changed by somebody else, as sshd asks of its keys.
public enum ProgramTrust {
  /// Why a file is not started.
  public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public let description: String
    /// The next step.
    public let hint: String
  }

  /// Looks at the file, and at each folder above it, after all links have been followed.
  ///
  /// - Parameter isStarted: whether it is a program, which has to be executable.
  public static func check(_ path: String, isStarted: Bool = true) throws(Problem) {
    guard let real = realpath(path, nil) else { throw problem(resolving: errno) }
    defer { free(real) }
    var place = String(cString: real)
    try checkFile(place, isStarted: isStarted)
    while place.count > 1 {
      place = DurableFile.folder(of: place)
      try checkFolder(place)
    }
  }

  /// The path without links, itself where it leads nowhere.
  public static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// Whether others than this user and the superuser may put files into a folder, sticky or not.
  public static func isOpenToOthers(_ folder: String) -> Bool {
    var status = stat()
    guard stat(folder, &status) == 0 else { return true }
    return isOpen(status) || (status.st_uid != 0 && status.st_uid != geteuid())
  }

  private static func checkFile(_ path: String, isStarted: Bool) throws(Problem) {
    let status = try status(of: path)
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Problem(description: "it isn't a regular file", hint: "name the file itself")
    }
    guard !isStarted || access(path, X_OK) == 0 else {
      throw Problem(description: "it is not executable", hint: "chmod +x the file")
    }
    try checkOwner(status, "it")
    guard !isOpen(status) else {
      throw Problem(description: "others may write to it", hint: "chmod go-w the file")
    }
  }

  private static func checkFolder(_ path: String) throws(Problem) {
    let status = try status(of: path)
    try checkOwner(status, "a folder above it")
    // In a sticky folder, such as /tmp, nobody can put another file in the place of ours.
    guard !isOpen(status) || status.st_mode & S_ISVTX != 0 else {
      throw Problem(
        description: "others may write to a folder above it",
        hint: "chmod go-w that folder, or move the file")
    }
  }

  private static func checkOwner(_ status: stat, _ what: String) throws(Problem) {
    guard status.st_uid == 0 || status.st_uid == geteuid() else {
      throw Problem(
        description: "\(what) belongs to another user",
        hint: "make it yours (chown), or run as its owner")
    }
  }

  /// A user's own group has no other member on most systems, where new files are writable for it.
  private static func isOpen(_ status: stat) -> Bool {
    if status.st_mode & 0o002 != 0 { return true }
    return status.st_mode & 0o020 != 0 && status.st_gid != getegid() && status.st_gid != 0
  }

  private static func status(of path: String) throws(Problem) -> stat {
    var status = stat()
    guard stat(path, &status) == 0 else { throw problem(resolving: errno) }
    return status
  }

  private static func problem(resolving code: Int32) -> Problem {
    switch code {
    case ENOENT, ENOTDIR:
      return Problem(
        description: "there is no such file",
        hint: "correct \"program\"; a relative path starts at the plan's folder")
    case EACCES:
      return Problem(description: "its folder cannot be entered", hint: "check the permissions")
    default:
      return Problem(description: String(cString: strerror(code)), hint: "correct the path")
    }
  }
}
