import IntakeCore
import IntakeSandbox
import Testing

/// What each fault looks like on the wire, and whether the request counts as accepted.
@Suite(.timeLimit(.minutes(20)))
struct FaultTests {
  static let create = Request.create("ada@example.com", DCAMSStorageTests.person)

  func isAccepted(_ box: TestSandbox) throws -> Bool? {
    let client = try box.connect()
    let log = try client.exchange("GET", "/sandbox/requests").body.split(separator: 0x0A)
    return try JSONParser.parse(Array(log.last ?? []))["accepted"]?.bool
  }

  @Test(arguments: [401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504])
  func statusesRefuseInTheVendorsForm(status: Int) throws {
    let box = try TestSandbox(faults: ["\(status)"])
    let answer = try box.post(Self.create)
    #expect(answer.status == status)
    #expect(try answer.json["result"]?.string == "Error")
    #expect(try isAccepted(box) == false)
    let noah = try box.client.exchange("GET", "/v1/customers/c-1", NoahTests.key)
    #expect(try noah.json["Type"]?.string != nil)
  }

  @Test func acceptedErrorsAreCarriedOutFirst() throws {
    let box = try TestSandbox(faults: ["500:accepted@1"])
    #expect(try box.post(Self.create).status == 500)
    #expect(try isAccepted(box) == true)
    #expect(try box.post(Self.create).json["type"]?.string == "updateCustomer")
  }

  @Test(arguments: ["2", "-5", "soon", "1000000000"])
  func retryAfterIsWhateverWasAskedFor(value: String) throws {
    let box = try TestSandbox(faults: ["429:retry-after=\(value)"])
    #expect(try box.post(Self.create)[header: "Retry-After"] == value)
  }

  @Test func retryAfterCanBeADate() throws {
    let box = try TestSandbox(faults: ["503:retry-after=date+5"])
    #expect(try box.post(Self.create)[header: "Retry-After"]?.hasSuffix(" GMT") == true)
  }

  @Test func challengePageMessageAndRedirectAreAsAskedFor() throws {
    let box = try TestSandbox(faults: [
      "401:www-authenticate@1", "502:html@2", "400:message=no%3A never@3", "redirect=302@4",
      "redirect:location=http%3A//example.com/@5",
    ])
    #expect(try box.post(Self.create)[header: "WWW-Authenticate"] != nil)
    #expect(try box.post(Self.create)[header: "Content-Type"]?.contains("html") == true)
    #expect(try box.post(Self.create).json["message"]?.string == "no: never")
    let redirect = try box.post(Self.create)
    #expect(redirect.status == 302 && redirect[header: "Location"] == "/v3/elsewhere")
    #expect(try box.post(Self.create)[header: "Location"] == "http://example.com/")
    #expect(try box.post(Self.create).json["type"]?.string == "createCustomer")
  }

  @Test func otherSuccessStatusesKeepTheVendorsBody() throws {
    let box = try TestSandbox(faults: ["202"])
    let answer = try box.post(Self.create)
    #expect(answer.status == 202)
    #expect(try answer.json["type"]?.string == "createCustomer")
  }

  @Test func resultErrorIsASuccessfulAnswerWithAnErrorInside() throws {
    let box = try TestSandbox(faults: ["result-error"])
    let answer = try box.post(Self.create)
    #expect(answer.status == 200)
    #expect(try answer.json["result"]?.string == "Error")
    #expect(try isAccepted(box) == false)
  }

  @Test func messagesCanLeakEscapeAndFlood() throws {
    let box = try TestSandbox(faults: ["echo-secret@1", "escapes@2", "long-message=70000@3"])
    let leak = try box.post(Self.create).text
    #expect(leak.contains("sandbox") && leak.contains("Quill") && leak.contains("ada@example.com"))
    #expect(try box.post(Self.create).json["message"]?.string?.contains("\u{1B}[2J") == true)
    #expect(try box.post(Self.create).body.count > 70_000)
  }

