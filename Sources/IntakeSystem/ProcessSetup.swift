import CSystem
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a process that handles identity documents sets up before it reads anything.
public enum ProcessSetup {
  /// Makes files private, forbids core dumps and crash reports, ignores SIGPIPE, allows as many open files as it may,
  /// and returns freed memory to the system.
  ///
  /// Swift's crash report prints 16 bytes at every pointer in a register; a social security number was
  /// seen there. With the default handlers a crash prints nothing.
  public static func harden() {
    occupyStandardStreams()
    umask(0o077)
    for number in [SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGTRAP, SIGQUIT] {
      signal(number, SIG_DFL)
    }
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    csystem_harden()
    csystem_raise_file_limit()
    csystem_return_large_blocks()
  }

  /// Occupies standard streams that came closed (`>&-`), before a file or connection gets their numbers.
  ///
  /// Otherwise messages would be written into the ledger. Writing to a closed standard output still fails, so that
  /// results don't vanish silently; messages go nowhere.
  private static func occupyStandardStreams() {
    for (number, mode) in [(Int32(0), O_WRONLY), (1, O_RDONLY), (2, O_WRONLY)] {
      guard fcntl(number, F_GETFD) < 0, errno == EBADF else { continue }
      // The lowest free number is taken, which is this one.
      _ = open("/dev/null", mode)
    }
  }

  /// Moves standard output to another descriptor and puts standard error in its place.
  public static func takeStandardOutput() -> Int32 {
    let own = fcntl(1, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { return 1 }
    dup2(2, 1)
    return own
  }

  /// Keeps freed memory for the next item; in a process of one thread nothing adds up.
  public static func keepMemory() { csystem_keep_large_blocks() }

  /// Returns free memory to the system, after work that took more than what follows.
  public static func returnFreeMemory() { csystem_return_free_memory() }

  /// Ignores signals that stop all processes of a service, so that whoever started this one decides its end.
  public static func ignoreStops() {
    for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
  }

  /// The names of all variables of the environment.
  public static var variableNames: [String] {
    var names: [String] = []
    var next = csystem_environment()
    while let variable = next?.pointee {
      let text = String(cString: variable)
      names.append(String(text.prefix { $0 != "=" }))
      next = next?.successor()
    }
    return names
  }

  /// The number of this process.
  public static var number: Int32 { getpid() }

  /// The path of the running program, links resolved; nil if it is unknown.
  public static var executablePath: String? {
    // Only Linux has the link; the first word isn't a path if a shell found the program in PATH.
    realPath("/proc/self/exe") ?? CommandLine.arguments.first.flatMap(realPath)
  }

  /// Ends the process at once, without handlers that another thread could trip over.
  public static func exit(with code: Int32) -> Never { _exit(code) }
}

/// Waits for signals on the main thread: SIGINT, SIGTERM and SIGHUP stop the process, SIGUSR1 asks for its progress.
///
/// They are blocked in every thread and taken with `sigwait`, so no system call is ever interrupted. SIGHUP stays
/// ignored under `nohup`; SIGINT counts even behind `&` in a script, where the shell ignores it: whoever sends it means it.
public final class SignalHub: Sendable {
  private struct State {
    var count = 0
    var listener: (@Sendable (_ number: Int32, _ count: Int) -> Void)?
    var answer: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  /// Seconds that an abort may take.
  private static let patience: UInt32 = 10

