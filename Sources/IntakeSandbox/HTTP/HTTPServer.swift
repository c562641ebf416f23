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
  private let mostConnections: Int
  private let state = Mutex(State())
  private let serve: @Sendable (Connection) -> Void

  var port: UInt16 { listener.port }

  /// Takes over a listening socket; `serve` runs on a connection's thread until the connection is done.
  init(
    _ listener: Listener, mostConnections: Int, serve: @escaping @Sendable (Connection) -> Void
  ) {
    self.listener = listener
    self.mostConnections = mostConnections
    self.serve = serve
  }

  /// Starts accepting; false when the system has no thread left.
  func start() -> Bool {
    let started = SystemThread.start { [self] in acceptAll() }
    if !started { finishAccepting() }
    return started
  }

  private func acceptAll() {
    // 100 ms: how long a stop may take to be noticed where shutdown does not wake the poll (Darwin).
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
      guard state.open.count < mostConnections, !state.isStopping else { return nil }
      state.accepted += 1
      state.open[state.accepted] = descriptor
      return Connection(descriptor: descriptor, number: state.accepted)
    }
    guard let connection else { return turnAway(descriptor) }
    let started = SystemThread.start { [self] in
      serve(connection)
      end(connection)
    }
    if !started { end(connection) }
  }

  private func turnAway(_ descriptor: Int32) {
    let surplus = Connection(descriptor: descriptor, number: 0)
    let answer = Answer.text(503, "too many connections; use at most \(mostConnections)\n")
    try? surplus.write(answer.bytes(keepsAlive: false), before: Deadline(milliseconds: 10))
    close(descriptor)
  }

  /// Closed under the lock: otherwise `stop` could shut down a stranger that got the same number.
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
      let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      let descriptor = socket(AF_INET, stream | Int32(SOCK_NONBLOCK.rawValue), 0)
    #endif
    guard descriptor >= 0 else { throw .cannotListen(port: wanted, errno: errno) }
    var yes: Int32 = 1
    let optionSize = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, optionSize)
    guard Listener.bindToLoopback(descriptor, wanted), listen(descriptor, 128) == 0,
      let port = Listener.port(of: descriptor)
    else {
      let reason = errno
      close(descriptor)
      guard reason == EADDRINUSE else { throw .cannotListen(port: wanted, errno: reason) }
      throw SandboxError("port \(wanted) is in use: choose another, or port 0 for a free one")
    }
    self.descriptor = descriptor
    self.port = port
  }

  private static func bindToLoopback(_ descriptor: Int32, _ port: UInt16) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
    }
  }

  private static func port(of descriptor: Int32) -> UInt16? {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isKnown = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &size) == 0
      }
    }
    return isKnown ? UInt16(bigEndian: address.sin_port) : nil
  }

  /// The next connection's socket; waits for at most `milliseconds`, nil when none came.
  func next(waiting milliseconds: Int32) -> Int32? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return nil }
    let accepted = accept(descriptor, nil, nil)
    guard accepted >= 0 else {
      // Out of descriptors: without a pause this loop would take a whole core until one is free.
      if errno == EMFILE || errno == ENFILE { poll(nil, 0, 20) }
      return nil
    }
    Listener.prepare(accepted)
    return accepted
  }

  private static func prepare(_ descriptor: Int32) {
    // Programs started by the same process must not hold the connection open.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var yes: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Header and body may go out in two writes: with Nagle's wait each answer would take 40 ms.
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
    #if canImport(Darwin)
      setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, size)
    #endif
  }
}

/// The bytes of all bodies held at a time, so that many large requests together cannot take the memory.
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
