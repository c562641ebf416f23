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
