import IntakeCore
import IntakeTransport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Who is trusted: the system's authorities or those of the operator's file, by name, and nobody else.
@Suite(.timeLimit(.minutes(20)), .enabled(if: TLSServer.isAvailable))
struct TLSTests {
  @Test func aSelfSignedCertificateStopsTheRunWithNothingSent() throws {
    let server = try TLSServer()
    defer { server.stop() }
    let receipt = try HTTPClient.local().receipt(for: .plain(), to: server.url)
    #expect(receipt.outcome == .fatal)
    #expect(receipt.code == .tlsFailed)
    #expect(receipt.bodyBytes == 0)
  }

  @Test func theOperatorsFileDecidesWhoIsTrusted() throws {
    let server = try TLSServer()
    defer { server.stop() }
    let submission = Submission.plain(0, method: "GET")
    let receipt = try HTTPClient.local(caFile: server.certificate)
      .receipt(for: submission, to: server.url)
    #expect(receipt.http == 200)
    #expect(access(HostileEnvironment.keyLog, F_OK) != 0, "the session's keys were written to disk")
  }

  @Test func anotherNameIsNotTrusted() throws {
    let server = try TLSServer(name: "target.example")
    defer { server.stop() }
    let receipt = try HTTPClient.local(caFile: server.certificate)
      .receipt(for: .plain(), to: server.url)
    #expect(receipt.outcome == .fatal)
    #expect(receipt.code == .tlsFailed)
  }

  @Test func anOldVersionOfTLSIsNotSpoken() throws {
    let server = try TLSServer(arguments: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
    defer { server.stop() }
    let receipt = try HTTPClient.local(caFile: server.certificate)
      .receipt(for: .plain(), to: server.url)
    #expect(receipt.code == .tlsFailed)
    #expect(receipt.outcome == .retryable(after: nil))
  }

  @Test func aMissingAuthoritiesFileStopsTheRun() throws {
    let server = try TLSServer()
    defer { server.stop() }
    let receipt = try HTTPClient.local(caFile: server.folder + "/none.pem")
      .receipt(for: .plain(), to: server.url)
    #expect(receipt.outcome == .fatal)
    #expect(receipt.code == .tlsFailed)
  }

  @Test func aServerThatDiesDuringAnUploadLeavesItInDoubt() throws {
    let server = try TLSServer(arguments: [])
    // 4 GB of one shared piece: seconds of sending, without the memory.
    let piece = [UInt8](repeating: 0x61, count: 20_000_000)
    let request = HTTPRequest(
      method: "POST", url: server.url, headers: [], body: Array(repeating: piece, count: 200))
    startThread {
      try? blockFor(milliseconds: 1_000)
      server.stop()
    }
    let client = HTTPClient.local(expect: .never, deadline: 20, caFile: server.certificate)
    let exchange = client.send(request)
    guard case .unanswered(let cause) = exchange else {
      Issue.record("not in doubt: \(exchange)")
      return
    }
    #expect(cause.reason == .closed)
    #expect(cause.bodyBytes > 0)
  }

  @Test func aServerWithoutTLSIsNotSentTo() throws {
    let server = try FaultServer { connection, request in
      connection.answer("200 OK")
      return false
    }
    defer { server.stop() }
    let receipt = try HTTPClient.local(deadline: 3)
      .receipt(for: .plain(), to: "https://127.0.0.1:\(server.port)/")
    #expect(receipt.outcome != .accepted && receipt.outcome != .inDoubt)
    #expect(receipt.bodyBytes == 0)
    #expect(server.requests.isEmpty)
  }
}
