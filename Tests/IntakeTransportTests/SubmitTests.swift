import IntakeCore
import SubmitStage
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The stage as a pipeline uses it.
@Suite(.timeLimit(.minutes(20)))
struct SubmitTests {
  static let context = StageContext(row: RowReference(line: 2))

  static func stage(_ values: [String: OptionValue]) throws -> Submit {
    try Submit(given: values)
  }

  static func server(_ status: String = "200 OK", body: String = #"{"ok":true}"#) throws
    -> FaultServer
  {
    try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer(status, body: body)
      return true
    }
  }

  @Test func aRequestIsSentOnceAndItsReceiptFilled() async throws {
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    try await submit.prepare()
    let receipt = try await submit.run(.plain(300_000), in: SubmitTests.context)
    await submit.finish()
    #expect(receipt.outcome == .accepted)
    #expect(receipt.http == 200)
    #expect(receipt.bodyBytes == 300_000)
    #expect(server.requests.count == 1)
  }

  @Test func aBodyOverTheLimitIsRejectedBeforeAnythingIsSent() async throws {
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let failure = await #expect(throws: StageFailure.self) {
      try await submit.run(.plain(2_001, limit: 2_000), in: SubmitTests.context)
    }
    #expect(failure?.code == .bodyTooLarge)
    #expect(failure?.outcome == .rejected)
    #expect(failure?.detail.contains("2001 bytes, the limit is 2000") == true)
    #expect(server.requests.isEmpty)
    #expect(
      try await submit.run(.plain(2_000, limit: 2_000), in: SubmitTests.context).outcome
        == .accepted)
  }

  @Test func credentialsThatTheTargetCannotUseStopTheRunBeforeAnythingIsSent() async throws {
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage([
      "endpoint": .text(server.url()), "credentials": .text(#"command:echo '{"pass":"canary"}'"#),
    ])
    try await submit.prepare()
    #expect(throws: StageFailure.self) { try submit.check(PlainTarget()) }
    let failure = await #expect(throws: StageFailure.self) {
      try await submit.run(.plain(), in: SubmitTests.context)
    }
    #expect(failure?.outcome == .fatal)
    #expect(server.requests.isEmpty)
  }

  @Test func secretsStandInTheBodyOnly() async throws {
    let folder = try TemporaryFolder.make()
    let path = try TemporaryFolder.write(
      #"{"user":"u","pass":"p\"w"}"#, to: folder + "/c", mode: 0o600)
    let server = try SubmitTests.server()
    defer { server.stop() }
    let submit = try SubmitTests.stage([
      "endpoint": .text(server.url()), "credentials": .text(path),
    ])
    try await submit.prepare()
    #expect(unlink(path) == 0, "the file is read once")
    var submission = Submission.plain(0)
    submission.body = [
      .bytes(Array(#"{"pass":""#.utf8)), .secret("pass"), .bytes(Array(#""}"#.utf8)),
    ]
    let receipt = try await submit.run(submission, in: SubmitTests.context)
    #expect(receipt.bodyBytes == #"{"pass":"p\"w"}"#.utf8.count)
  }

  @Test(arguments: [
    [:], ["endpoint": ""], ["endpoint": "http://target.example/"],
    ["endpoint": "https://user:canary@target.example/"],
    ["endpoint": "https://target.example/", "credentials": "/nonexistent/file"],
  ])
  func whatCannotWorkIsRefusedInPrepare(_ values: [String: String]) async throws {
    let submit = try SubmitTests.stage(values.mapValues { .text($0) })
    let failure = await #expect(throws: StageFailure.self) { try await submit.prepare() }
    #expect(failure?.outcome == .fatal)
    #expect(failure?.hint.isEmpty == false)
    #expect(failure?.description.contains("canary") == false)
  }

  /// What the commands wait for can only happen while a thread of the pool is free: there is one a core.
  @Test func waitingForCredentialsLeavesThePoolToOthers() async throws {
    let folder = try TemporaryFolder.make()
    let command = "until [ -e \(folder)/go ]; do sleep 0.05; done; echo '{\"user\":\"u\"}'"
    let stages = try (0...sysconf(Int32(_SC_NPROCESSORS_ONLN))).map { _ in
      try SubmitTests.stage([
        "endpoint": .text("https://target.example/"), "credentials": .text("command:" + command),
      ])
    }
    try await withThrowingTaskGroup { group in
      for stage in stages { group.addTask { try await stage.prepare() } }
      group.addTask { try TemporaryFolder.write("", to: folder + "/go", mode: 0o600) }
      try await group.waitForAll()
    }
  }

  @Test(arguments: [
    ("timeout", OptionValue.integer(0)), ("timeout", .number(.nan)), ("timeout", .number(1e18)),
    ("expect", .text("maybe")), ("max-answer", .integer(0)), ("endpont", .text("https://a")),
  ])
  func optionsOutOfRangeAreRefused(_ name: String, _ value: OptionValue) {
    #expect(throws: OptionError.self) { try SubmitTests.stage([name: value]) }
  }

  @Test func anInquiryHandsBackAnAnswerLargerThanAReceipts() async throws {
    let body = String(repeating: "a", count: 3_000_000)
    let server = try SubmitTests.server(body: body)
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let response = try await submit.ask(
      .plain(100, repeatSafety: .safe), in: SubmitTests.context)
    #expect(response.status == 200)
    #expect(response.body.count == 3_000_000)
  }

  @Test(arguments: [
    ("401 Unauthorized", OutcomeClass.fatal), ("429 Slow Down", .yield(after: nil)),
    ("500 Oops", .retryable(after: nil)), ("302 Found", .fatal),
  ])
  func anInquiryWithoutAUsableAnswerThrowsItsClass(_ status: String, _ outcome: OutcomeClass)
    async throws
  {
    let server = try SubmitTests.server(status)
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let failure = await #expect(throws: Receipt.self) {
      try await submit.ask(.plain(100, repeatSafety: .safe), in: SubmitTests.context)
    }
    #expect(failure?.outcome == outcome)
  }

  @Test func anUnknownCustomerIsTheTargetsToRead() async throws {
    let server = try SubmitTests.server("404 Not Found")
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let response = try await submit.ask(.plain(9, repeatSafety: .safe), in: SubmitTests.context)
    #expect(response.status == 404)
  }

  @Test func cancellingTheTaskEndsTheExchangeInDoubt() async throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.waitForEnd()
      return false
    }
    defer { server.stop() }
    let submit = try SubmitTests.stage(["endpoint": .text(server.url())])
    let sending = Task { try await submit.run(.plain(), in: SubmitTests.context) }
    startThread {
      while server.requests.isEmpty { try? blockFor(milliseconds: 20) }
      try? blockFor(milliseconds: 200)
      sending.cancel()
    }
    let receipt = try await sending.value
    #expect(receipt.outcome == .inDoubt)
    #expect(receipt.detail == "the run was stopped after 2000 bytes of the body")
  }
}
