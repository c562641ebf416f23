import IntakeCore
import IntakeSandbox
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(20)))
struct ServerTests {
  static let path = "/v3/stable/api/storage"

  @Test func takenPortIsAClearError() throws {
    let box = try TestSandbox()
    let port = try #require(box.sandbox.address.split(separator: ":").last.flatMap { UInt16($0) })
    var configuration = SandboxConfiguration()
    configuration.port = port
    let second = try Sandbox(configuration)
    let error = #expect(throws: SandboxError.self) { try second.start() }
    #expect(error?.description.contains("\(port) is in use") == true)
  }

  @Test func stoppedSandboxStartsAgainWithWhatItHad() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com"))
    box.sandbox.stop()
    #expect(box.sandbox.address.isEmpty)
    #expect(throws: WireClient.Failure.self) { try box.get("/") }
    try box.sandbox.start()
    let client = try box.connect()
    #expect(try client.exchange("GET", "/sandbox/customers").text.contains("ada@example.com"))
  }

  @Test func stoppingEndsHangingRequests() throws {
    let box = try TestSandbox(faults: ["hang"])
    box.client.send(WireClient.request("POST", Self.path, body: Array("{}".utf8)))
    let other = try box.connect()
    while try other.exchange("GET", "/sandbox/requests").body.isEmpty {}
    box.sandbox.stop()
    #expect(try box.client.everything().isEmpty)
  }

  @Test func readyLineNamesBothEndpoints() throws {
    let box = try TestSandbox()
    let line = try JSONParser.parse(Array(box.sandbox.readyLine.utf8))
    #expect(line["dcams"]?.string == box.sandbox.address + Self.path)
    #expect(line["noah"]?.string == box.sandbox.address + "/v1")
  }

  @Test func adoptedCredentialsReplaceTheDefaults() throws {
    let box = try TestSandbox {
      $0.adopt(Credentials(["user": Secret("sandbox"), "pass": Secret("other")]))
    }
    #expect(try box.post(Request.create("ada@example.com")).status == 401)
    let status = Request.body(
      "getStatus", DCAMSStorageTests.email("ada@example.com"), pass: "other")
    #expect(try box.post(status).status == 404)
  }

  @Test func connectionServesManyRequests() throws {
    let box = try TestSandbox()
    for number in 0..<50 {
      #expect(try box.post(Request.create("a\(number)@example.com")).status == 200)
    }
    #expect(try box.requests().allSatisfy { $0["connection"]?.integer == 1 })
  }

  @Test func requestsThatCameAtOnceAreAnsweredInOrder() throws {
    let box = try TestSandbox()
    let client = try box.connect()
    let first = WireClient.request("GET", "/sandbox/customers")
    client.send(first + WireClient.request("GET", "/nowhere") + first)
    #expect(try client.answer().status == 200)
    #expect(try client.answer().status == 404)
    #expect(try client.answer().status == 200)
  }

  @Test(arguments: ["HTTP/1.0\r\n", "HTTP/1.1\r\nConnection: close\r\n"])
  func connectionEndsWhenTheClientWantsIt(version: String) throws {
    let box = try TestSandbox()
    box.client.send("GET /sandbox/customers \(version)\r\n")
    let text = String(decoding: try box.client.everything(), as: UTF8.self)
    #expect(text.contains("Connection: close") && text.hasSuffix("[]"))
  }

  @Test func chunkedBodiesAreRead() throws {
    let box = try TestSandbox()
    let body = Request.create("ada@example.com").text
    let half = body.utf8.count / 2
    let (first, second) = (body.prefix(half), body.dropFirst(half))
    box.client.send(
      "POST \(Self.path) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "\(String(first.utf8.count, radix: 16))\r\n\(first)\r\n"
        + "\(String(second.utf8.count, radix: 16));note=1\r\n\(second)\r\n0\r\nTrailer: 1\r\n\r\n")
    #expect(try box.client.answer().status == 200)
    #expect(try box.get("/").status == 200)
  }

  @Test func expectationIsAnsweredBeforeTheBody() throws {
    let box = try TestSandbox()
    let body = Array(Request.create("ada@example.com").text.utf8)
    let expect = "Expect: 100-continue\r\nContent-Length: \(body.count)\r\n\r\n"
    box.client.send("POST \(Self.path) HTTP/1.1\r\n" + expect)
    #expect(try box.client.head().status == 100)
    box.client.send(body)
    #expect(try box.client.answer().status == 200)
  }

  @Test func announcedGigabyteIsRefusedBeforeItComes() throws {
    let box = try TestSandbox()
    box.client.send("POST \(Self.path) HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n{")
    let answer = try box.client.answer()
    #expect(answer.status == 413)
    #expect(
      answer.text == #"{"result":"Error","message":"The request is larger than 10000000 bytes"}"#)
    #expect(try box.connect().exchange("GET", "/sandbox/requests").text.contains("\"status\":413"))
  }

  @Test func expectedBodyOverTheLimitIsRefusedWithoutContinue() throws {
    let box = try TestSandbox { $0.limits.body = 1000 }
    let expect = "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
    box.client.send("POST \(Self.path) HTTP/1.1\r\n" + expect)
    #expect(try box.client.head().status == 413)
  }

  @Test(arguments: [(1000, 400), (1001, 413)])
  func bodyLimitIsExact(size: Int, status: Int) throws {
    let box = try TestSandbox { $0.limits.body = 1000 }
    let body = [UInt8](repeating: UInt8(ascii: " "), count: size)
    #expect(try box.client.exchange("POST", Self.path, body: body).status == status)
    let chunked = try box.connect()
    chunked.send(
      Array("POST \(Self.path) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        + Array("\(String(size, radix: 16))\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8))
    #expect(try chunked.answer().status == status)
  }

  @Test func largeRequestsShareOneBudget() throws {
    let box = try TestSandbox {
      $0.limits.body = 1000
      $0.limits.bodiesInFlight = 1500
    }
    box.client.send("POST \(Self.path) HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
    let second = try box.connect()
    while try box.connect().exchange("POST", Self.path, body: [UInt8](repeating: 32, count: 900))
      .status != 503
    {}
    #expect(try second.exchange("POST", Self.path, body: Array("{}".utf8)).status == 401)
  }

  @Test func tenThousandHeaderFieldsAreRefused() throws {
    let box = try TestSandbox()
    box.client.send("GET / HTTP/1.1\r\n" + String(repeating: "X-A: b\r\n", count: 10_000) + "\r\n")
    #expect(try box.client.answer().status == 431)
  }

  @Test(arguments: [
    "GET\r\n\r\n", "GET / HTTP/1.1 extra\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n", "\r\n\r\n",
    "GET nowhere HTTP/1.1\r\n\r\n", "GET /\u{0} HTTP/1.1\r\n\r\n", "GET / FTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nNo colon\r\n\r\n", "GET / HTTP/1.1\r\n: empty\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
    "GET / HTTP/1.1\r\nA: \u{0}\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
  ])
  func malformedRequestsAreBadRequests(request: String) throws {
    let box = try TestSandbox()
    box.client.send(request)
    #expect(try box.client.answer().status == 400)
    #expect(try box.client.everything().isEmpty)
  }

  @Test(arguments: [
    ("GET / HTTP/2.0\r\n\r\n", 505), ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
  ])
  func unspokenVersionsAndCodingsAreNamed(request: String, status: Int) throws {
    let box = try TestSandbox()
    box.client.send(request)
    #expect(try box.client.answer().status == status)
  }

  @Test func threeHundredMutatedRequestsNeverHarmTheServer() throws {
    let box = try TestSandbox { $0.limits.bodyGap = 200 }
    var random = SeededRandom(seed: 20_261_121)
    let body = Array(Request.create("ada@example.com", DCAMSStorageTests.person).text.utf8)
    let honest = WireClient.request("POST", Self.path, body: body)
    for _ in 0..<300 {
      var bytes = honest
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      }
      let client = try box.connect()
      client.send(bytes)
      client.finishSending()
      _ = try? client.everything()
    }
    #expect(try box.post(Request.create("last@example.com")).status == 200)
  }

  @Test func silentAndHalfSentConnectionsAreGivenUp() throws {
    let box = try TestSandbox {
      $0.limits.idle = 150
      $0.limits.headTime = 150
      $0.limits.bodyGap = 150
    }
    for start in ["", "POST ", "POST \(Self.path) HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"] {
      let client = try box.connect(timeout: 3000)
      client.send(start)
      #expect(try client.everything().isEmpty)
    }
  }

  @Test func connectionsOverTheLimitAreTurnedAway() throws {
    let box = try TestSandbox { $0.limits.connections = 2 }
    #expect(try box.get("/").status == 200)
    let second = try box.connect()
    #expect(try second.exchange("GET", "/").status == 200)
    #expect(try box.connect().answer().status == 503)
    #expect(try box.get("/").status == 200)
  }

  @Test func oldImagesLoseTheirBytesButKeepSizeAndHash() throws {
    let box = try TestSandbox { $0.keptImageBytes = 100 }
    for number in 0..<5 {
      _ = try box.post(Request.create("a\(number)@example.com", front: Request.png(UInt8(number))))
    }
    let fronts = try box.customers().map { $0["images"]?["front"] }
    #expect(fronts.map { $0?["kept"]?.bool } == [false, false, true, true, true])
    #expect(
      fronts.allSatisfy { $0?["bytes"]?.integer == 30 && $0?["sha256"]?.string?.utf8.count == 64 })
    #expect(try box.get("/admin/images/100001/front").status == 410)
    #expect(try box.get("/admin/customers.php?id=100001").text.contains("no longer keeps"))
  }

  @Test func customersLongUntouchedAreReducedAndStayKnown() throws {
    let box = try TestSandbox { $0.wholeCustomers = 3 }
    for number in 0..<6 {
      _ = try box.post(Request.create("p\(number)@example.com", DCAMSStorageTests.person))
    }
    // The third is touched again, so it stays whole for longer than the fourth.
    _ = try box.post(Request.create("p3@example.com", DCAMSStorageTests.person))
    _ = try box.post(Request.create("p6@example.com", DCAMSStorageTests.person))
    let stored = try box.customers()
    #expect(stored.count == 7)
    let whole = stored.filter { $0["fields"]?.fields?.isEmpty == false }
    #expect(whole.map { $0["email"]?.string } == [3, 5, 6].map { "p\($0)@example.com" })
    let again = try box.post(Request.create("p0@example.com", DCAMSStorageTests.person))
    #expect(try again.json["type"]?.string == "updateCustomer")
    #expect(try box.get("/admin/customers.php?id=100002").text.contains("dropped to save memory"))
  }

  @Test func fullSandboxSaysSo() throws {
    let box = try TestSandbox { $0.keptCustomers = 1 }
    #expect(try box.post(Request.create("a@example.com")).status == 200)
    #expect(try box.post(Request.create("b@example.com")).status == 503)
    #expect(try box.post(Request.create("a@example.com")).status == 200)
  }
}