  /// Blocks the signals in the calling thread and those it starts from now on.
  public init() {
    var set = SignalHub.set
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Calls back at every signal with its number and the count so far; without a listener the process ends.
  public func listen(_ listener: @escaping @Sendable (_ number: Int32, _ count: Int) -> Void) {
    state.withLock { $0.listener = listener }
  }

  /// Calls back whenever somebody asks for the progress; without this, such signals do nothing.
  public func answerQuestions(_ answer: @escaping @Sendable () -> Void) {
    state.withLock { $0.answer = answer }
  }

  /// Waits for signals as long as the process lives.
  public func waitForever() -> Never {
    var set = SignalHub.set
    while true {
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      deliver(number)
    }
  }

  private func deliver(_ number: Int32) {
    if SignalNumber.questions.contains(number) {
      state.withLock(\.answer)?()
      return
    }
    let (listener, count) = state.withLock { state in
      state.count += 1
      return (state.listener, state.count)
    }
    guard let listener, count <= 2 else { ProcessSetup.exit(with: 128 + number) }
    listener(number, count)
    guard count == 2 else { return }
    // The second signal aborts, and what doesn't end in time is ended.
    _ = SystemThread.start {
      sleep(SignalHub.patience)
      ProcessSetup.exit(with: 128 + number)
    }
  }

  private static var set: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    // A blocked signal would be taken although it is ignored.
    let hangup = csystem_is_ignored(SIGHUP) == 0 ? [SIGHUP] : []
    for number in hangup + [SIGINT, SIGTERM] + SignalNumber.questions { sigaddset(&set, number) }
    return set
  }
}

/// The numbers of signals.
public enum SignalNumber {
  /// SIGINT, as Ctrl-C sends it.
  public static let interrupt = SIGINT
  /// SIGKILL.
  public static let kill = SIGKILL
  /// SIGSYS: a system call that a filter forbids.
  public static let forbiddenCall = SIGSYS
  /// SIGXCPU: more processor time than a limit allows.
  public static let processorTime = SIGXCPU

  /// Those that ask for the progress: SIGUSR1, and SIGINFO (Ctrl-T) where there is one.
  #if canImport(Darwin)
    static let questions = [SIGUSR1, SIGINFO]
  #else
    static let questions = [SIGUSR1]
  #endif
}

/// How many processors this process may use.
public enum ProcessorCount {
  /// Those that its affinity allows (`taskset`, cpusets), at most as many as its control groups grant; at least 1.
  public static var usable: Int {
    let allowed = Int(csystem_allowed_processors())
    let present = allowed > 0 ? allowed : sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return max(1, min(present, ControlGroups().processorLimit ?? .max))
  }
}

/// The processor time that control groups grant, which is how containers are limited (`--cpus`, `limits.cpu`).
struct ControlGroups {
  /// The folder that stands for `/`.
  var root = ""

  /// Processors, rounded up, that the strictest of the process's group and those above it grants; nil for no limit.
  var processorLimit: Int? {
    (text("/proc/self/cgroup") ?? "").split(separator: "\n").compactMap(limit(ofLine:)).min()
  }

  /// A line is `number:controllers:path`; version 2 names no controllers.
  private func limit(ofLine line: Substring) -> Int? {
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let controllers = parts[1]
    guard !controllers.isEmpty else { return least(of: parts[2], below: "/sys/fs/cgroup", quota) }
    guard controllers.split(separator: ",").contains("cpu") else { return nil }
    return ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/\(controllers)"].compactMap {
      least(of: parts[2], below: $0, oldQuota)
    }.min()
  }

  /// The least of a group and those above it.
  ///
  /// A container often sees its group as the topmost one, under a path that only exists on the host.
  private func least(of path: Substring, below mount: String, _ limit: (String) -> Int?) -> Int? {
    var path = path
    var found = limit(mount)
    while let slash = path.lastIndex(of: "/") {
      if let here = limit(mount + path) { found = min(found ?? here, here) }
      path = path[..<slash]
    }
    return found
  }

  /// Version 2: `quota period` in microseconds, or `max period`.
  private func quota(_ folder: String) -> Int? {
    let numbers = text(folder + "/cpu.max")?.split { $0 == " " || $0 == "\n" }.map { Int($0) }
    guard let numbers, numbers.count == 2 else { return nil }
    return processors(numbers[0], numbers[1])
  }

  /// Version 1: two files of microseconds; -1 for no limit.
  private func oldQuota(_ folder: String) -> Int? {
    processors(number(folder + "/cpu.cfs_quota_us"), number(folder + "/cpu.cfs_period_us"))
  }

  private func processors(_ quota: Int?, _ period: Int?) -> Int? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return (quota - 1) / period + 1
  }

  private func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.prefix { $0 != "\n" }) }
  }

  /// The beginning of a file; the kernel's files claim to have 0 bytes.
  private func text(_ path: String) -> String? {
    guard let file = try? Descriptor.open(root + path),
      let bytes = try? filled(16_384, by: { room, _ in systemRead(file.number, room) })
    else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
