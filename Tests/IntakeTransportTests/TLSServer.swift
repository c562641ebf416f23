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

  init(name: String = "localhost", arguments: [String] = []) throws {
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
      folder + "/key.pem", "-www", "-quiet",
    ]
    guard let process = TLSServer.openssl(serve + arguments) else {
      throw SetupFailure(step: "s_server", code: errno)
    }
    self.process = process
    try blockFor(milliseconds: 400)
  }

  func stop() {
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  static let isAvailable = access("/usr/bin/openssl", X_OK) == 0

  private static func openssl(_ arguments: [String]) -> Int32? {
    let silence = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(silence) }
    return ProgramLaunch(["/usr/bin/openssl"] + arguments, environment: ["PATH=/usr/bin"])
      .start(output: silence, errors: silence)
  }

  private static func freePort() throws -> Int {
    let server = try FaultServer { _, _ in false }
    server.stop()
    try blockFor(milliseconds: 50)
    return Int(server.port)
  }
}

/// A folder that only this test uses.
enum TemporaryFolder {
  static func make() throws -> String {
    var template = Array("/tmp/docintake-test-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { throw SetupFailure(step: "mkdtemp", code: errno) }
    return String(cString: path)
  }

  /// Writes a file with a mode, whatever the umask.
  @discardableResult
  static func write(_ text: String, to path: String, mode: mode_t) throws -> String {
    let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SetupFailure(step: "open", code: errno) }
    defer { close(number) }
    guard ServerConnection(number: number).send(text), fchmod(number, mode) == 0 else {
      throw SetupFailure(step: "write", code: errno)
    }
    return path
  }
}
