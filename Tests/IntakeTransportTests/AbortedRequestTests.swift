import IntakeCore
import IntakeTransport
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A request that is given up takes its bytes back: what the kernel has not delivered by then never arrives.
///
/// The server reads the header and then nothing until the client has given up; then it reads whatever has arrived and
/// still comes. Without the reset the client's kernel would deliver the rest then, and the request would be complete.
@Suite(.timeLimit(.minutes(5)))
struct AbortedRequestTests {
  /// What a server that reads so late received.
  final class LateReader: Sendable {
    typealias Ending = (bodySize: Int, before: Int, count: Int, wasReset: Bool)

    let server: FaultServer
    private let gate: Gate
    private let endings: Endings

    private final class Endings: Sendable {
      let list = Mutex<[Ending]>([])
    }

    init() throws {
      let (gate, endings) = (Gate(), Endings())
      (self.gate, self.endings) = (gate, endings)
      // Linux doubles it: 32 KiB may wait in this kernel.
      server = try FaultServer(receiveBuffer: 16_384) { connection, request in
        gate.wait()
        let before = connection.waiting
        let end = connection.drain()
        endings.list.withLock { $0.append((request.bodySize, before, end.count, end.wasReset)) }
        return false
      }
    }

    /// Reads on, and returns what came until the connection ended.
    func readOn() throws -> Ending {
      gate.open()
      for _ in 0..<1_000 {
        if let first = endings.list.withLock({ $0.first }) { return first }
        try blockFor(milliseconds: 10)
      }
      throw SetupFailure(step: "the connection never ended", code: 0)
    }

    func stop() {
      gate.open()
      server.stop()
    }
  }

  @Test(arguments: [100_000, 300_000, 1_300_000])
  func nothingArrivesAfterTheDeadline(_ size: Int) throws {
    let reader = try LateReader()
    defer { reader.stop() }
    let receipt = try HTTPClient.quick(expect: .never)
      .receipt(for: .plain(size), to: reader.server.url())
    #expect(receipt.outcome == .inDoubt)
    let end = try reader.readOn()
    #expect(end.wasReset)
    #expect(end.bodySize == size)
    #expect(end.count == end.before, "more arrived after it had been given up")
  }

  /// The built command: a timeout, and a process that is killed in the middle of its request.
  @Test(arguments: [false, true])
  func theCommandTakesBackWhatItGaveUp(byBeingKilled isKilled: Bool) async throws {
    let reader = try LateReader()
    defer { reader.stop() }
    let folder = TestSupport.TemporaryFolder()
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let running = try Program(folder: folder).start([
      "run", Program.samples + "/customers.csv", "--to", "dcams", "--endpoint", reader.server.url(),
      "--credentials", keys, "--ledger", folder.path + "/a.ledger", "--limit", "1",
      "--ambiguous", "hold", "--set", "submit.expect=never", "--set",
      "submit.timeout=\(isKilled ? 60 : 2)",
    ])
    if isKilled {
      while reader.server.requests.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      // Until the kernel has taken what it takes.
      try await Task.sleep(for: .milliseconds(300))
      running.signal(SIGKILL)
    }
    let result = try await running.wait()
    if !isKilled {
      #expect(result.code == 5, "\(result.errors)")
      #expect(result.rows.first?["code"]?.string == "no_answer")
    }
    let end = try reader.readOn()
    #expect(end.wasReset)
    #expect(end.bodySize > 200_000)
    #expect(end.count == end.before, "more arrived after it had been given up")
  }

  @Test func aConnectionThatIsDoneWithEndsInOrder() throws {
    let endings = Mutex<[Bool]>([])
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      endings.withLock { $0.append(connection.drain().wasReset) }
      return false
    }
    defer { server.stop() }
    let client = HTTPClient.quick()
    #expect(try client.receipt(for: .plain(), to: server.url()).outcome == .accepted)
    client.close()
    while endings.withLock({ $0.isEmpty }) { try blockFor(milliseconds: 10) }
    #expect(endings.withLock { $0 } == [false])
  }
}
