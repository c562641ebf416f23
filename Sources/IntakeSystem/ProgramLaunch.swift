import CSystem
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program to start: in its own session, with default signals and no more than three descriptors.
public struct ProgramLaunch: Sendable {
  /// The path of the program and its arguments.
  public let words: [String]
  /// Its environment: `NAME=value` each.
  public let environment: [String]
  /// What it may not do; nil for no restrictions.
  public var restrictions: Restrictions?

  /// What a program, and whatever it starts, may not do.
  public struct Restrictions: Sendable, Equatable {
    /// Bytes of memory for each of its processes.
    public var memory: Int
    /// Whether it may create sockets; those it was given stay.
    public var hasNetwork: Bool

    /// In any case it never gains rights by running another program (`no_new_privs`).
    public init(memory: Int, hasNetwork: Bool) {
      (self.memory, self.hasNetwork) = (memory, hasNetwork)
    }
  }

  /// Describes a program; the first word is its path.
  public init(_ words: [String], environment: [String]) {
    self.words = words
    self.environment = environment
  }

  /// The few variables that somebody else's program needs.
  ///
  /// Swift's crash reports are turned off: they show memory, and standard error goes to the log.
  public static func cleanEnvironment(adding more: [String] = []) -> [String] {
    let names: [String] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"]
    var variables = names.compactMap { (name: String) -> String? in
      getenv(name).map { value in "\(name)=\(String(cString: value))" }
    }
    if getenv("PATH") == nil { variables.append("PATH=/usr/local/bin:/usr/bin:/bin") }
    return variables + ["SWIFT_BACKTRACE=enable=no"] + more
  }

  /// Starts it and returns its process number; a missing descriptor is replaced by `/dev/null`.
  ///
  /// - Throws: `SystemCallFailure`: `ENOENT`, `EACCES`, `ENOEXEC` … as the system reports them about the program.
  public func start(
    input: Descriptor? = nil, output: Descriptor? = nil, errors: Descriptor? = nil
  ) throws(SystemCallFailure) -> Int32 {
    guard [input, output, errors].allSatisfy({ $0?.number ?? 0 >= 0 }) else {
      throw SystemCallFailure("start a process", code: EBADF)
    }
    return try start(input?.number ?? -1, output?.number ?? -1, errors?.number ?? -1)
  }

  /// Starts it; a negative number stands for no descriptor.
  private func start(_ input: Int32, _ output: Int32, _ errors: Int32)
    throws(SystemCallFailure) -> Int32
  {
    guard let program = words.first else { throw SystemCallFailure("start a process", code: EBADF) }
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    // Out of memory, `strdup` returns NULL, which would end the command line early.
    guard !arguments.dropLast().contains(nil), !variables.dropLast().contains(nil) else {
      throw SystemCallFailure("start a process", code: ENOMEM)
    }
    let process = csystem_spawn(program, &arguments, &variables, input, output, errors)
    guard process > 0 else { throw SystemCallFailure("start a process") }
    return process
  }

  /// Starts it with pipes at all three descriptors.
  ///
  /// SIGPIPE is ignored from then on: a program may end while it is written to.
  public func startPiped() throws(SystemCallFailure) -> RunningProgram {
    signal(SIGPIPE, SIG_IGN)
    let (input, output, errors) = (try ProgramPipe(), try ProgramPipe(), try ProgramPipe())
    // By number: a thread that is slow to end would keep the program's own ends open here.
    let ends = (input.reader.number, output.writer.number, errors.writer.number)
    let process = try withExtendedLifetime((input, output, errors)) {
      () throws(SystemCallFailure) in
      try restricted { () throws(SystemCallFailure) in try start(ends.0, ends.1, ends.2) }
    }
    return RunningProgram(
      process: process, input: input.writer, output: output.reader, errors: errors.reader)
  }

