import IntakeSystem

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The other side closed or reset the connection, a deadline passed, or the server is stopping.
struct Disconnected: Error {}

/// One accepted TCP connection: blocking reads and writes with deadlines, and the ways to end badly.
struct Connection: Sendable {
  /// The socket; only the server closes it.
  let descriptor: Int32
  /// Counts the accepted connections from 1.
  let number: Int
  let limits: ServerLimits

  #if canImport(Darwin)
    private static let noSignal: Int32 = 0
  #else
    private static let noSignal = Int32(MSG_NOSIGNAL)
  #endif

  /// Appends at most `most` bytes to `buffer` as soon as there are any; returns how many, 0 at the end.
  func receive(_ most: Int, into buffer: inout [UInt8], before deadline: Deadline) throws -> Int {
    try withUnsafeTemporaryAllocation(byteCount: min(most, 1 << 16), alignment: 16) { space in
      let count = try retrying(POLLIN, before: deadline) {
        recv(descriptor, space.baseAddress, space.count, Int32(MSG_DONTWAIT))
      }
      buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: space[..<count]))
      return count
    }
  }

  /// Sends all bytes, within the time limit for an answer unless another is given.
  func write(_ bytes: [UInt8], milliseconds: Int? = nil) throws {
    let deadline = Deadline(milliseconds: milliseconds ?? limits.answerTime)
    try bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
        sent += try retrying(POLLOUT, before: deadline) {
          send(descriptor, rest.baseAddress, rest.count, Int32(MSG_DONTWAIT) | Connection.noSignal)
        }
      }
    }
  }

  /// Repeats a call that would block, each time the socket is ready, until it succeeds.
  private func retrying(
    _ event: Int32, before deadline: Deadline, _ call: () -> Int
  ) throws -> Int {
    while true {
      let count = call()
      if count >= 0 { return count }
      let mayBlock = errno == EAGAIN || errno == EWOULDBLOCK
      guard errno == EINTR || mayBlock && isReady(event, before: deadline) else {
        throw Disconnected()
      }
    }
  }

  /// Whether the event, or an end of the connection, comes before the deadline.
  private func isReady(_ event: Int32, before deadline: Deadline) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    while case let timeout = deadline.pollTimeout, timeout > 0 {
      if poll(&entry, 1, timeout) > 0 { return true }
    }
    return false
  }

  /// Waits that many milliseconds; a reset connection or a stopping server ends the wait early.
  func pause(milliseconds: Int) throws {
    if isReady(0, before: Deadline(milliseconds: milliseconds)) { throw Disconnected() }
  }

  /// Waits until the other side ends the connection, at most that many milliseconds.
  func awaitEnd(milliseconds: Int) {
    let deadline = Deadline(milliseconds: milliseconds)
    var byte: UInt8 = 0
    // Looked at four times a second: poll reports a half-closed connection on Linux only.
    while deadline.pollTimeout > 0, (try? pause(milliseconds: 250)) != nil {
      if recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) == 0 { return }
    }
  }

  /// Makes the next close a reset (RST) instead of an orderly end.
  func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// Ends sending and reads on for a moment, so that an early answer isn't lost to a reset.
  func finish() {
    shutdown(descriptor, Int32(SHUT_WR))
    let deadline = Deadline(milliseconds: 2000)
    var discarded: [UInt8] = []
    var total = 0
    while total < 64 << 20 {
      discarded.removeAll(keepingCapacity: true)
      guard let count = try? receive(1 << 16, into: &discarded, before: deadline), count > 0
      else { return }
      total += count
    }
  }
}

/// When a blocking call must return; monotonic, so that setting the clock changes nothing.
struct Deadline: Comparable, Sendable {
  private let time: Double

  init(milliseconds: Int) { time = SystemTime.monotonic + Double(milliseconds) / 1000 }

  static func < (one: Deadline, other: Deadline) -> Bool { one.time < other.time }

  /// The milliseconds left for `poll(2)`, rounded up; 0 when the time has passed.
  var pollTimeout: Int32 {
    let left = ((time - SystemTime.monotonic) * 1000).rounded(.up)
    return left > 0 ? Int32(min(left, Double(Int32.max))) : 0
  }
}
