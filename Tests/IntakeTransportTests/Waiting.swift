import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Blocks the thread for so long.
func blockFor(milliseconds: Int) throws {
  guard usleep(useconds_t(milliseconds * 1_000)) == 0 else {
    throw SetupFailure(step: "usleep", code: errno)
  }
}

/// Holds threads until the test opens it.
final class Gate: Sendable {
  private let state = Mutex(false)

  var isOpen: Bool { state.withLock { $0 } }

  func open() { state.withLock { $0 = true } }

  func wait() {
    while !isOpen { try? blockFor(milliseconds: 10) }
  }
}
