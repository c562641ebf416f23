#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A thread of our own, for work that blocks.
public enum SystemThread {
  /// Starts a detached thread; false when the system grants none.
  ///
  /// All signals are left to the thread that waits for them (see `SignalHub`).
  public static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Body(run: body))
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    let code = pthread_create(
      &thread, nil,
      { raw in
        #if canImport(Glibc)
          guard let raw else { return nil }
        #endif
        Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      return false
    }
    #if canImport(Glibc)
      pthread_detach(thread)
    #else
      if let thread { pthread_detach(thread) }
    #endif
    return true
  }

  private final class Body {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

/// Time from the kernel.
public enum SystemTime {
  /// Seconds since some start that never jumps; for durations and deadlines.
  public static var monotonic: Double { read(CLOCK_MONOTONIC) }

  /// Seconds since 1970-01-01 00:00 UTC; for records and signatures.
  public static var wall: Double { read(CLOCK_REALTIME) }

  private static func read(_ clock: clockid_t) -> Double {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return 0 }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