  static let contents: [(fault: String, start: String, isJSON: Bool)] = [
    ("html", "<!DOCTYPE html>", false), ("empty", "", false),
    ("truncated-json", #"{"result":"Success""#, false), ("wrong-types", #"{"result":7,"#, true),
    ("null-fields", #"{"result":null,"#, true), ("array", #"[{"result":"Success""#, true),
    ("duplicate-keys", #"{"result":"Error","status":"FAIL","result":"Success""#, false),
    ("status-lowercase", #"{"result":"success""#, true),
    ("deep-json", #"{"deep":[[[["#, false), ("huge-number", #"{"number":1e400,"#, true),
    ("lone-surrogate", #"{"half":"\ud800","#, false), ("bad-utf8", #"{"bytes":""#, false),
    ("bom", "\u{FEFF}{", false), ("gzip-bomb=1000000", "\u{1F}", false),
  ]

  @Test(arguments: contents)
  func contentIsSpoiledAfterTheRequestWasCarriedOut(
    fault: String, start: String, isJSON: Bool
  ) throws {
    let box = try TestSandbox(faults: [fault])
    let answer = try box.post(Self.create)
    #expect(answer.status == 200)
    #expect(answer.body.starts(with: start.utf8))
    let parsed = try? answer.json
    #expect((parsed != nil) == isJSON)
    #expect(try isAccepted(box) == true)
  }

  @Test func statusMovesOrBecomesUnknown() throws {
    let box = try TestSandbox(faults: ["status-elsewhere@1", "status-unknown@2", "extra-fields@3"])
    let moved = try box.post(Self.create).json
    #expect(moved["status"] == nil && moved["target"]?["status"]?.string == "PENDING")
    #expect(try box.post(Self.create).json["status"]?.string == "ESCALATED")
    #expect(try box.post(Self.create).json["x_added"] != nil)
  }

  @Test func utf16AndCookieAndBombAreMarkedInTheirBytes() throws {
    let box = try TestSandbox(faults: ["utf16@1", "set-cookie@2", "gzip-bomb@3"])
    #expect(try box.post(Self.create).body.starts(with: [0xFF, 0xFE, UInt8(ascii: "{"), 0]))
    #expect(try box.post(Self.create)[header: "Set-Cookie"] != nil)
    let bomb = try box.post(Self.create)
    #expect(bomb[header: "Content-Encoding"] == "gzip")
    #expect(bomb.body.count < 2_000_000)
  }

  /// Sends one request on a new connection and returns all bytes that came before the end.
  func wire(_ box: TestSandbox, _ body: JSONOutput = create) throws -> String {
    let client = try box.connect(timeout: 3000)
    let fields = [HTTPField("Connection", "close")]
    client.send(
      WireClient.request(
        "POST", ServerTests.path, fields, body: Array(body.text.utf8)))
    return String(decoding: try client.everything(), as: UTF8.self)
  }

  static let silences: [(fault: String, isAccepted: Bool)] = [
    ("close-after-accept", true), ("close-after-read", false), ("hang=300", false),
    ("hang=300:accepted", true),
  ]

  @Test(arguments: silences)
  func someRequestsGetNoAnswer(fault: String, accepted: Bool) throws {
    let box = try TestSandbox(faults: [fault])
    #expect(try wire(box).isEmpty)
    #expect(try isAccepted(box) == accepted)
  }

  @Test func keepaliveCloseEndsTheSecondRequestOfAConnection() throws {
    let box = try TestSandbox(faults: ["keepalive-close"])
    #expect(try box.post(Self.create).status == 200)
    #expect(throws: WireClient.Failure.ended(received: [])) { try box.post(Self.create) }
    #expect(try isAccepted(box) == false)
  }

  @Test(arguments: [("drop-after-accept", true), ("reset-after-read", false)])
  func dropsAreResets(fault: String, accepted: Bool) throws {
    let box = try TestSandbox(faults: [fault])
    #expect(throws: WireClient.Failure.ended(received: [])) { try wire(box) }
    #expect(try isAccepted(box) == accepted)
  }

  @Test(arguments: ["close-before", "reset-before"])
  func connectionsEndBeforeTheBody(fault: String) throws {
    let box = try TestSandbox(faults: [fault])
    box.client.send("POST \(ServerTests.path) HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
    #expect((try? box.client.everything())?.isEmpty ?? true)
    #expect(try isAccepted(box) == false)
  }

  static let wires: [(fault: String, part: String, end: String)] = [
    ("cut-header", "HTTP/1.1 200 OK\r\n", "\r\nContent-Le"),
    ("cut-body", "{\"result\":\"Success\"", ""),
    ("chunked", "Transfer-Encoding: chunked", "0\r\n\r\n"),
    ("bad-chunk", "\r\nzz\r\n", "rubbish\r\n"), ("obs-fold", "X-Folded: one\r\n two\r\n", "}"),
    ("nul-header", "X-Nul: a\u{0}b", "}"), ("http09", "{\"result\"", "}"),
    ("big-header=5000", "X-Filler: xxx", "}"), ("huge=100000", "Content-Length: 100000", "   "),
    ("drip=0", "HTTP/1.1 200 OK", "}"),
  ]

  @Test(arguments: wires)
  func answersAreSpoiledOnTheWire(fault: String, part: String, end: String) throws {
    let box = try TestSandbox(faults: [fault])
    let text = try wire(box)
    #expect(text.contains(part) && text.utf8.reversed().starts(with: end.utf8.reversed()))
    #expect(try isAccepted(box) == true)
  }

  @Test func cutBodyIsShorterThanAnnounced() throws {
    let box = try TestSandbox(faults: ["cut-body"])
    #expect(throws: WireClient.Failure.self) { try box.post(Self.create) }
  }

  @Test func twoLengthsDisagree() throws {
    let box = try TestSandbox(faults: ["two-lengths"])
    let lines = try wire(box).split(separator: "\r\n").filter { $0.hasPrefix("Content-Length") }
    #expect(lines.count == 2 && lines[0] != lines[1])
  }

  @Test func garbageIsNoHTTP() throws {
    let box = try TestSandbox(faults: ["garbage"])
    let client = try box.connect()
    client.send(WireClient.request("POST", ServerTests.path, body: Array(Self.create.text.utf8)))
    let bytes = try client.everything()
    #expect(bytes.count == 512 && bytes.allSatisfy { $0 >= 0x80 })
  }

  @Test func connectionsCloseAfterAnAnswerThatPromisedMore() throws {
    let box = try TestSandbox(faults: ["close-after-answer@1", "idle-close=100@2"])
    for _ in 0..<2 {
      let client = try box.connect(timeout: 3000)
      client.send(WireClient.request("POST", ServerTests.path, body: Array(Self.create.text.utf8)))
      let answer = try client.answer()
      #expect(answer.status == 200 && answer[header: "Connection"] == nil)
      #expect(try client.everything().isEmpty)
    }
  }

  @Test(arguments: ["latency=200", "slow=200", "drip=2"])
  func delaysAreAsLongAsAsked(fault: String) throws {
    let box = try TestSandbox(faults: [fault])
    let time = try ContinuousClock().measure { _ = try box.post(Self.create) }
    #expect(time > .milliseconds(195))
  }

  @Test func slowRequestsAreCarriedOutBeforeTheWait() throws {
    let box = try TestSandbox(faults: ["slow=60000"])
    box.client.send(
      WireClient.request("POST", ServerTests.path, body: Array(Self.create.text.utf8)))
    let other = try box.connect()
    while try other.exchange("GET", "/sandbox/customers").text == "[]" {}
    #expect(try isAccepted(box) == true)
  }
}
