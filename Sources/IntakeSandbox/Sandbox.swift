import IntakeCore
import Synchronization

/// A local server that behaves as the pages of DCAMS Storage and Noah say, for trials and tests.
public final class Sandbox: Sendable {
  private let configuration: SandboxConfiguration
  private let store: CustomerStore
  private let log: RequestLog
  private let server = Mutex<HTTPServer?>(nil)

  /// Checks the configuration and reads the state directory; nothing listens yet.
  public init(_ configuration: SandboxConfiguration = SandboxConfiguration()) throws(SandboxError) {
    self.configuration = configuration
    var directory: StateDirectory?
    if let path = configuration.stateDirectory { directory = try StateDirectory(path) }
    store = try CustomerStore(
      mostImageBytes: configuration.keptImageBytes, mostCustomers: configuration.keptCustomers,
      directory: directory)
    log = RequestLog(most: configuration.keptRequests)
  }

  deinit { stop() }

  /// Starts to listen; does nothing when it listens already.
  public func start() throws(SandboxError) {
    guard server.withLock({ $0 == nil }) else { return }
    let listener = try Listener(port: configuration.port)
    let router = makeRouter(port: listener.port)
    let limits = configuration.limits
    let started = HTTPServer(listener, mostConnections: limits.connections) { connection in
      var session = Session(connection, router: router, limits: limits)
      session.run()
    }
    guard started.start() else {
      throw .cannotListen(port: configuration.port, errno: 0)
    }
    server.withLock { $0 = started }
  }

  private func makeRouter(port: UInt16) -> Router {
    let dcams = DCAMSStorage(
      store: store, user: Secret(configuration.user), pass: Secret(configuration.pass),
      switches: configuration.switches, address: Sandbox.address(port))
    return Router(store: store, log: log, dcams: dcams)
  }

  private static func address(_ port: UInt16) -> String { "http://127.0.0.1:\(port)" }

  /// `http://127.0.0.1:<port>`; empty while it does not listen.
  public var address: String {
    server.withLock { $0.map { Sandbox.address($0.port) } } ?? ""
  }

  /// The endpoint to give a DCAMS client.
  public var dcamsEndpoint: String { address + DCAMSStorage.path }

  /// Ends all connections and stops to listen; what is stored stays for the next start.
  public func stop() {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    running?.stop()
  }
}
