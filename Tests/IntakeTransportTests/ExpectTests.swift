import IntakeCore
import IntakeTransport
import Testing

/// Asking before the body goes out: what it saves, and what a server that does not know it costs.
@Suite(.timeLimit(.minutes(5)))
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
    let receipt = try HTTPClient.quick(expect: .auto)
      .receipt(for: .plain(300_000), to: server.url())
    #expect(receipt.outcome == outcome)
    #expect(receipt.bodyBytes == 0)
    #expect(server.requests.count == 1)
  }

  @Test func aServerThatClosesInsteadOfAnsweringGotNothing() throws {
    let server = try FaultServer { _, _ in false }
    defer { server.stop() }
    let receipt = try HTTPClient.quick(expect: .auto)
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
    let client = HTTPClient.quick(expect: .auto)
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
    let receipt = try HTTPClient.quick(expect: .auto)
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
    let client = HTTPClient.quick(expect: .auto, deadline: 5)
    for _ in 0..<3 {
      #expect(try client.receipt(for: .plain(300_000), to: server.url()).outcome == .accepted)
    }
    #expect(server.requests.map { $0.field("Expect") != nil } == [true, false, false])
  }

  @Test func onAKeptConnectionASmallBodyWaitsForLeaveToo() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.quick(expect: .auto, deadline: 5)
    for _ in 0..<3 {
      #expect(try client.receipt(for: .plain(300), to: server.url()).outcome == .accepted)
    }
    #expect(server.requests.map { $0.field("Expect") != nil } == [false, true, true])
    #expect(server.requests.map(\.onConnection) == [1, 2, 3])
  }

  @Test(arguments: [
    (ExpectPolicy.auto, 60_000, false), (.auto, 70_000, true), (.always, 10, true),
    (.always, 0, false), (.never, 5_000_000, false),
  ])
  func thePolicyDecidesWhoIsAsked(_ policy: ExpectPolicy, _ size: Int, _ asks: Bool) throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let receipt = try HTTPClient.quick(expect: policy, deadline: 5)
      .receipt(for: .plain(size), to: server.url())
    #expect(receipt.bodyBytes == size)
    #expect(server.requests.map { $0.field("Expect") != nil } == [asks])
  }
}