  /// Starts it from a thread that gives up what the program may not have: a thread never gets rights back, and what it
  /// starts has no more than it has.
  private func restricted(_ start: @escaping @Sendable () throws(SystemCallFailure) -> Int32)
    throws(SystemCallFailure) -> Int32
  {
    guard let restrictions else { return try start() }
    let result = Mutex<Result<Int32, SystemCallFailure>>(
      .failure(SystemCallFailure("start a thread", code: EAGAIN)))
    let isDone = DispatchSemaphore(value: 0)
    let isRunning = SystemThread.start {
      let started = Result { () throws(SystemCallFailure) in
        guard csystem_restrict_thread(restrictions.hasNetwork ? 1 : 0) == 0 else {
          throw SystemCallFailure("take the network away")
        }
        let process = try start()
        // Set from outside: set here, the limit would also bind this process.
        _ = csystem_limit_memory(process, Int64(restrictions.memory))
        return process
      }
      result.withLock { $0 = started }
      isDone.signal()
    }
    if isRunning { isDone.wait() }
    return try result.withLock(\.self).get()
  }

  /// Runs it to its end with `input` to read; after so many seconds its whole process group is ended.
  ///
  /// - Throws: `SystemCallFailure` if it can't be started.
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

/// What a finished program has left.
public struct ProgramOutcome: Sendable {
  /// How it ended.
  public let end: Result<ProgramEnd.Status, RunningProgram.Trouble>
  /// Its standard output, if it ended in time and within the limit.
  public let output: [UInt8]
  /// The beginning of its standard error, at most 4,096 bytes.
  public let errors: [UInt8]
}

/// A pipe to a program, its ends closed on `exec`.
private struct ProgramPipe {
  let reader: Descriptor
  let writer: Descriptor

  /// Bytes asked for instead of 64 KiB; Linux grants unprivileged users up to 1 MiB.
  private static let capacity: Int32 = 1 << 20

  init() throws(SystemCallFailure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemCallFailure("make a pipe") }
    defer { for end in ends { close(end) } }
    reader = try Self.raised(ends[0])
    writer = try Self.raised(ends[1])
    csystem_widen_pipe(writer.number, ProgramPipe.capacity)
  }

  /// If standard descriptors were closed, a pipe gets their numbers and `dup2` would overwrite it.
  private static func raised(_ end: Int32) throws(SystemCallFailure) -> Descriptor {
    Descriptor(owning: try retried("make a pipe") { fcntl(end, F_DUPFD_CLOEXEC, 3) })
  }
}

/// Whether somebody else could change a file, as sshd checks for its keys.
public enum ProgramTrust {
  /// Why a file is not trusted.
  public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public let description: String
    /// The next step.
    public let hint: String
  }

  /// Checks the file and each folder above it, with all links resolved.
  ///
  /// - Parameters:
  ///   - isStarted: whether it is a program, which must be executable.
  ///   - missing: the next step where there is no such file.
  public static func check(
    _ path: String, isStarted: Bool = true, missing: String = "correct the path"
  ) throws(Problem) {
    guard var place = realPath(path) else { throw problem(resolving: errno, missing: missing) }
    try checkFile(place, isStarted: isStarted)
    while place.count > 1 {
      place = DurableFile.folder(of: place)
      try checkFolder(place)
    }
  }

  /// The path with links resolved; unchanged if it leads nowhere.
  public static func resolved(_ path: String) -> String { realPath(path) ?? path }

  /// Whether anybody but this user and the superuser may put files into a folder, sticky or not.
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
    // In a sticky folder, such as /tmp, nobody can replace another user's file.
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

  /// Write permission for the user's own group is fine: on most systems nobody else is in it.
  private static func isOpen(_ status: stat) -> Bool {
    if status.st_mode & 0o002 != 0 { return true }
    return status.st_mode & 0o020 != 0 && status.st_gid != getegid() && status.st_gid != 0
  }

  private static func status(of path: String) throws(Problem) -> stat {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw problem(resolving: errno, missing: "correct the path")
    }
    return status
  }

  private static func problem(resolving code: Int32, missing: String) -> Problem {
    switch code {
    case ENOENT, ENOTDIR:
      return Problem(description: "there is no such file", hint: missing)
    case EACCES:
      return Problem(description: "its folder cannot be entered", hint: "check the permissions")
    default:
      return Problem(description: String(cString: strerror(code)), hint: "correct the path")
    }
  }
}
