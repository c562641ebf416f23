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

/// Kept connections that break: nothing may be sent twice behind our back.
@Suite(.timeLimit(.minutes(20)))
struct KeepAliveTests {
  /// How the server treats the second request of a connection.
  enum Break: CaseIterable {
    case endAfterBody, resetAfterBody, endAfterHeader, resetAfterHeader
  }

  /// Counts the bodies that arrived whole: each is a submission.
  final class Oracle: Sendable {
    private let bodies = Atomic<Int>(0)
    var count: Int { bodies.load(ordering: .relaxed) }
    func add() { bodies.add(1, ordering: .relaxed) }
  }

  static func server(_ way: Break, _ oracle: Oracle = Oracle()) throws -> FaultServer {
    try FaultServer { connection, request in
      let isSecond = request.onConnection == 2
      if isSecond, way == .resetAfterHeader || way == .resetAfterBody { connection.reset() }
      if isSecond, way == .endAfterHeader || way == .resetAfterHeader { return false }
      if request.takeBody(from: connection) == request.bodySize { oracle.add() }
      if isSecond { return false }
      connection.answer("200 OK")
      return true
    }
  }

  @Test(arguments: [Break.endAfterBody, .resetAfterBody], ["POST", "PUT"])
  func aBrokenSecondRequestIsInDoubtAndNeverRepeated(_ way: Break, method: String) throws {
    let server = try KeepAliveTests.server(way)
    defer { server.stop() }
    let client = HTTPClient.local()
    let outcomes = try (0..<4).map { _ in
      try client.receipt(for: .plain(method: method), to: server.url()).outcome
    }
    #expect(outcomes == [.accepted, .inDoubt, .accepted, .inDoubt])
    #expect(server.requests.count == 4)
  }

  /// A server that closes a kept connection in the very moment of the next request: the body waits for leave there,
  /// so it goes out once, on a new connection, and nobody is in doubt.
  @Test(arguments: [Break.endAfterHeader, .resetAfterHeader], ["POST", "PUT"])
  func aBreakAtTheMomentOfTheNextRequestLeavesNobodyInDoubt(_ way: Break, method: String) throws {
    let oracle = Oracle()
    let server = try KeepAliveTests.server(way, oracle)
    defer { server.stop() }
    let client = HTTPClient.local(deadline: 10, leaveTimeout: 60)
    let outcomes = try (0..<20).map { _ in
      try client.receipt(for: .plain(method: method), to: server.url()).outcome
    }
    #expect(outcomes == Array(repeating: .accepted, count: 20))
    #expect(oracle.count == 20)
  }

