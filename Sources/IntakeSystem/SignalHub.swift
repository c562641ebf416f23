import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Waits for SIGINT, SIGTERM and SIGHUP on the main thread and hands them to whoever listens.
///
/// The signals are blocked in every thread and taken with `sigwait`, so no system call is ever interrupted.
public final class SignalHub: Sendable {
  private struct State {
    var count = 0
    var listener: (@Sendable (_ number: Int32, _ count: Int) -> Void)?
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
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    return set
  }
}
