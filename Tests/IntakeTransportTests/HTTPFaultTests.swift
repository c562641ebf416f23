import IntakeCore
import IntakeTransport
import Testing

/// What every broken or unwelcome answer is made of: its class, one request at the server, no hang.
@Suite(.timeLimit(.minutes(20)))
struct HTTPFaultTests {
  @Test(arguments: Fault.good + Fault.broken + Fault.refused, [true, false])
  func everyAnswerHasItsClassAndIsAskedForOnce(_ fault: Fault, keeping: Bool) throws {
    let server = try FaultServer(fault.behaviour)
    defer { server.stop() }
    let receipt = try HTTPClient.local(keeping: keeping, deadline: 5)
      .receipt(for: .plain(), to: server.url())
    #expect(receipt.outcome == fault.outcome, "\(receipt.detail ?? "")")
    #expect(receipt.code == fault.code)
    #expect(receipt.bodyBytes == 2_000)
    #expect(server.requests.count == 1)
  }

  @Test(arguments: Fault.good + Fault.broken + Fault.refused)
  func everyAnswerHasItsClassAfterLeaveForALargeBody(_ fault: Fault) throws {
    let server = try FaultServer(fault.behaviour)
    defer { server.stop() }
    let receipt = try HTTPClient.local(expect: .auto, deadline: 5)
      .receipt(for: .plain(300_000), to: server.url())
    #expect(receipt.outcome == fault.outcome, "\(receipt.detail ?? "")")
    #expect(receipt.code == fault.code)
    #expect(receipt.bodyBytes == 300_000)
    #expect(server.requests.count == 1)
    #expect(server.requests.first?.field("Expect") == "100-continue")
  }

  @Test(arguments: [301, 302, 303, 307, 308], ["POST", "GET"])
  func aRedirectIsNeverFollowed(_ status: Int, method: String) throws {
    let other = try FaultServer { connection, request in
      connection.answer("200 OK")
      return false
    }
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("\(status) Elsewhere", ["Location: \(other.url("/?token=canary"))"])
      return true
    }
    defer {
      other.stop()
      server.stop()
    }
    let submission = Submission.plain(method == "GET" ? 0 : 2_000, method: method)
    let receipt = try HTTPClient.local().receipt(for: submission, to: server.url())
    #expect(receipt.outcome == .fatal)
    #expect(receipt.code == .redirected)
    #expect(receipt.detail == "the target answered \(status), a redirect to the host 127.0.0.1")
    #expect(server.requests.count == 1)
    #expect(other.requests.isEmpty)
  }

  @Test func aServerThatNeverAnswersIsLeftAtTheDeadline() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.waitForEnd()
      return false
    }
    defer { server.stop() }
    let receipt = try HTTPClient.local(deadline: 1).receipt(for: .plain(), to: server.url())
    #expect(receipt.outcome == .inDoubt)
    #expect(server.requests.count == 1)
  }

  @Test func aDrippingAnswerIsLeftAtTheDeadline() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
      // The whole body would take 14 hours.
      while connection.send(" ") { try? blockFor(milliseconds: 50) }
      return false
    }
    defer { server.stop() }
    let receipt = try HTTPClient.local(deadline: 1).receipt(for: .plain(), to: server.url())
    #expect(receipt.outcome == .inDoubt)
  }

  @Test func aServerThatStopsReadingIsLeftAtTheDeadline() throws {
    let gate = Gate()
    let server = try FaultServer { _, _ in
      gate.wait()
      return false
    }
    defer {
      gate.open()
      server.stop()
    }
    let receipt = try HTTPClient.local(expect: .never, deadline: 1)
      .receipt(for: .plain(20_000_000), to: server.url())
    #expect(receipt.outcome == .inDoubt)
  }

  @Test func aStalledUploadIsLeftBeforeTheDeadline() throws {
    let gate = Gate()
    let server = try FaultServer { _, _ in
      gate.wait()
      return false
    }
    defer {
      gate.open()
      server.stop()
    }
    HostileEnvironment.enter()
    var settings = HTTPSettings()
    settings.stallWindow = 1
    settings.expect = .never
    let receipt = try HTTPClient(settings).receipt(for: .plain(20_000_000), to: server.url())
    #expect(receipt.outcome == .inDoubt)
    #expect(receipt.detail?.hasPrefix("the target stopped reading after ") == true)
  }

  @Test func aSlowAnswerIsNoStall() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      try? blockFor(milliseconds: 2_500)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    HostileEnvironment.enter()
    var settings = HTTPSettings()
    settings.stallWindow = 0.5
    let receipt = try HTTPClient(settings).receipt(for: .plain(300_000), to: server.url())
    #expect(receipt.outcome == .accepted)
  }

  @Test func aCookieIsNotSentBack() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK", ["Set-Cookie: session=1; Path=/"])
      return true
    }
    defer { server.stop() }
    let client = HTTPClient.local()
    for _ in 0..<2 { _ = try client.receipt(for: .plain(), to: server.url()) }
    #expect(server.requests.count == 2)
    #expect(server.requests.allSatisfy { $0.field("Cookie") == nil })
  }

  @Test func aClosedPortIsDefinitelyNotSent() throws {
    let server = try FaultServer { _, _ in false }
    server.stop()
    try blockFor(milliseconds: 100)
    let receipt = try HTTPClient.local().receipt(for: .plain(), to: server.url())
    #expect(receipt.outcome == .retryable(after: nil))
    #expect(receipt.code == .connectionFailed)
    #expect(receipt.bodyBytes == 0)
  }

  @Test func aNameThatDoesNotResolveIsDefinitelyNotSent() throws {
    let receipt = try HTTPClient.local(deadline: 3)
      .receipt(for: .plain(), to: "https://nowhere.invalid/")
    #expect(receipt.outcome == .retryable(after: nil))
    #expect(receipt.code == .connectionFailed)
  }

  @Test func aRaisedFlagEndsAHangingExchange() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.waitForEnd()
      return false
    }
    defer { server.stop() }
    let abort = AbortFlag()
    startThread {
      try? blockFor(milliseconds: 300)
      abort.raise()
    }
    let submission = Submission.plain()
    let request = try PlainTarget().request(
      for: submission, endpoint: server.url(), credentials: nil, at: 0)
    let exchange = HTTPClient.local(deadline: 20).send(request, abort: abort)
    guard case .unanswered(let cause) = exchange else {
      Issue.record("not in doubt: \(exchange)")
      return
    }
    #expect(cause.reason == .aborted)
    #expect(cause.bodyBytes == 2_000)
  }

  @Test func theHeaderTellsNothingAboutTheMachine() throws {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.answer("200 OK")
      return true
    }
    defer { server.stop() }
    _ = try HTTPClient.local().receipt(for: .plain(), to: server.url("/a/../b?c=d"))
    let names = server.requests.first?.head.split(separator: "\r\n").dropFirst().compactMap {
      $0.split(separator: ":").first.map { $0.lowercased() }
    }
    #expect(
      Set(names ?? []) == [
        "host", "user-agent", "accept", "content-type", "x-api-key", "accept-encoding",
        "content-length",
      ])
    #expect(server.requests.first?.head.hasPrefix("POST /a/../b?c=d HTTP/1.1\r\n") == true)
    #expect(server.requests.first?.field("Accept-Encoding") == "identity")
  }
}
