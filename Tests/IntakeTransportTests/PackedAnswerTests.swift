import IntakeCore
import IntakeTransport
import Testing

/// Answers that come packed although identity was asked for.
@Suite(.timeLimit(.minutes(20)))
struct PackedAnswerTests {
  private func receipt(_ encoding: String, _ body: [UInt8], status: String = "200 OK") throws
    -> (receipt: Receipt, requests: [SeenRequest])
  {
    let server = try FaultServer { connection, request in
      request.takeBody(from: connection)
      connection.send(
        "HTTP/1.1 \(status)\r\nContent-Encoding: \(encoding)\r\nContent-Length: \(body.count)\r\n\r\n"
      )
      connection.send(body)
      return true
    }
    defer { server.stop() }
    let receipt = try HTTPClient.local(deadline: 10).receipt(for: .plain(), to: server.url())
    return (receipt, server.requests)
  }

  @Test(arguments: [
    ("gzip", Packed.gzip(#"{"ok":true}"#)), ("x-gzip", Packed.gzip(#"{"ok":true}"#)),
    ("deflate", Packed.deflate(#"{"ok":true}"#)), ("identity", Array(#"{"ok":true}"#.utf8)),
  ])
  func aPackedAnswerIsReadAndWasNotAskedFor(_ encoding: String, _ body: [UInt8]) throws {
    let (receipt, requests) = try receipt(encoding, body)
    #expect(receipt.outcome == .accepted, "\(receipt.detail ?? "")")
    #expect(requests.map { $0.field("Accept-Encoding") } == ["identity"])
  }

  @Test func theCapCountsWhatIsUnpacked() throws {
    let (receipt, requests) = try receipt("gzip", Packed.bomb)
    #expect(receipt.outcome == .inDoubt)
    #expect(receipt.detail?.hasPrefix("the answer is over its size limit") == true)
    #expect(requests.count == 1)
  }

  /// The bomb is one: without the cap it would unpack to 64 MB.
  @Test func anInquiryWithRoomForItGetsAllOfTheBomb() throws {
    let server = try FaultServer { connection, request in
      connection.send(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(Packed.bomb.count)\r\n\r\n")
      connection.send(Packed.bomb)
      return true
    }
    defer { server.stop() }
    let request = HTTPRequest(method: "GET", url: server.url(), headers: [], body: [])
    let exchange = HTTPClient.local(deadline: 30).send(request, answerLimit: 80_000_000)
    guard case .answered(let response, _) = exchange else {
      Issue.record("no answer: \(exchange)")
      return
    }
    #expect(response.body.count > 60_000_000)
  }

  @Test(arguments: ["gzip", "deflate", "br, gzip"])
  func whatCannotBeUnpackedIsInDoubt(_ encoding: String) throws {
    let (receipt, requests) = try receipt(encoding, Array(#"{"ok":true}, not packed at all"#.utf8))
    #expect(receipt.outcome == .inDoubt)
    #expect(requests.count == 1)
  }

  @Test func aRefusalThatCannotBeUnpackedIsStillOne() throws {
    let (receipt, _) = try receipt("gzip", Array("garbage".utf8), status: "401 Unauthorized")
    #expect(receipt.outcome == .fatal)
    #expect(receipt.code == .credentialsRefused)
  }
}
