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
@Suite(.timeLimit(.minutes(20)))
struct AbortedRequestTests {
  /// What a server that reads so late received.
  final class LateReader: Sendable {
    typealias Ending = (bodySize: Int, count: Int, wasReset: Bool)

    /// More than what this server's kernel takes in, and what is between the two kernels when the client gives up.
    static let most = 65_536

    let server: FaultServer
    /// Opens when the first bytes of a body are here.
    let hasBody: Gate
    private let gate: Gate
    private let endings: Endings

    private final class Endings: Sendable {
      let list = Mutex<[Ending]>([])
    }

    init() throws {
      let (gate, hasBody, endings) = (Gate(), Gate(), Endings())
      (self.gate, self.hasBody, self.endings) = (gate, hasBody, endings)
      // Linux doubles it: 32 KiB may wait in this kernel.
      server = try FaultServer(receiveBuffer: 16_384) { connection, request in
        // The most that is sure to fit.
        while connection.waiting < 4_096, !gate.isOpen { try? blockFor(milliseconds: 10) }
        hasBody.open()
        gate.wait()
        let end = connection.drain()
        endings.list.withLock { $0.append((request.bodySize, end.count, end.wasReset)) }
        return false
      }
    }

    /// Reads on, and returns what came until the connection ended.
    func readOn() throws -> Ending {
      gate.open()
      for _ in 0..<6_000 {
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
  func nothingArrivesAfterItWasGivenUp(_ size: Int) throws {
    let reader = try LateReader()
    defer { reader.stop() }
    let client = HTTPClient.local(expect: .never, deadline: 120)
    let submission = Submission.plain(size)
    let request = try PlainTarget().request(
      for: submission, endpoint: reader.server.url(), credentials: nil, at: 0)
    // Not a short deadline: on a busy machine it may be over before anything has left.
    let abort = AbortFlag()
    startThread { [hasBody = reader.hasBody] in
      hasBody.wait()
      abort.raise()
    }
    let receipt = Receipt(of: client.send(request, abort: abort), for: submission, at: 0)
    #expect(receipt.outcome == .inDoubt)
    let end = try reader.readOn()
    #expect(end.wasReset)
    #expect(end.bodySize == size)
    #expect(end.count < LateReader.most, "more arrived after it had been given up")
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
      while !reader.hasBody.isOpen { try await Task.sleep(for: .milliseconds(10)) }
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
    #expect(end.count < LateReader.most, "more arrived after it had been given up")
  }

  /// Somebody on the way says yes to a request of which only the start has come, and hangs up.
  @Test func aYesToTheStartOfARequestIsNotBelieved() async throws {
    let folder = TestSupport.TemporaryFolder()
    let sandbox = try await SandboxProcess(folder)
    let port = try #require(UInt16(sandbox.port))
    let gate = Gate()
    let server = try FaultServer(receiveBuffer: 4_096) { connection, request in
      guard request.index == 1 else {
        gate.open()
        if let body = connection.body(of: request) { connection.forward(request, body, to: port) }
        return false
      }
      connection.send("HTTP/1.1 100 Continue\r\n\r\n")
      _ = connection.readBody(2_000)
      let yes = #"{"result":"Success","status":"PASS","type":"createCustomer"}"#
      connection.answer("200 OK", ["Connection: close"], body: yes)
      gate.wait()
      return false
    }
    defer {
      gate.open()
      server.stop()
    }
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let command = [
      "run", Program.samples + "/customers.csv", "--to", "dcams", "--endpoint",
      server.url("/v3/stable/api/storage"), "--credentials", keys, "--ledger",
      folder.path + "/a.ledger", "--limit", "1", "--settle-after", "0",
    ]
    let held = try await Program(folder: folder).start(command + ["--ambiguous", "hold"]).wait()
    #expect(held.code == 5, "\(held.output) \(held.errors)")
    #expect(held.rows.first?["code"]?.string == "unrecognized_answer")
    #expect(held.rows.first?["detail"]?.string?.contains("before the whole body") == true)
    // The target does not have the customer, so it is sent again.
    let settled = try await Program(folder: folder).start(command).wait()
    #expect(settled.code == 0, "\(settled.errors)")
    #expect(settled.outcomes == ["accepted": 1])
    #expect(try sandbox.requests().count { $0.isAccepted } == 1)
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
    let client = HTTPClient.local()
    #expect(try client.receipt(for: .plain(), to: server.url()).outcome == .accepted)
    client.close()
    while endings.withLock({ $0.isEmpty }) { try blockFor(milliseconds: 10) }
    #expect(endings.withLock { $0 } == [false])
  }
}
