import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `openssl s_server` with a certificate of its own making, in a folder of its own.
final class TLSServer: Sendable {
  let folder: String
  let port: Int
  private let process: Int32

  /// The certificate; trusting it is trusting this server.
  var certificate: String { folder + "/cert.pem" }
  var url: String { "https://localhost:\(port)/" }

  init(name: String = "localhost", arguments: [String] = ["-www"]) throws {
    HostileEnvironment.enter()
    folder = try TemporaryFolder.make()
    let make = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
      "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout",
      folder + "/key.pem", "-out", folder + "/cert.pem",
    ]
    guard let maker = TLSServer.openssl(make) else { throw SetupFailure(step: "req", code: errno) }
    waitpid(maker, nil, 0)
    let port = try TLSServer.freePort()
    self.port = port
    let serve = [
      "s_server", "-accept", "127.0.0.1:\(port)", "-cert", folder + "/cert.pem", "-key",
      folder + "/key.pem", "-quiet",
    ]
    guard let process = TLSServer.openssl(serve + arguments) else {
      throw SetupFailure(step: "s_server", code: errno)
    }
    self.process = process
    for _ in 0..<100 where !TLSServer.isListening(port) { try blockFor(milliseconds: 50) }
  }

  func stop() {
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  static let isAvailable = access("/usr/bin/openssl", X_OK) == 0

  private static func openssl(_ arguments: [String]) -> Int32? {
    // Without -www the server ends a connection when its own input ends; this one never does.
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    return try? ProgramLaunch(["/usr/bin/openssl"] + arguments, environment: ["PATH=/usr/bin"])
      .start(input: Descriptor(owning: ends[0]))
  }

  private static func isListening(_ port: Int) -> Bool {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  private static func freePort() throws -> Int {
    let server = try FaultServer { _, _ in false }
    server.stop()
    try blockFor(milliseconds: 50)
    return Int(server.port)
  }
}
