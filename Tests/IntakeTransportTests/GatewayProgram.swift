import IntakeSystem
import TestSupport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The gateways of the distribution, each as one process that can be ended in order or cut off.
enum GatewayProgram: String {
  case nginx, haproxy, tinyproxy, squid

  var path: String? {
    ["/usr/sbin/", "/usr/bin/"].map { $0 + rawValue }.first { access($0, X_OK) == 0 }
  }

  var isInstalled: Bool { path != nil }

  /// What asks it to finish what is under way and end; the last two know nothing as mild.
  var ending: Int32 {
    switch self {
    case .nginx: SIGQUIT
    case .haproxy: SIGUSR1
    case .tinyproxy, .squid: SIGTERM
    }
  }

  func arguments(_ configuration: String) -> [String] {
    switch self {
    case .nginx: ["-c", configuration, "-e", "stderr"]
    case .haproxy: ["-f", configuration]
    case .tinyproxy: ["-d", "-c", configuration]
    case .squid: ["-N", "-f", configuration]
    }
  }

  /// - Parameters:
  ///   - port: where it listens.
  ///   - next: the port of the sandbox behind it, or of the proxy behind that.
  func configuration(port: Int, next: Int, in folder: String, bodyLimit: String = "1m") -> String {
    switch self {
    case .nginx: GatewayProgram.nginx(port, next, folder, bodyLimit)
    case .haproxy: GatewayProgram.haproxy(port, next)
    case .tinyproxy: GatewayProgram.tinyproxy(port, next, folder)
    case .squid: GatewayProgram.squid(port, folder)
    }
  }

  /// One process without a master, so that a cut cuts all of it.
  private static func nginx(_ port: Int, _ next: Int, _ folder: String, _ bodyLimit: String)
    -> String
  {
    let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
      "\($0)_temp_path \(folder)/\($0);"
    }
    return """
      daemon off; master_process off; pid \(folder)/nginx.pid;
      events { worker_connections 256; }
      http {
        access_log off; \(places.joined(separator: " "))
        limit_req_zone $server_name zone=all:1m rate=100r/s;
        upstream sandbox { server 127.0.0.1:\(next); keepalive 4; }
        server {
          listen 127.0.0.1:\(port); keepalive_requests 3; keepalive_timeout 1s;
          client_max_body_size \(bodyLimit);
          location / {
            limit_req zone=all burst=5 nodelay; proxy_pass http://sandbox; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_set_header Host 127.0.0.1;
          }
        }
      }
      """
  }

  private static func haproxy(_ port: Int, _ next: Int) -> String {
    """
    global
      maxconn 200
    defaults
      mode http
      timeout connect 2s
      timeout client 5s
      timeout server 5s
      timeout http-keep-alive 1s
    frontend in
      bind 127.0.0.1:\(port)
      stick-table type string len 8 size 10 expire 10s store http_req_rate(1s)
      http-request track-sc0 str(all)
      http-request deny deny_status 503 if { sc_http_req_rate(0) gt 60 }
      http-request set-header Host 127.0.0.1
      default_backend out
    backend out
      server s 127.0.0.1:\(next)

    """
  }

  /// The name of the target leads nowhere, so the next proxy is asked for it.
  private static func tinyproxy(_ port: Int, _ next: Int, _ folder: String) -> String {
    """
    Port \(port)
    Listen 127.0.0.1
    Timeout 60
    MaxClients 100
    Allow 127.0.0.1
    LogLevel Critical
    LogFile "\(folder)/tinyproxy.log"
    PidFile "\(folder)/tinyproxy.pid"
    Upstream http 127.0.0.1:\(next) "\(DistantSandbox.host)"

    """
  }

  private static func squid(_ port: Int, _ folder: String) -> String {
    """
    http_port 127.0.0.1:\(port)
    hosts_file \(folder)/hosts
    http_access allow all
    cache deny all
    access_log none
    cache_log /dev/null
    cache_store_log none
    pid_filename none
    coredump_dir none
    netdb_filename none
    pinger_enable off
    visible_hostname proxy.example
    shutdown_lifetime 0 seconds
    client_idle_pconn_timeout 1 second

    """
  }
}

/// A gateway that is running, and can be replaced by another one at the same place.
actor RunningGateway {
  nonisolated let port: Int
  private let program: GatewayProgram
  private let launcher: Program
  private let configuration: String
  private var running: StartedProgram?

  init(
    _ program: GatewayProgram, next: Int, bodyLimit: String = "1m",
    in folder: TestSupport.TemporaryFolder
  )
    async throws
  {
    self.program = program
    port = try FreePort.any()
    // squid gives up the superuser's rights before it reads the list of hosts.
    guard chmod(folder.path, 0o755) == 0, let path = program.path else {
      throw SetupFailure(step: "the gateway's folder", code: errno)
    }
    chmod(folder.write("hosts", "127.0.0.1 \(DistantSandbox.host)\n"), 0o644)
    configuration = folder.write(
      "\(program.rawValue).conf",
      program.configuration(port: port, next: next, in: folder.path, bodyLimit: bodyLimit))
    chmod(configuration, 0o644)
    var launcher = Program(folder: folder)
    launcher.executable = path
    // A thread of the pool blocks every signal, and a child inherits that: this one would never hear of its end.
    launcher.wrapper = [Interpreter.python, "-c", RunningGateway.unblocking]
    self.launcher = launcher
    try await start()
  }

  private static let unblocking =
    "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"

  func start() async throws {
    let running = try launcher.start(program.arguments(configuration))
    self.running = running
    for _ in 0..<400 {
      if let connection = try? LocalHTTP.connection(to: "127.0.0.1:\(port)") {
        close(connection)
        return
      }
      try await Task.sleep(for: .milliseconds(25))
    }
    throw ProgramError("\(program) does not listen: \(running.text(".err") + running.text(".out"))")
  }

  /// Ends it with a signal, and starts another one.
  func restart(with signal: Int32) async throws {
    running?.signal(signal)
    _ = try await running?.wait()
    try await start()
  }
}

/// A port that nobody listens on.
enum FreePort {
  static func any() throws -> Int {
    let server = try FaultServer { _, _ in false }
    server.stop()
    try blockFor(milliseconds: 50)
    return Int(server.port)
  }
}
