#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

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
