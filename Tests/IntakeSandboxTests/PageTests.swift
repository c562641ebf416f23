import IntakeCore
import IntakeSandbox
import Testing

@Suite(.timeLimit(.minutes(20)))
struct PageTests {
  @Test func customerLinkOpensAPageThatShowsWhatArrived() throws {
    let box = try TestSandbox()
    let person = DCAMSStorageTests.person
    let answer = try box.post(Request.create("ada@example.com", person, back: Request.png(7)))
    let link = try #require(try answer.json["customer_link"]?.string)
    #expect(link == box.sandbox.address + "/admin/customers.php?a=edit&id=100001")
    let page = try box.get("/admin/customers.php?a=edit&id=100001")
    #expect(page.status == 200)
    let parts = [
      "Ada", "1 Elm St", "19800229", "3 × 2 px", "30 bytes", "PENDING", "created with",
      "sent as raw base64", "src=\"/admin/images/100001/back\"",
    ]
    for part in parts { #expect(page.text.contains(part), "the page lacks \(part)") }
  }

  @Test func pageNeverCarriesMarkupThatArrived() throws {
    let box = try TestSandbox()
    let nasty = "\"'><script>alert(1)</script>&amp;\u{1B}[2J"
    _ = try box.post(
      Request.create("a'b@example.com", [("fn", nasty)], reference: .string(nasty)))
    for address in ["/admin/customers.php?a=edit&id=100001", "/"] {
      let page = try box.get(address)
      #expect(!page.text.contains("<script"))
      #expect(!page.text.contains("\u{1B}"))
      #expect(page.text.contains("&lt;script&gt;") && page.text.contains("&amp;amp;"))
      #expect(page[header: "Content-Security-Policy"]?.contains("default-src 'none'") == true)
    }
  }

  @Test func imagesAreServedByteByByteAndNeverSniffed() throws {
    let box = try TestSandbox()
    let front = Request.png() + (0...255).map { UInt8($0) }
    _ = try box.post(Request.create("ada@example.com", front: front))
    let image = try box.get("/admin/images/100001/front")
    #expect(image.body == front)
    #expect(image[header: "Content-Type"] == "image/png")
    #expect(image[header: "X-Content-Type-Options"] == "nosniff")
  }

  @Test func bytesThatAreNoImageAreNotServedAsOne() throws {
    let box = try TestSandbox()
    _ = try box.post(
      Request.create("ada@example.com", front: Array("<svg onload='x'/>".utf8)))
    let image = try box.get("/admin/images/100001/front")
    #expect(image[header: "Content-Type"] == "application/octet-stream")
    #expect(
      try box.get("/admin/customers.php?id=100001").text.contains("neither a JPEG nor a PNG"))
  }

  @Test func jpegSizesAreReadFromTheFrameHeader() throws {
    let box = try TestSandbox()
    let jpeg: [UInt8] =
      [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC2, 0, 11, 8]
      + [0x01, 0x2C, 0x02, 0x58, 1, 1, 0x11, 0, 0xFF, 0xD9]
    _ = try box.post(Request.create("ada@example.com", front: jpeg))
    let image = try box.customers().first?["images"]?["front"]
    #expect(image?["format"]?.string == "jpeg")
    #expect(image?["width"]?.integer == 600)
    #expect(image?["height"]?.integer == 300)
  }

  @Test func indexListsTheCustomersOfBothAPIs() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com"))
    _ = try box.client.exchange(
      "PUT", "/v1/customers/c-7", NoahTests.key, body: NoahTests.individual())
    let page = try box.get("/").text
    #expect(page.contains("ada@example.com") && page.contains("c-7") && page.contains("2 stored"))
  }

  @Test(arguments: [
    "/admin/customers.php", "/admin/customers.php?id=x", "/admin/customers.php?id=99",
    "/admin/customers.php?id=99999999999999999999999", "/admin/images/100001/side",
    "/admin/images/1/front", "/admin/images/../../etc", "/nowhere", "/%2e%2e/%00",
  ])
  func addressesOfNothingAreNotFound(address: String) throws {
    let box = try TestSandbox()
    #expect(try box.get(address).status == 404)
  }

  @Test func headAnswersTheHeaderAlone() throws {
    let box = try TestSandbox()
    box.client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let (status, headers) = try box.client.head()
    #expect(status == 200)
    #expect(headers.contains { $0.name == "Content-Length" && $0.value != "0" })
    #expect(try box.get("/sandbox/customers").text == "[]")
  }

  @Test func webPagesOfOtherNamesAreTurnedAway() throws {
    let box = try TestSandbox()
    box.client.send("GET / HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n")
    #expect(try box.client.answer().status == 421)
    let reset = try box.connect()
    let origin = HTTPField("Origin", "http://127.0.0.1:1")
    #expect(try reset.exchange("POST", "/sandbox/reset", [origin]).status == 403)
  }

  @Test(arguments: [
    ("POST", "/sandbox/customers", "GET, HEAD"), ("DELETE", "/sandbox/requests", "GET, HEAD"),
    ("GET", "/sandbox/reset", "POST"),
  ])
  func controlAddressesSayWhichMethodsTheyTake(method: String, path: String, allowed: String) throws
  {
    let box = try TestSandbox()
    let answer = try box.client.exchange(method, path)
    #expect(answer.status == 405)
    #expect(answer[header: "Allow"] == allowed)
  }

  @Test func resetForgetsCustomersAndRequests() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com"))
    #expect(try box.client.exchange("POST", "/sandbox/reset").status == 204)
    #expect(try box.customers().isEmpty)
    #expect(try box.requests().isEmpty)
  }

  /// The body of a control address isn't read beyond 64 KiB, and nothing happens before it has come whole.
  @Test func aRequestThatIsNotWholeResetsNothing() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com"))
    let large = [UInt8](repeating: 0x20, count: 70_000)
    #expect(try box.connect().exchange("POST", "/sandbox/reset", body: large).status == 413)
    #expect(try box.connect().exchange("POST", "/nowhere", body: large).status == 404)
    let broken = try box.connect()
    broken.send(
      "POST /sandbox/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    #expect(try broken.answer().status == 400)
    #expect(try box.customers().count == 1)
  }

  @Test func requestLogTellsWhatHappenedToEachRequest() throws {
    let box = try TestSandbox()
    let body = Request.create("Ada@example.com")
    _ = try box.post(body)
    _ = try box.post(Request.body("getStatus", DCAMSStorageTests.email("no@example.com")))
    _ = try box.post(body)
    let log = try box.requests()
    #expect(log.map { $0["number"]?.integer } == [1, 2, 3])
    #expect(log.map { $0["status"]?.integer } == [200, 404, 200])
    #expect(log.map { $0["accepted"]?.bool } == [true, false, true])
    #expect(log.map { $0["try"]?.integer } == [1, 1, 2])
    #expect(log[0]["service"]?.string == "createOrUpdateCustomer")
    #expect(log[0]["customer"]?.string == "Ada@example.com")
    #expect(log[0]["bytes"]?.integer == body.text.utf8.count)
    #expect(log[0]["method"]?.string == "POST")
  }
}
