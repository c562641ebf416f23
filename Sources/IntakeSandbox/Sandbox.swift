import IntakeCore
import IntakeCrypto
import Synchronization

/// A local server that behaves as the pages of DCAMS Storage and Noah say, for trials and tests.
public final class Sandbox: Sendable {
  private let configuration: SandboxConfiguration
  private let store: CustomerStore
  private let log: RequestLog
  private let tickets: UploadTickets
  private let signature: NoahSignature?
  private let server = Mutex<HTTPServer?>(nil)

  /// Checks the configuration and reads the state directory; nothing listens yet.
  public init(_ configuration: SandboxConfiguration = SandboxConfiguration()) throws(SandboxError) {
    self.configuration = configuration
    tickets = UploadTickets(most: configuration.keptUploadAddresses)
    signature = try configuration.publicKey.map(Sandbox.signature)
    store = try CustomerStore(configuration)
    log = RequestLog(most: configuration.keptRequests)
  }

  deinit { stop() }

  /// Starts to listen; does nothing when it listens already.
  public func start() throws(SandboxError) {
    guard server.withLock({ $0 == nil }) else { return }
    let listener = try Listener(port: configuration.port)
    let context = makeContext(port: listener.port)
    let started = HTTPServer(listener, mostConnections: context.limits.connections) { connection in
      let reader = RequestReader(connection: connection, limits: context.limits)
      var session = Session(context: context, reader: reader)
      session.run()
    }
    guard started.start() else { throw .cannotListen(port: configuration.port, errno: 0) }
    server.withLock { $0 = started }
  }

  private static func signature(_ pem: [UInt8]) throws(SandboxError) -> NoahSignature {
    guard let key = ECDSAPublicKey(pem: pem) ?? ECDSAPublicKey(privatePEM: pem) else {
      throw SandboxError(
        "the key for Noah isn't a P-384 or P-256 key in PEM: make one with openssl ecparam")
    }
    return NoahSignature(key: key)
  }

  private func makeContext(port: UInt16) -> ServerContext {
    let address = Sandbox.address(port)
    let dcams = DCAMSStorage(store: store, configuration: configuration, address: address)
    let noah = NoahAPI(
      store: store, tickets: tickets, configuration: configuration, signature: signature,
      address: address)
    return ServerContext(
      store: store, dcams: dcams, noah: noah, log: log, faults: configuration.faults,
      limits: configuration.limits,
      bodies: BodyBudget(configuration.limits.bodiesInFlight))
  }

  private static func address(_ port: UInt16) -> String { "http://127.0.0.1:\(port)" }

  /// `http://127.0.0.1:<port>`; empty while it does not listen.
  public var address: String {
    server.withLock { $0.map { Sandbox.address($0.port) } } ?? ""
  }

  /// The endpoint to give a DCAMS client.
  public var dcamsEndpoint: String { address + DCAMSStorage.path }

  /// The base to give a Noah client.
  public var noahEndpoint: String { address + "/v1" }

  /// The addresses on one line of JSON, as the command prints them when the sandbox is ready.
  public var readyLine: String {
    JSONOutput(fields: [
      ("type", "ready"), ("address", address),
      ("port", server.withLock { $0.map { Int($0.port) } } ?? 0), ("dcams", dcamsEndpoint),
      ("noah", noahEndpoint),
    ]).text
  }

  /// Ends all connections and stops to listen; what is stored stays for the next start.
  public func stop() {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    running?.stop()
  }
}
