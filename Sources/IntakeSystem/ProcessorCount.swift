#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How many processors there are to share work.
public enum ProcessorCount {
  /// Those that are switched on; at least 1.
  public static var online: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
