import IntakeCore
import IntakeSandbox
import Testing

/// Faults before the body is read, and how faults choose their requests.
@Suite(.timeLimit(.minutes(20)))
struct FaultOpeningTests {
  static let create = Request.create("ada@example.com")

  /// Sends a header that expects an interim answer; the body is sent by the test.
  func announce(_ client: WireClient, _ size: Int) {
    client.send(
      "POST \(ServerTests.path) HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: \(size)\r\n\r\n"
    )
  }

  @Test(arguments: [("413-early", 413), ("early=401", 401), ("500-early", 500)])
  func earlyAnswersComeBeforeTheBodyAndClose(fault: String, status: Int) throws {
    let box = try TestSandbox(faults: [fault])
    announce(box.client, 1000)
    let answer = try box.client.answer()
    #expect(answer.status == status && answer[header: "Connection"] == "close")
    #expect(try box.client.everything().isEmpty)
  }

  @Test func abruptEarlyAnswersResetALargeUpload() throws {
    let box = try TestSandbox(faults: ["413-early:abrupt"])
    let bytes = [UInt8](repeating: 32, count: 9_000_000)
    let request = WireClient.request("POST", ServerTests.path, body: bytes)
    #expect(box.client.send(request) < request.count)
  }

  @Test func failedExpectationLeavesTheConnectionForARequestWithoutIt() throws {
    let box = try TestSandbox(faults: ["417"])
    announce(box.client, 1000)
    #expect(try box.client.answer().status == 417)
    #expect(try box.post(Self.create).status == 200)
  }

  @Test func continueIsNeverSentOrSentTooOften() throws {
    let box = try TestSandbox(faults: ["never-100@1", "100-flood=5@2"])
    let body = Array(Self.create.text.utf8)
    announce(box.client, body.count)
    box.client.send(body)
    #expect(try box.client.head().status == 200)
    let flooded = try box.connect()
    announce(flooded, body.count)
    flooded.send(body)
    for _ in 0..<5 { #expect(try flooded.head().status == 100) }
    #expect(try flooded.answer().status == 200)
  }

  @Test func continueThenCloseLeavesNoAnswer() throws {
    let box = try TestSandbox(faults: ["100-close"])
    announce(box.client, 10)
    #expect(try box.client.head().status == 100)
    #expect((try? box.client.everything())?.isEmpty ?? true)
  }

  @Test func stalledReadingStopsALargeUpload() throws {
    let box = try TestSandbox(faults: ["stall-read=500"])
    let client = try box.connect(timeout: 200)
    let bytes = [UInt8](repeating: 32, count: 9_000_000)
    #expect(client.send(WireClient.request("POST", ServerTests.path, body: bytes)) < bytes.count)
  }

  @Test func throttledReadingTakesItsTime() throws {
    let box = try TestSandbox(faults: ["throttle=2000"])
    let body = Request.create("ada@example.com", [("addr", String(repeating: "x", count: 700))])
    let time = try ContinuousClock().measure { _ = try box.post(body) }
    #expect(time > .milliseconds(300))
  }

  @Test func numbersChooseRequests() throws {
    let box = try TestSandbox(faults: ["501@2", "502@4-5", "503@7-", "504@every:3"])
    let statuses = try (1...8).map { _ in try box.post(Self.create).status }
    #expect(statuses == [200, 501, 504, 502, 502, 504, 503, 503])
  }

  @Test func triesCountForEachCustomer() throws {
    let box = try TestSandbox(faults: ["503@try=1"])
    let emails = ["a@example.com", "b@example.com", "A@example.com", "a@example.com"]
    let statuses = try emails.map { try box.post(Request.create($0)).status }
    #expect(statuses == [503, 503, 200, 200])
  }

  @Test func addressesServicesAndConnectionsChooseRequests() throws {
    let box = try TestSandbox(faults: [
      "501@email=*SLOW*", "502@service=get*", "503@connection=2", "504@id=c-?",
    ])
    #expect(try box.post(Request.create("very.slow@example.com")).status == 501)
    #expect(try box.post(Request.create("fast@example.com")).status == 200)
    let status = Request.body("getStatus", DCAMSStorageTests.email("fast@example.com"))
    #expect(try box.post(status).status == 502)
    #expect(try box.client.exchange("GET", "/v1/customers/c-1", NoahTests.key).status == 502)
    let put = try box.client.exchange("PUT", "/v1/customers/c-1", NoahTests.key)
    #expect(put.status == 504)
    let second = try box.connect()
    #expect(
      try second.exchange("POST", ServerTests.path, body: Array(Self.create.text.utf8)).status
        == 503)
  }

  @Test func faultsOfDifferentPhasesActTogetherAndTheFirstOfAPhaseWins() throws {
    let box = try TestSandbox(faults: ["500", "503", "set-cookie", "chunked", "latency=1"])
    let body = Array(Self.create.text.utf8)
    box.client.send(WireClient.request("POST", ServerTests.path, body: body))
    let (status, headers) = try box.client.head()
    #expect(status == 500)
    #expect(headers.contains { $0.name == "Set-Cookie" })
    #expect(headers.contains { $0.name == "Transfer-Encoding" })
    let log = try box.connect().exchange("GET", "/sandbox/requests").json["faults"]
    #expect(
      log?.elements?.compactMap(\.string) == ["500", "set-cookie", "chunked", "latency=1"])
  }

  @Test func pagesAndControlAreNeverFaulty() throws {
    let box = try TestSandbox(faults: ["500", "close-before"])
    #expect(try box.get("/").status == 200)
    #expect(try box.requests().isEmpty)
  }
}
