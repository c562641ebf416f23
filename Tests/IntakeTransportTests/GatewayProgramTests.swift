import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// nginx, HAProxy, tinyproxy and squid between the built command and the sandbox.
///
/// Short keep-alive, a limit on the rate, a restart and a cut in the middle of 300 rows: nobody is stored twice, and
/// nobody is in doubt at the end. `DOCINTAKE_GATEWAY_ROWS` sets another number; 2,000 take some minutes.
@Suite(
  .enabled(if: SlowTests.areWanted && Certificate.isAvailable), .timeLimit(.minutes(15)),
  .serialized
)
struct GatewayProgramTests {
  private let folder = TestSupport.TemporaryFolder()
  private static let rows = SlowTests.size("DOCINTAKE_GATEWAY_ROWS", otherwise: 300)

  @Test(.enabled(if: GatewayProgram.nginx.isInstalled, "nginx is not installed"))
  func nginxInFront() async throws { try await inFront(.nginx) }

  @Test(.enabled(if: GatewayProgram.haproxy.isInstalled, "haproxy is not installed"))
  func haproxyInFront() async throws { try await inFront(.haproxy) }

  @Test(.enabled(if: GatewayProgram.tinyproxy.isInstalled, "tinyproxy is not installed"))
  func tinyproxyOnTheWay() async throws { try await onTheWay(.tinyproxy) }

  @Test(.enabled(if: GatewayProgram.squid.isInstalled, "squid is not installed"))
  func squidOnTheWay() async throws { try await onTheWay(.squid) }

  @Test(.enabled(if: GatewayProgram.nginx.isInstalled, "nginx is not installed"))
  func theLimitOfNginxIsNamedAsIts() async throws {
    let sandbox = try await SandboxProcess(folder)
    let gateway = try await RunningGateway(
      .nginx, next: GatewayProgramTests.port(of: sandbox), bodyLimit: "300", in: folder)
    let batch = CustomerBatch(rows: 2, in: folder)
    let endpoint = "http://127.0.0.1:\(gateway.port)/v3/stable/api/storage"
    let result = try await Program(folder: folder).start(batch.arguments(endpoint: endpoint)).wait()
    #expect(result.code == 3, "\(result.errors)")
    for row in result.rows {
      #expect(row["code"]?.string == "body_too_large")
      #expect(row["hint"]?.string?.contains("client_max_body_size") == true)
    }
    #expect(try sandbox.requests().isEmpty)
  }

  private static func port(of sandbox: SandboxProcess) -> Int {
    sandbox.address.split(separator: ":").last.flatMap { Int($0) } ?? 0
  }

  /// A gateway that ends the connection and sees every request.
  private func inFront(_ program: GatewayProgram) async throws {
    let sandbox = try await SandboxProcess(folder)
    let gateway = try await RunningGateway(
      program, next: GatewayProgramTests.port(of: sandbox), in: folder)
    try await submit(
      to: "http://127.0.0.1:\(gateway.port)/v3/stable/api/storage", through: gateway,
      endedBy: program.ending, sandbox)
  }

  /// A proxy that sees a tunnel.
  private func onTheWay(_ program: GatewayProgram) async throws {
    let distant = try await DistantSandbox(folder)
    let next = try await Relay(folder, "connect")
    let gateway = try await RunningGateway(program, next: next.port, in: folder)
    try await submit(
      to: distant.endpoint, through: gateway, endedBy: program.ending, distant.sandbox,
      "--ca-file", distant.certificate, "--proxy", "http://127.0.0.1:\(gateway.port)")
  }

  private func submit(
    to endpoint: String, through gateway: RunningGateway, endedBy signal: Int32,
    _ sandbox: SandboxProcess, _ more: String...
  ) async throws {
    let batch = CustomerBatch(rows: Self.rows, in: folder)
    let command =
      batch.arguments(endpoint: endpoint) + ["--concurrency", "8", "--settle-after", "1"] + more
    let running = try Program(folder: folder).start(command)
    for (count, signal) in [(Self.rows / 5, signal), (Self.rows / 2, SIGKILL)] {
      try await sandbox.waitUntilStored(count)
      try await gateway.restart(with: signal)
    }
    var results = [try await running.wait(seconds: 600)]
    // What the cut tore apart is in doubt; the same command asks about it.
    if results[0].code == 5 {
      #expect(results[0].outcomes["in_doubt", default: 0] <= 16, "\(results[0].errors)")
      results.append(try await Program(folder: folder).start(command).wait())
    }
    #expect(results.last?.code == 0, "\(results.last?.errors ?? "")")
    #expect(try Invariants(batch).violations(sandbox.requests(), results) == [])
    let requests = try sandbox.requests()
    let stored = requests.filter(\.isAccepted).compactMap(\.customer)
    #expect(Set(stored).count == Self.rows)
    print(
      "gateway: \(Self.rows) rows, \(results.count) runs, \(requests.count) requests, "
        + "\(stored.count) stored, \(results[0].outcomes["in_doubt"] ?? 0) in doubt after the first run"
    )
  }
}
