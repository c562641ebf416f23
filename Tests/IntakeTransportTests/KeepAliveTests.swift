import IntakeCore
import IntakeTransport
import Synchronization
import Testing

/// Kept connections that break: nothing may be sent twice behind our back.
@Suite(.timeLimit(.minutes(5)))
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
    let client = HTTPClient.quick()
    let outcomes = try (0..<4).map { _ in
      try client.receipt(for: .plain(method: method), to: server.url()).outcome
    }
    #expect(outcomes == [.accepted, .inDoubt, .accepted, .inDoubt])
    #expect(server.requests.count == 4)
  }

  /// Whether the break is seen before the first byte of the body or after it is a race; what is believed
  /// about it must not be.
  @Test(arguments: [Break.endAfterHeader, .resetAfterHeader], ["POST", "PUT"])
  func aBreakBeforeTheBodyNeverLetsTwoBodiesArrive(_ way: Break, method: String) throws {
    let oracle = Oracle()
    let server = try KeepAliveTests.server(way, oracle)
    defer { server.stop() }
    let client = HTTPClient.quick()
    let outcomes = try (0..<20).map { _ in
      try client.receipt(for: .plain(method: method), to: server.url()).outcome
    }
    #expect(outcomes.count { $0 == .accepted } == oracle.count)
    #expect(
      outcomes.allSatisfy { $0 == .accepted || $0 == .inDoubt || $0 == .retryable(after: nil) })
  }

  @Test(arguments: [Break.endAfterHeader, .resetAfterHeader])
  func aRequestWithoutABodyIsNotRepeatedEither(_ way: Break) throws {
    let server = try KeepAliveTests.server(way)
    defer { server.stop() }
    let client = HTTPClient.quick()
    let outcomes = try (0..<2).map { _ in
      try client.receipt(for: .plain(0), to: server.url()).outcome
    }
    #expect(outcomes == [.accepted, .inDoubt])
    #expect(server.requests.count == 2)
  }

  @Test func aBodyThatWasHeldBackMayFollowOnANewConnectionOnce() throws {
    let server = try KeepAliveTests.server(.endAfterHeader)
    defer { server.stop() }
    let client = HTTPClient.quick(expect: .auto)
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
    let client = HTTPClient.quick()
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
    let client = HTTPClient.quick(keeping: keeping)
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
    let client = HTTPClient.quick(deadline: 10)
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
