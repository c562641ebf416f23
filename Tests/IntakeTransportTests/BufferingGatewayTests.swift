import IntakeCore
import Synchronization
import TestSupport
import Testing

/// A gateway that takes a whole request before it hands on any of it, and keeps it long after the client gave up.
///
/// Nothing that the client does takes such a request back: only the target can tell what became of it.
@Suite(.timeLimit(.minutes(20)))
struct BufferingGatewayTests {
  private let folder = TestSupport.TemporaryFolder()

  /// What the gateway saw, and whether it lets go of what it holds.
  private final class Buffer: Sendable {
    private let gate = Gate()
    private let delivered = Gate()
    private let counts = Mutex((questions: 0, sendings: 0))
    /// The question that makes it let go; later ones are answered by the target.
    let patience: Int

    init(patience: Int) { self.patience = patience }

    var questions: Int { counts.withLock { $0.questions } }
    var sendings: Int { counts.withLock { $0.sendings } }

    func letGo() {
      gate.open()
      delivered.wait()
    }

    func serve(_ connection: ServerConnection, _ request: SeenRequest, port: UInt16) {
      guard let body = connection.body(of: request) else { return }
      guard String(decoding: body, as: UTF8.self).contains(#""service":"get"#) else {
        counts.withLock { $0.sendings += 1 }
        gate.wait()
        connection.forward(request, body, to: port)
        return delivered.open()
      }
      let number = counts.withLock { counts in
        counts.questions += 1
        return counts.questions
      }
      if number == patience { letGo() }
      guard number >= patience else {
        let page = GatewayPageTests.nginx("504 Gateway Time-out")
        return connection.answer("504 Gateway Time-out", ["Connection: close"], body: page)
      }
      connection.forward(request, body, to: port)
    }
  }

  private func gateway(_ buffer: Buffer, to sandbox: SandboxProcess) throws -> FaultServer {
    let port = try #require(UInt16(sandbox.port))
    return try FaultServer { connection, request in
      buffer.serve(connection, request, port: port)
      return false
    }
  }

  private func command(_ batch: CustomerBatch, _ gateway: FaultServer, _ more: String...)
    -> [String]
  {
    batch.arguments(endpoint: gateway.url("/v3/stable/api/storage")) + [
      "--settle-after", "1", "--set", "submit.timeout=1",
    ] + more
  }

  @Test func aRowIsAskedAboutUntilTheTargetTells() async throws {
    let sandbox = try await SandboxProcess(folder)
    let buffer = Buffer(patience: 3)
    let gateway = try gateway(buffer, to: sandbox)
    defer { gateway.stop() }
    let batch = CustomerBatch(rows: 1, in: folder)
    let result = try await Program(folder: folder).start(command(batch, gateway)).wait()
    #expect(result.code == 0 && result.outcomes == ["accepted": 1], "\(result.errors)")
    #expect(buffer.sendings == 1 && buffer.questions > 3)
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test func aRowThatTheTargetDoesNotKnowInTimeEndsInDoubt() async throws {
    let sandbox = try await SandboxProcess(folder)
    let buffer = Buffer(patience: 5)
    let gateway = try gateway(buffer, to: sandbox)
    defer { gateway.stop() }
    let batch = CustomerBatch(rows: 1, in: folder)
    let first = try await Program(folder: folder).start(
      command(batch, gateway, "--wait-for-target", "0")
    ).wait()
    #expect(first.outcomes == ["in_doubt": 1], "\(first.output) \(first.errors)")
    #expect(try sandbox.requests().isEmpty)
    let second = try await Program(folder: folder).start(command(batch, gateway)).wait()
    #expect(second.code == 0 && second.outcomes == ["accepted": 1], "\(second.errors)")
    #expect(buffer.sendings == 1)
    #expect(try Invariants(batch).violations(sandbox.requests(), [first, second]) == [])
  }
}
