import IntakeCore
import Synchronization

/// A local server that behaves as the pages of DCAMS Storage and Noah say, for trials and tests.
package final class Sandbox: Sendable {
  private let context: ServerContext
  private let server = Mutex<HTTPServer?>(nil)

  /// Checks the configuration and reads the state directory; nothing listens yet.
  package init(_ configuration: SandboxConfiguration = SandboxConfiguration()) throws(SandboxError)
  {
    context = try ServerContext(configuration)
  }

  deinit { stop() }

  /// Starts listening; does nothing if it already does.
  package func start() throws(SandboxError) {
    guard server.withLock({ $0 == nil }) else { return }
    let listener = try Listener(port: context.configuration.port)
    var context = context
    context.address = Sandbox.address(listener.port)
    let started = HTTPServer(listener, limits: context.configuration.limits) {
      [context] connection in
      var session = Session(context, connection)
      session.run()
    }
    guard started.start() else {
      throw SandboxError("the sandbox cannot start: the system has no thread left")
    }
    server.withLock { $0 = started }
  }

  private static func address(_ port: UInt16) -> String { "http://127.0.0.1:\(port)" }

  /// `http://127.0.0.1:<port>`; empty while it isn't listening.
  package var address: String {
    server.withLock { $0.map { Sandbox.address($0.port) } } ?? ""
  }

  package var dcamsEndpoint: String { address + DCAMSStorage.path }

  /// The addresses on one line of JSON, as the command prints them when the sandbox is ready.
  package var readyLine: String {
    JSONOutput(fields: [
      ("type", "ready"), ("address", address),
      ("port", server.withLock { $0.map { Int($0.port) } } ?? 0), ("dcams", dcamsEndpoint),
      ("noah", address + "/v1"),
    ]).text
  }

  /// Ends all connections and stops listening; what is stored stays for the next start.
  package func stop() {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    running?.stop()
  }
}
