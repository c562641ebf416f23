#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One output of a child process: the pipe and what has come through it.
struct CapturedPipe {
  let reader: Int32
  let writer: Int32
  private(set) var content: [UInt8] = []
  private var hasEnded = false

  init?() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    (reader, writer) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
  }

  func closeWriter() { _ = closeDescriptor(writer) }

  func close() { _ = closeDescriptor(reader) }

  /// Takes what is there; false when it is more than may be kept.
  mutating func drain(keeping limit: Int) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while content.count <= limit {
      let count = read(reader, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      hasEnded = hasEnded || count == 0
      guard count > 0 else { return true }
      content += buffer.prefix(count)
    }
    content.removeLast(content.count - limit)
    return false
  }

  /// Waits for bytes on either pipe, at most so long.
  func wait(milliseconds: Int32, or other: CapturedPipe) {
    // An ended pipe is always ready; a negative descriptor is passed over.
    var ready = [self, other].map {
      pollfd(fd: $0.hasEnded ? -1 : $0.reader, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&ready, nfds_t(ready.count), milliseconds)
  }
}

private func closeDescriptor(_ number: Int32) -> Int32 { close(number) }
