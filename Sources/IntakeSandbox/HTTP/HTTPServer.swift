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

  /// The port it listens on.
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
      if let descriptor = listener.accept(waiting: 100) { admit(descriptor) }
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
    try? surplus.send(answer.bytes(keepsAlive: false), before: Deadline(milliseconds: 10))
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
