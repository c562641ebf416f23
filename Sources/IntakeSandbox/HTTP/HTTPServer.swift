import IntakeSystem
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Accepts connections and gives each a thread of its own, up to a limit; stops cleanly.
final class HTTPServer: Sendable {
  private struct State {
    var open: [Int: Int32] = [:]
    var accepted = 0
    var isStopping = false
    var isAccepting = true
  }

  private let listener: Listener
  private let limits: ServerLimits
  private let state = Mutex(State())
  private let serve: @Sendable (Connection) -> Void

  var port: UInt16 { listener.port }

  /// Takes over a listening socket; `serve` runs on a connection's thread until the connection is done.
  init(
    _ listener: Listener, limits: ServerLimits, serve: @escaping @Sendable (Connection) -> Void
  ) {
    self.listener = listener
    self.limits = limits
    self.serve = serve
  }

  /// Starts accepting; false when the system has no thread left.
  func start() -> Bool {
    let started = SystemThread.start { [self] in acceptAll() }
    if !started { finishAccepting() }
    return started
  }

  private func acceptAll() {
    // 100 ms at most until a stop is noticed where shutdown doesn't wake the poll (Darwin).
    while !state.withLock({ $0.isStopping }) {
      if let descriptor = listener.next(waiting: 100) { admit(descriptor) }
    }
    finishAccepting()
  }

  private func finishAccepting() {
    state.withLock { state in
      state.isAccepting = false
      _ = close(listener.descriptor)
    }
  }

  private func admit(_ descriptor: Int32) {
    let connection = state.withLock { state -> Connection? in
      guard state.open.count < limits.connections, !state.isStopping else { return nil }
      state.accepted += 1
      state.open[state.accepted] = descriptor
      return Connection(descriptor: descriptor, number: state.accepted, limits: limits)
    }
    guard let connection else { return turnAway(descriptor) }
    let started = SystemThread.start { [self] in
      serve(connection)
      end(connection)
    }
    if !started { end(connection) }
  }

  private func turnAway(_ descriptor: Int32) {
    let answer = Answer.text(503, "too many connections; use at most \(limits.connections)\n")
    let surplus = Connection(descriptor: descriptor, number: 0, limits: limits)
    try? surplus.write(answer.bytes(keepsAlive: false), milliseconds: 10)
    close(descriptor)
  }

  /// Closed under the lock: otherwise `stop` could shut down an unrelated descriptor with the same number.
  private func end(_ connection: Connection) {
    state.withLock { state in
      state.open[connection.number] = nil
      _ = close(connection.descriptor)
    }
  }

  /// Refuses new connections, wakes every thread out of its wait, and returns when all have ended (5 s at most).
  func stop() {
    state.withLock { $0.isStopping = true }
    for _ in 0..<5000 {
      let isDone = state.withLock { state in
        if state.isAccepting { shutdown(listener.descriptor, Int32(SHUT_RDWR)) }
        for descriptor in state.open.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
        return state.open.isEmpty && !state.isAccepting
      }
      if isDone { return }
      poll(nil, 0, 1)
    }
  }
}

/// A listening socket on 127.0.0.1; the sandbox is reachable from this machine only.
struct Listener: Sendable {
  let descriptor: Int32
  let port: UInt16

  init(port wanted: UInt16) throws(SandboxError) {
    #if canImport(Darwin)
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    guard descriptor >= 0 else { throw Listener.failure(wanted, errno) }
    // A client that goes away between poll and accept must not block the thread.
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    Listener.prepare(descriptor, SOL_SOCKET, SO_REUSEADDR)
    guard let port = Listener.bindToLoopback(descriptor, wanted) else {
      defer { close(descriptor) }
      throw Listener.failure(wanted, errno)
    }
    self.descriptor = descriptor
    self.port = port
  }

  /// Binds a socket to a port of this machine, listens there, and returns the port; nil, with `errno`, on failure.
  private static func bindToLoopback(_ descriptor: Int32, _ wanted: UInt16) -> UInt16? {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = wanted.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 128) == 0
          && getsockname(descriptor, $0, &size) == 0
      }
    }
    return isListening ? UInt16(bigEndian: address.sin_port) : nil
  }

  private static func failure(_ port: UInt16, _ code: Int32) -> SandboxError {
    SandboxError(
      code == EADDRINUSE
        ? "port \(port) is in use: choose another, or port 0 for a free one"
        : "cannot listen on 127.0.0.1:\(port) (errno \(code)): choose a port above 1023, or 0")
  }

  /// The next connection's socket, nil when none came in time.
  func next(waiting milliseconds: Int32) -> Int32? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return nil }
    let accepted = accept(descriptor, nil, nil)
    guard accepted >= 0 else {
      // Out of descriptors: without a pause this loop would keep a core busy until one is free.
      if errno == EMFILE || errno == ENFILE { poll(nil, 0, 20) }
      return nil
    }
    // Header and body may go out in two writes, which Nagle's algorithm would delay by 40 ms.
    Listener.prepare(accepted, Int32(IPPROTO_TCP), TCP_NODELAY)
    #if canImport(Darwin)
      Listener.prepare(accepted, SOL_SOCKET, SO_NOSIGPIPE)
    #endif
    return accepted
  }

  /// Sets an option, and closes the socket in programs that this process starts: they would hold it open.
  private static func prepare(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var yes: Int32 = 1
    setsockopt(descriptor, level, option, &yes, socklen_t(MemoryLayout<Int32>.size))
  }
}

/// Bounds the bytes of all bodies held at a time, so that many large requests cannot use up the memory.
final class BodyBudget: Sendable {
  private let left: Mutex<Int>

  init(_ bytes: Int) { left = Mutex(bytes) }

  func take(_ bytes: Int) -> Bool {
    left.withLock { left in
      guard bytes <= left else { return false }
      left -= bytes
      return true
    }
  }

  func putBack(_ bytes: Int) { left.withLock { $0 += bytes } }
}
