import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A server on the loopback interface that misbehaves as it is told, and counts what it received.
final class FaultServer: Sendable {
  /// Serves one request; true to wait for the next on the same connection.
  typealias Behaviour = @Sendable (ServerConnection, SeenRequest) -> Bool

  let port: UInt16
  private let listener: Int32
  private let seen = Mutex<[SeenRequest]>([])

  /// - Parameters:
  ///   - receiveBuffer: bytes that the kernel takes in before the server reads; nil for the system's default.
  ///   - port: the port of a server that was stopped, 0 for a free one.
  init(
    receiveBuffer: Int32? = nil, at port: UInt16 = 0, _ behaviour: @escaping Behaviour
  ) throws {
    HostileEnvironment.enter()
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if var size = receiveBuffer {
      setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var isReused: Int32 = 1
    setsockopt(
      listener, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, size) == 0 && listen(number, 64) == 0
          && getsockname(number, $0, &size) == 0
      }
    }
    guard isBound else { throw SetupFailure(step: "bind", code: errno) }
    self.port = UInt16(bigEndian: address.sin_port)
    startThread { [self] in acceptAll(behaviour) }
  }

  /// One that misbehaves in nothing: it takes every body, says yes, and keeps the connection.
  static func takingAll() throws -> FaultServer {
    try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
  }

  /// The address of a path on this server.
  func url(_ path: String = "/api") -> String { "http://127.0.0.1:\(port)\(path)" }

  /// Every request whose header arrived, in order.
  var requests: [SeenRequest] { seen.withLock { $0 } }

  /// Ends the accepting thread; connections end with their clients.
  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  private func acceptAll(_ behaviour: @escaping Behaviour) {
    while true {
      let number = accept(listener, nil, nil)
      guard number >= 0 else { break }
      startThread { [self] in serve(ServerConnection(number: number), behaviour) }
    }
    close(listener)
  }

  private func serve(_ connection: ServerConnection, _ behaviour: Behaviour) {
    var count = 0
    while let head = connection.readHead() {
      count += 1
      let request = seen.withLock { seen in
        let request = SeenRequest(head: head, index: seen.count + 1, onConnection: count)
        seen.append(request)
        return request
      }
      guard behaviour(connection, request) else { break }
    }
    close(connection.number)
  }
}

/// A step of a test's preparation that the system refused.
struct SetupFailure: Error {
  let step: String
  let code: Int32
}

/// Variables that must change nothing: set before the first request of the test process.
enum HostileEnvironment {
  static let keyLog = "/tmp/docintake-test-\(getpid()).keys"

  private static let isSet: Bool = {
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
      setenv(name, "http://127.0.0.1:9", 1)
    }
    setenv("SSLKEYLOGFILE", keyLog, 1)
    signal(SIGPIPE, SIG_IGN)
    return true
  }()

  static func enter() { _ = isSet }
}

/// Runs a closure on a thread of its own: blocking must not use up the test runner's threads.
func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let context = Unmanaged.passRetained(Box(body)).toOpaque()
  #if canImport(Glibc)
    var thread = pthread_t()
    let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }
  #else
    var thread: pthread_t?
    let entry: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { context in
      Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
      return nil
    }
  #endif
  if pthread_create(&thread, nil, entry, context) == 0, let started = Optional(thread) {
    pthread_detach(started)
  }
}
