import IntakeCore
import IntakeTransport
import Testing

/// Asking before the body goes out: what it saves, and what a server that does not know it costs.
@Suite(.timeLimit(.minutes(20)))
struct ExpectTests {
  @Test(arguments: [
    ("401 Unauthorized", OutcomeClass.fatal), ("413 Content Too Large", .rejected),
    ("400 Bad Request", .rejected), ("429 Slow Down", .yield(after: nil)),
    ("500 Oops", .retryable(after: nil)), ("503 Unavailable", .retryable(after: nil)),
  ])
  func anEarlyAnswerKeepsTheBodyHereAndIsDefinite(_ status: String, _ outcome: OutcomeClass) throws
  {
    let server = try FaultServer { connection, _ in
      connection.answer(status, ["Connection: close"])
      return false
    }
    defer { server.stop() }
    let receipt = try HTTPClient.local(expect: .auto, leaveTimeout: 60)
      .receipt(for: .plain(300_000), to: server.url())
    #expect(receipt.outcome == outcome)
    #expect(receipt.bodyBytes == 0)
    #expect(server.requests.count == 1)
  }

  @Test func aServerThatClosesInsteadOfAnsweringGotNothing() throws {
    let server = try FaultServer { _, _ in false }
    defer { server.stop() }
    let receipt = try HTTPClient.local(expect: .auto, leaveTimeout: 60)
      .receipt(for: .plain(300_000), to: server.url())
    #expect(receipt.outcome == .retryable(after: nil))
    #expect(receipt.code == .connectionFailed)
    #expect(receipt.bodyBytes == 0)
    #expect(server.requests.count == 1)
  }

  @Test func aRefusedExpectationIsSentOnceWithoutItAndNotTriedAgain() throws {
    let server = try FaultServer { connection, request in
      guard request.field("Expect") == nil else {
        connection.answer("417 Expectation Failed")
        return false
      }
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(expect: .auto, leaveTimeout: 60)
    for expected in [2, 3, 4] {
      let receipt = try client.receipt(for: .plain(300_000), to: server.url())
      #expect(receipt.outcome == .accepted)
      #expect(receipt.bodyBytes == 300_000)
      #expect(server.requests.count == expected)
    }
    #expect(server.requests.map { $0.field("Expect") != nil } == [true, false, false, false])
  }

  @Test func aServerThatAlwaysRefusesIsAskedTwiceAtMost() throws {
    let server = try FaultServer { connection, request in
      if request.field("Expect") == nil { request.takeBody(from: connection) }
      connection.answer("417 Expectation Failed")
      return true
    }
    defer { server.stop() }
    let receipt = try HTTPClient.local(expect: .auto, leaveTimeout: 60)
      .receipt(for: .plain(300_000), to: server.url())
    #expect(receipt.outcome == .rejected)
    #expect(server.requests.count == 2)
  }

  @Test func aServerThatNeverSaysContinueIsAskedOnce() throws {
    let server = try FaultServer { connection, request in
      _ = connection.readBody(request.bodySize)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(expect: .auto)
    for _ in 0..<3 {
      #expect(try client.receipt(for: .plain(300_000), to: server.url()).outcome == .accepted)
    }
    #expect(server.requests.map { $0.field("Expect") != nil } == [true, false, false])
  }

  @Test func onAKeptConnectionASmallBodyWaitsForLeaveToo() throws {
    let server = try FaultServer.takingAll()
    defer { server.stop() }
    let client = HTTPClient.local(expect: .auto, leaveTimeout: 60)
    for _ in 0..<3 {
      #expect(try client.receipt(for: .plain(300), to: server.url()).outcome == .accepted)
    }
    #expect(server.requests.map { $0.field("Expect") != nil } == [false, true, true])
    #expect(server.requests.map(\.onConnection) == [1, 2, 3])
  }

  /// However slow this machine is, a connection has "just answered" within an hour.
  @Test func aConnectionThatHasJustAnsweredTakesABodyAtOnce() throws {
    let server = try FaultServer.takingAll()
    defer { server.stop() }
    let client = HTTPClient.local(freshness: 3_600, leaveTimeout: 60)
    // The second is no larger, the third is.
    for size in [300_000, 300_000, 400_000, 400_000, 300, 0, 300] {
      #expect(try client.receipt(for: .plain(size), to: server.url()).outcome == .accepted)
    }
    #expect(
      server.requests.map { $0.field("Expect") != nil }
        == [true, false, true, false, false, false, false])
    // A request without a body has a connection of its own, and says nothing about the kept one.
    #expect(server.requests.map(\.onConnection) == [1, 2, 3, 4, 5, 1, 6])
    let always = HTTPClient.local(expect: .always, freshness: 3_600, leaveTimeout: 60)
    for _ in 0..<2 {
      #expect(try always.receipt(for: .plain(300), to: server.url()).outcome == .accepted)
    }
    #expect(server.requests.suffix(2).allSatisfy { $0.field("Expect") != nil })
  }

  /// Two hosts behind one client: what one has answered or taken in says nothing about the other.
  @Test func anAnswerCountsForItsOwnOrigin() throws {
    let servers = try (0..<2).map { _ in try FaultServer.takingAll() }
    defer { for server in servers { server.stop() } }
    let client = HTTPClient.local(freshness: 3_600, leaveTimeout: 60)
    for index in [0, 1, 1, 0, 0] {
      let receipt = try client.receipt(for: .plain(300_000), to: servers[index].url())
      #expect(receipt.outcome == .accepted)
    }
    #expect(servers[0].requests.map { $0.field("Expect") != nil } == [true, true, false])
    #expect(servers[1].requests.map { $0.field("Expect") != nil } == [true, false])
  }

  /// The target has had enough: whoever comes next asks before the body goes out.
  @Test func afterABadAnswerTheNextBodyWaitsForLeave() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer(request.onConnection == 2 ? "429 Slow Down" : "200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(freshness: 3_600, leaveTimeout: 60)
    for _ in 0..<4 { _ = try client.receipt(for: .plain(300_000), to: server.url()) }
    #expect(server.requests.map { $0.field("Expect") != nil } == [true, false, true, false])
  }

  /// One row is in doubt, and none after it.
  @Test func theFirstBreakEndsIt() throws {
    let server = try FaultServer { connection, request in
      let isExpected = request.field("Expect") != nil
      if request.onConnection > 1, !isExpected { return false }
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(freshness: 3_600, leaveTimeout: 60)
    let outcomes = try (0..<6).map { _ in
      try client.receipt(for: .plain(300_000), to: server.url()).outcome
    }
    #expect(outcomes == [.accepted, .inDoubt] + Array(repeating: .accepted, count: 4))
    #expect(
      server.requests.map { $0.field("Expect") != nil } == [true, false, true, true, true, true])
  }

  @Test(arguments: [
    (ExpectPolicy.auto, 60_000, false), (.auto, 70_000, true), (.always, 10, true),
    (.always, 0, false), (.never, 5_000_000, false),
  ])
  func thePolicyDecidesWhoIsAsked(_ policy: ExpectPolicy, _ size: Int, _ asks: Bool) throws {
    let server = try FaultServer.takingAll()
    defer { server.stop() }
    let receipt = try HTTPClient.local(expect: policy, leaveTimeout: 60)
      .receipt(for: .plain(size), to: server.url())
    #expect(receipt.bodyBytes == size)
    #expect(server.requests.map { $0.field("Expect") != nil } == [asks])
  }
}
