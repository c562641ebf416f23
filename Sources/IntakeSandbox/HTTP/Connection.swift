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

  #if canImport(Darwin)
    private static let noSignal: Int32 = 0
  #else
    private static let noSignal = Int32(MSG_NOSIGNAL)
  #endif

  /// Appends at most `most` bytes to `buffer` as soon as there are any; returns how many, 0 at the end.
  func receive(_ most: Int, into buffer: inout [UInt8], before deadline: Deadline) throws -> Int {
    try retrying(Int16(POLLIN), before: deadline) { receiveNow(min(most, 1 << 16), into: &buffer) }
  }

  private func receiveNow(_ most: Int, into buffer: inout [UInt8]) -> Int {
    withUnsafeTemporaryAllocation(byteCount: most, alignment: 16) { space in
      let count = recv(descriptor, space.baseAddress, most, Int32(MSG_DONTWAIT))
      if count > 0 { buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: space[..<count])) }
      return count
    }
  }

  func write(_ bytes: [UInt8], before deadline: Deadline) throws {
    var sent = 0
    while sent < bytes.count {
      sent += try retrying(Int16(POLLOUT), before: deadline) { sendNow(bytes, from: sent) }
    }
  }

  private func sendNow(_ bytes: [UInt8], from start: Int) -> Int {
    let flags = Int32(MSG_DONTWAIT) | Connection.noSignal
    return bytes.withUnsafeBytes { raw in
      let rest = UnsafeRawBufferPointer(rebasing: raw[start...])
      return send(descriptor, rest.baseAddress, rest.count, flags)
    }
  }

  /// Repeats a call that would block when the socket is ready, until it succeeds.
  private func retrying(
    _ events: Int16, before deadline: Deadline, _ call: () -> Int
  ) throws -> Int {
    while true {
      let count = call()
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK: try wait(for: events, before: deadline)
      default: throw Disconnected()
      }
    }
  }

  private func wait(for events: Int16, before deadline: Deadline) throws {
    var entry = pollfd(fd: descriptor, events: events, revents: 0)
    let timeout = deadline.pollTimeout
    guard timeout > 0 else { throw Disconnected() }
    let ready = poll(&entry, 1, timeout)
    guard ready > 0 || (ready < 0 && errno == EINTR) else { throw Disconnected() }
  }

  /// Waits that many milliseconds; a reset connection or a stopping server ends the wait early.
  func pause(milliseconds: Int) throws {
    let deadline = Deadline(milliseconds: milliseconds)
    while true {
      var entry = pollfd(fd: descriptor, events: 0, revents: 0)
      let timeout = deadline.pollTimeout
      guard timeout > 0 else { return }
      if poll(&entry, 1, timeout) > 0 { throw Disconnected() }
    }
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

  /// Makes the coming close a reset (RST) instead of an orderly end.
  func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// Ends sending and reads what still comes for a moment, so that an early answer is not lost to a reset.
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

/// A point in time that a blocking call must not outlast; monotonic, so a stepped clock changes nothing.
struct Deadline: Comparable, Sendable {
  private let time: Double

  init(milliseconds: Int) { time = SystemTime.monotonic + Double(milliseconds) / 1000 }

  static func < (one: Deadline, other: Deadline) -> Bool { one.time < other.time }

  /// Milliseconds left as `poll(2)` takes them, rounded up; 0 when the time has passed.
  var pollTimeout: Int32 {
    let left = ((time - SystemTime.monotonic) * 1000).rounded(.up)
    return left > 0 ? Int32(min(left, Double(Int32.max))) : 0
  }
}