  /// libcurl wants to send the second one again on a new connection, finds nobody there, and must not hold that
  /// against the third one.
  @Test(arguments: Break.allCases)
  func aServerThatIsBackAfterAnOutageGetsTheNextRequest(_ way: Break) throws {
    let server = try KeepAliveTests.server(way)
    let (client, url) = (HTTPClient.local(freshness: 600), server.url())
    #expect(try client.receipt(for: .plain(), to: url).outcome == .accepted)
    server.stop()
    // In doubt, unless the reset comes before the body has left.
    #expect(try client.receipt(for: .plain(), to: url).outcome != .accepted)
    #expect(try client.receipt(for: .plain(), to: url).outcome == .retryable(after: nil))
    let back = try FaultServer(at: server.port) { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { back.stop() }
    let third = try client.receipt(for: .plain(), to: url)
    #expect(third.outcome == .accepted, "\(third)")
    #expect(back.requests.count == 1)
  }

  /// A server that is about to close a kept connection may be silent for a while: no leave, no byte of the body.
  @Test func silenceOnAKeptConnectionSendsTheBodyOnANewOne() throws {
    let oracle = Oracle()
    let strays = Oracle()
    let server = try FaultServer { connection, request in
      guard request.onConnection == 1 else {
        if connection.readBody(1) > 0 { strays.add() }
        return false
      }
      if request.takeBody(from: connection) == request.bodySize { oracle.add() }
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(deadline: 20)
    let outcomes = try (0..<4).map { _ in
      try client.receipt(for: .plain(300), to: server.url()).outcome
    }
    #expect(outcomes == Array(repeating: .accepted, count: 4))
    #expect(oracle.count == 4)
    #expect(strays.count == 0)
    #expect(
      server.requests.map { $0.field("Expect") != nil } == [false, true, false, false, false])
  }

  /// The same as a race: the server closes what has been idle for 2 ms, the client comes back after 1 to 3 ms.
  @Test func aRaceWithAServerThatClosesIdleConnectionsLeavesNobodyInDoubt() throws {
    let oracle = Oracle()
    let server = try FaultServer { connection, request in
      if request.takeBody(from: connection) == request.bodySize { oracle.add() }
      connection.answer("200 OK")
      return connection.waitForMore(milliseconds: 2)
    }
    defer { server.stop() }
    let client = HTTPClient.local(deadline: 10)
    var random = SeededRandom.announced()
    let outcomes = try (0..<300).map { _ in
      usleep(useconds_t(Int.random(in: 1_000...3_000, using: &random)))
      return try client.receipt(for: .plain(300), to: server.url()).outcome
    }
    #expect(outcomes == Array(repeating: .accepted, count: 300))
    #expect(oracle.count == 300)
  }

  /// Nothing can be held back there, and a repeat would be a second request.
  @Test(arguments: [Break.endAfterHeader, .resetAfterHeader])
  func aRequestWithoutABodyThatChangesSomethingHasAConnectionOfItsOwn(_ way: Break) throws {
    let server = try KeepAliveTests.server(way)
    defer { server.stop() }
    let client = HTTPClient.local()
    let outcomes = try (0..<3).map { _ in
      try client.receipt(for: .plain(0), to: server.url()).outcome
    }
    #expect(outcomes == [.accepted, .accepted, .accepted])
    #expect(server.requests.map(\.onConnection) == [1, 1, 1])
  }

  /// Where the server must not be asked, or has shown that it cannot be, each body has a connection of its own.
  @Test(arguments: [ExpectPolicy.never, .auto])
  func aBodyThatCannotWaitHasAConnectionOfItsOwn(_ policy: ExpectPolicy) throws {
    let oracle = Oracle()
    let server = try FaultServer { connection, request in
      if policy == .auto, request.field("Expect") != nil {
        connection.answer("417 Expectation Failed")
        return true
      }
      if request.onConnection > 1 { return false }
      if connection.readBody(request.bodySize) == request.bodySize { oracle.add() }
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(expect: policy, deadline: 10, leaveTimeout: 60)
    let outcomes = try (0..<6).map { _ in
      try client.receipt(for: .plain(), to: server.url()).outcome
    }
    #expect(outcomes == Array(repeating: .accepted, count: 6))
    #expect(oracle.count == 6)
  }

  @Test func aBodyThatWasHeldBackMayFollowOnANewConnectionOnce() throws {
    let server = try KeepAliveTests.server(.endAfterHeader)
    defer { server.stop() }
    let client = HTTPClient.local(expect: .auto, leaveTimeout: 60)
    for _ in 0..<2 {
      let receipt = try client.receipt(for: .plain(300_000), to: server.url())
      #expect(receipt.outcome == .accepted)
      #expect(receipt.bodyBytes == 300_000)
    }
    #expect(server.requests.map(\.onConnection) == [1, 2, 1])
  }

  @Test func aConnectionThatWasClosedInBetweenIsReplaced() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return false
    }
    defer { server.stop() }
    let client = HTTPClient.local()
    for _ in 0..<3 {
      #expect(try client.receipt(for: .plain(), to: server.url()).outcome == .accepted)
      try blockFor(milliseconds: 50)
    }
    #expect(server.requests.map(\.onConnection) == [1, 1, 1])
  }

  @Test(arguments: [true, false])
  func connectionsAreKeptUnlessToldOtherwise(_ keeping: Bool) throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(keeping: keeping)
    for _ in 0..<3 { _ = try client.receipt(for: .plain(), to: server.url()) }
    #expect(server.requests.map(\.onConnection) == (keeping ? [1, 2, 3] : [1, 1, 1]))
  }

  @Test func manyThreadsShareOneClient() async throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local(deadline: 10)
    let url = server.url()
    let outcomes = try await withThrowingTaskGroup(of: OutcomeClass.self) { group in
      for _ in 0..<200 {
        group.addTask { try client.receipt(for: .plain(20_000), to: url).outcome }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count == 200)
    #expect(outcomes.allSatisfy { $0 == .accepted })
    #expect(server.requests.count == 200)
  }
}
