#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Wakes a thread that has nothing to do: a pipe, because a thread may block on it and any task may ring.
final class Doorbell: Sendable {
  private let reading: Int32
  private let writing: Int32

  /// Nil when the process has no descriptors left.
  init?() {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    (reading, writing) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  }

  deinit {
    close(reading)
    close(writing)
  }

  /// Wakes the waiting thread, or lets its next wait return at once.
  func ring() {
    var byte: UInt8 = 0
    while write(writing, &byte, 1) < 0, errno == EINTR {}
  }

  /// Returns after at least one ring; several may be answered by one return.
  func wait() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(reading, &bytes, bytes.count) < 0, errno == EINTR {}
  }
}
