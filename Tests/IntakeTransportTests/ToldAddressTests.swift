import IntakeCore
import SubmitStage
import Testing

/// Requests to an address that a target told: it is their permission, and nothing else goes there.
@Suite(.timeLimit(.minutes(20)))
struct ToldAddressTests {
  private func submission(_ address: String) -> Submission {
    var submission = Submission.plain(method: "PUT", repeatSafety: .idempotent)
    submission.address = Secret(address)
    return submission
  }

  @Test func neitherKeyNorSignatureGoesThere() async throws {
    let (endpoint, storage) = (try SubmitTests.server(), try SubmitTests.server())
    defer {
      endpoint.stop()
      storage.stop()
    }
    let submit = try SubmitTests.stage([
      "endpoint": .text(endpoint.url()),
      "credentials": .text(#"command:echo '{"user":"u","pass":"canary"}'"#),
    ])
    let receipt = try await submit.run(
      submission(storage.url("/b/x?Signature=a%2Fb&Expires=9")), in: SubmitTests.context)
    #expect(receipt.outcome == .accepted)
    #expect(endpoint.requests.isEmpty)
    let head = try #require(storage.requests.first).head
    #expect(head.hasPrefix("PUT /b/x?Signature=a%2Fb&Expires=9 HTTP/1.1\r\n"))
    #expect(!head.lowercased().contains("x-api-key") && !head.contains("canary"))
  }

  @Test(arguments: [
    "http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "", "no address",
    "https://ann:pw@example.com/x", "http://127.0.0.1.example.com/x", "https://example.com/x y",
    "http://127.0.0.1:80@example.com/", "https://example.com/x#part",
  ])
  func anAddressThatIsNotSafeIsNotSentTo(address: String) async throws {
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let failure = await #expect(throws: StageFailure.self) {
      try await submit.run(submission(address), in: SubmitTests.context)
    }
    #expect(failure?.code == .uploadRefused)
    #expect(failure?.outcome == .rejected)
    #expect(address.isEmpty || failure?.description.contains(address) == false)
    #expect(server.requests.isEmpty)
  }

  /// A server elsewhere must not make this machine talk to itself.
  @Test(arguments: ["http", "https"])
  func aRemoteEndpointCannotNameThisMachine(scheme: String) async throws {
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text("https://target.example/v1")])
    let failure = await #expect(throws: StageFailure.self) {
      try await submit.run(
        submission("\(scheme)://localhost:\(server.port)/x"), in: SubmitTests.context)
    }
    #expect(failure?.code == .uploadRefused)
    #expect(server.requests.isEmpty)
  }

  @Test func aBodyOverTheLimitIsNotSentThereEither() async throws {
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    var submission = Submission.plain(2_001, limit: 2_000)
    submission.address = Secret(server.url())
    let large = submission
    let failure = await #expect(throws: StageFailure.self) {
      try await submit.run(large, in: SubmitTests.context)
    }
    #expect(failure?.code == .bodyTooLarge)
  }

  /// A refusal at such an address tells nothing about the credentials, so it must not stop the run.
  @Test(arguments: ["401 Unauthorized", "403 Forbidden"])
  func aRefusalThereIsTheTargetsToRead(status: String) async throws {
    let server = try SubmitTests.server(status, body: "<Error>AccessDenied</Error>")
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let there = try await submit.run(submission(server.url()), in: SubmitTests.context)
    #expect(there.outcome == .rejected)
    let here = try await submit.run(.plain(), in: SubmitTests.context)
    #expect(here.outcome == .fatal)
  }
}
