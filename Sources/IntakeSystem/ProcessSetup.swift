import CSystem
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a process that handles identity documents sets up before it reads anything.
public enum ProcessSetup {
  /// Files for the owner only, no core dumps, no memory in crash reports, no death by closed pipes, no hoarded memory.
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
    csystem_return_large_blocks()
  }

  /// Fills the places of standard streams that came closed (`>&-`), before a file or connection gets their numbers.
  ///
  /// Otherwise messages would be written into the ledger. What is written to a closed standard output still
  /// fails, so that results are not lost without a word; messages go nowhere.
  private static func occupyStandardStreams() {
    for (number, mode) in [(Int32(0), O_WRONLY), (1, O_RDONLY), (2, O_WRONLY)] {
      guard fcntl(number, F_GETFD) < 0, errno == EBADF else { continue }
      // The lowest free number is taken, which is this one: those below are in use by now.
      _ = open("/dev/null", mode)
    }
  }

  /// Moves standard output to a descriptor of its own and lets standard error stand in its place.
  public static func takeStandardOutput() -> Int32 {
    let own = fcntl(1, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { return 1 }
    dup2(2, 1)
    return own
  }

  /// Keeps memory for the next item instead of giving it back: in a process of one thread nothing adds up.
  public static func keepMemory() { csystem_keep_large_blocks() }

  /// Gives memory that is free back to the system, after work that took more of it than what follows will.
  public static func returnFreeMemory() { csystem_return_free_memory() }

  /// Leaves the end to whoever started this process: a stop meant for all of a service's processes passes it by.
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

  /// The path of the running program, links resolved; nil when the system does not say.
  public static var executablePath: String? {
    // The first word is no path where a shell found the program in PATH; only Linux has the link.
    guard let name = CommandLine.arguments.first,
      let path = realpath("/proc/self/exe", nil) ?? realpath(name, nil)
    else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// Ends the process at once, without handlers that another thread could trip over.
  public static func exit(with code: Int32) -> Never { _exit(code) }
}

/// Waits for signals on the main thread and hands them to whoever listens: SIGINT, SIGTERM and SIGHUP, which stop the
/// process, and SIGUSR1, which asks how far it has come.
///
/// The signals are blocked in every thread and taken with `sigwait`, so no system call is ever interrupted.
public final class SignalHub: Sendable {
  private struct State {
    var count = 0
    var listener: (@Sendable (_ number: Int32, _ count: Int) -> Void)?
    var answer: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  /// Seconds that an abort may take before the process ends all the same.
  private static let patience: UInt32 = 10

  /// Blocks the signals in the calling thread and all that it starts from now on.
  public init() {
    var set = SignalHub.set
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Calls back at every signal with its number and how many came before and with it; without a listener the process ends.
  public func listen(_ listener: @escaping @Sendable (_ number: Int32, _ count: Int) -> Void) {
    state.withLock { $0.listener = listener }
  }

  /// Calls back whenever somebody asks how far the process has come; before that, such signals do nothing.
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
    // The second signal aborts: whoever does not come to an end is ended.
    _ = SystemThread.start {
      sleep(SignalHub.patience)
      ProcessSetup.exit(with: 128 + number)
    }
  }

  private static var set: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] + SignalNumber.questions { sigaddset(&set, number) }
    return set
  }
}

/// Signals by the numbers of this system.
public enum SignalNumber {
  /// SIGINT, as Ctrl-C sends it.
  public static let interrupt = SIGINT
  /// SIGKILL.
  public static let kill = SIGKILL
  /// SIGSYS: a system call that a filter forbids.
  public static let forbiddenCall = SIGSYS
  /// SIGXCPU: more processor time than a limit allows.
  public static let processorTime = SIGXCPU

  /// Those that ask how far the process has come: SIGUSR1, and SIGINFO (Ctrl-T) where there is one.
  #if canImport(Darwin)
    static let questions = [SIGUSR1, SIGINFO]
  #else
    static let questions = [SIGUSR1]
  #endif
}
