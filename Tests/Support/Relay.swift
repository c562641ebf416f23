import IntakeCore
import IntakeSystem

/// `Tests/Fixtures/relay.py`: what stands between the built command and the sandbox; ends with this value.
package final class Relay: Sendable {
  package let port: Int
  private let running: StartedProgram

  /// - Parameter wrapper: a program that runs it, with its arguments.
  package init(_ folder: TemporaryFolder, _ words: String..., wrapper: [String] = []) async throws {
    var program = Program(folder: folder)
    program.executable = Interpreter.python
    program.wrapper = wrapper
    running = try program.start([Program.repository + "/Tests/Fixtures/relay.py"] + words)
    try await running.waitFor("port ")
    let line = running.text(".out").split(separator: "\n").first ?? ""
    guard let port = line.split(separator: " ").last.flatMap({ Int($0) }) else {
      throw ProgramError("the relay did not tell its port: \(running.text(".err"))")
    }
    self.port = port
  }

  package func signal(_ number: Int32) { running.signal(number) }

  /// Waits until it has seen something that begins so.
  package func waitFor(_ words: String) async throws { try await running.waitFor("saw " + words) }

  /// What it was asked for, line by line.
  package var seen: [String] {
    running.text(".out").split(separator: "\n").filter { $0.hasPrefix("saw ") }.map {
      String($0.dropFirst(4))
    }
  }
}

/// A sandbox behind TLS at a name that does not resolve: only a proxy leads there.
package struct DistantSandbox {
  package static let host = "target.example"
  package let sandbox: SandboxProcess
  package let tls: Relay
  package let certificate: String
  package let key: String

  /// - Parameter clientAuthority: the authority of the clients that are let in; nil for everybody.
  package init(_ folder: TemporaryFolder, clientAuthority: String? = nil) async throws {
    sandbox = try await SandboxProcess(folder)
    (certificate, key) = try Certificate.make("server", for: DistantSandbox.host, in: folder)
    tls =
      if let clientAuthority {
        try await Relay(folder, "tls", certificate, key, sandbox.port, clientAuthority)
      } else { try await Relay(folder, "tls", certificate, key, sandbox.port) }
  }

  /// Where DCAMS requests go, by way of the proxy.
  package var endpoint: String {
    "https://\(DistantSandbox.host):\(tls.port)/v3/stable/api/storage"
  }
  /// The same on this machine, by its other name.
  package var nearEndpoint: String { "https://localhost:\(tls.port)/v3/stable/api/storage" }
}

/// Certificates of the tests' own making.
package enum Certificate {
  /// A certificate that signs itself, and its key (0600): the paths of both.
  package static func make(_ name: String, for host: String, in folder: TemporaryFolder) throws
    -> (certificate: String, key: String)
  {
    let (certificate, key) = (folder.path + "/\(name).pem", folder.write("\(name).key", ""))
    let launch = ProgramLaunch(
      [
        "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
        "subjectAltName=DNS:\(host),DNS:localhost", "-keyout", key, "-out", certificate,
      ], environment: ProgramLaunch.cleanEnvironment())
    let outcome = try launch.run(outputLimit: 65_536, seconds: 60)
    guard case .success(.exited(0)) = outcome.end else {
      throw ProgramError("openssl: \(String(decoding: outcome.errors, as: UTF8.self))")
    }
    return (certificate, key)
  }

  package static let isAvailable =
    DurableFile.exists("/usr/bin/openssl") && Interpreter.has("python3", "-c", "import ssl")
}
