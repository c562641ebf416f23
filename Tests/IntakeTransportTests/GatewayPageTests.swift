import IntakeCore
import IntakeSystem
import IntakeTransport
import Synchronization
import TestSupport
import Testing

/// Web pages of what stands in front of a target: what they mean, and what to do about them.
@Suite(.timeLimit(.minutes(20)))
struct GatewayPageTests {
  static func nginx(_ title: String) -> String {
    "<html>\r\n<head><title>\(title)</title></head>\r\n<body>\r\n<center><h1>\(title)</h1></center>\r\n"
      + "<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
  }

  static func haproxy(_ title: String, _ sentence: String) -> String {
    "<html><body><h1>\(title)</h1>\n\(sentence)\n</body></html>\n"
  }

  private func receipt(
    _ status: Int, _ body: String, _ fields: [HTTPField] = [],
    repeatSafety: RepeatSafety = .converges
  ) -> Receipt {
    let response = HTTPResponse(status: status, headers: fields, body: Array(body.utf8))
    return Receipt(
      of: .answered(response, SentBody(whole: 2_000)), for: .plain(repeatSafety: repeatSafety),
      at: 0)
  }

  struct Page: Sendable, CustomTestStringConvertible {
    let status: Int
    let body: String
    let outcome: OutcomeClass
    let code: FailureCode
    let detail: String
    let hint: String
    var testDescription: String { "\(status) \(detail)" }

    init(
      _ status: Int, _ body: String, _ outcome: OutcomeClass, _ code: FailureCode,
      _ detail: String, _ hint: String
    ) {
      self.status = status
      self.body = body
      self.outcome = outcome
      self.code = code
      self.detail = detail
      self.hint = hint
    }
  }

  @Test(arguments: [
    Page(
      400, nginx("400 No required SSL certificate was sent"), .fatal, .tlsFailed,
      "an HTML page of nginx, not of the API: it wants a client certificate", "--client-cert"),
    Page(
      400, nginx("400 The SSL certificate error"), .fatal, .tlsFailed, "of nginx", "--client-key"),
    Page(
      400, nginx("400 The plain HTTP request was sent to HTTPS port"), .fatal, .wrongEndpoint,
      "it expects TLS", "https://"),
    Page(400, nginx("400 Bad Request"), .rejected, .refusedByGateway, "of nginx", "log of nginx"),
    Page(
      400, haproxy("400 Bad request", "Your browser sent an invalid request."), .rejected,
      .refusedByGateway, "of HAProxy", "log of HAProxy"),
    Page(403, nginx("403 Forbidden"), .rejected, .refusedByGateway, "of nginx", "attack"),
    Page(
      403, haproxy("403 Forbidden", "Request forbidden by administrative rules."), .rejected,
      .refusedByGateway, "of HAProxy", "attack"),
    Page(
      403, "<!DOCTYPE html><title>Access Denied</title>", .rejected, .refusedByGateway,
      "an HTML page, not of the API", "address"),
    Page(
      403, "<html><h1>Forbidden</h1></html>", .fatal, .credentialsRefused, "an HTML page, not",
      "credentials file"),
    Page(
      401, nginx("401 Authorization Required"), .fatal, .credentialsRefused, "of nginx",
      "a login of its own"),
    Page(
      413, nginx("413 Request Entity Too Large"), .rejected, .bodyTooLarge, "of nginx",
      "client_max_body_size"),
    Page(502, nginx("502 Bad Gateway"), .inDoubt, .targetFailed, "of nginx", "did not get through"),
    Page(
      502,
      haproxy("502 Bad Gateway", "The server returned an invalid or incomplete response."),
      .inDoubt, .targetFailed, "of HAProxy", "did not get through"),
    Page(504, nginx("504 Gateway Time-out"), .inDoubt, .targetFailed, "of nginx", "in vain"),
    Page(
      503, nginx("503 Service Temporarily Unavailable"), .yield(after: nil), .throttled, "of nginx",
      "--rate"),
    Page(
      503,
      haproxy("503 Service Unavailable", "No server is available to handle this request."),
      .yield(after: nil), .throttled, "of HAProxy", "--rate"),
    Page(
      503, "<html><body>Maintenance</body></html>", .inDoubt, .targetFailed, "an HTML page, not",
      "did not get through"),
    Page(429, nginx("429 Too Many Requests"), .yield(after: nil), .throttled, "of nginx", "--rate"),
    Page(
      431, nginx("431 Request Header Fields Too Large"), .rejected, .refusedByGateway, "of nginx",
      "log"),
  ])
  func aPageMeansWhatItsAuthorMeansByIt(_ page: Page) {
    let receipt = receipt(page.status, page.body)
    #expect(receipt.outcome == page.outcome)
    #expect(receipt.code == page.code)
    #expect(receipt.http == page.status)
    #expect(receipt.detail?.contains(page.detail) == true, "\(receipt.detail ?? "")")
    let hint = receipt.hint ?? receipt.code?.hint ?? ""
    #expect(hint.contains(page.hint), "\(hint)")
    #expect(receipt.detail?.contains("<") == false)
  }

  @Test func anAskedForPauseCountsBesideThePage() {
    let receipt = receipt(503, Self.nginx("503"), [HTTPField("Retry-After", "7")])
    #expect(receipt.outcome == .yield(after: 7))
    #expect(receipt.hint?.contains("--rate") == true)
  }

  /// The same without a page is the target's own: nothing changes for it.
  @Test(arguments: [
    (400, OutcomeClass.rejected, FailureCode.refusedByTarget), (403, .fatal, .credentialsRefused),
    (502, .inDoubt, .targetFailed), (503, .inDoubt, .targetFailed), (413, .rejected, .bodyTooLarge),
  ])
  func anAnswerThatIsNoPageStaysTheTargets(
    _ status: Int, _ outcome: OutcomeClass, _ code: FailureCode
  ) {
    for body in [#"{"error":"<html> nginx"}"#, "", "nginx said no", "<error>no</error>"] {
      let receipt = receipt(status, body)
      #expect(receipt.outcome == outcome)
      #expect(receipt.code == code)
      #expect(receipt.detail?.contains("HTML") != true)
    }
  }

  /// A gateway that lets one request in 10 ms through, without `Retry-After`: the run slows down and ends well.
  @Test func aGatewayThatLimitsTheRateSlowsTheRunDown() async throws {
    let folder = TestSupport.TemporaryFolder()
    let sandbox = try await SandboxProcess(folder)
    let port = try #require(UInt16(sandbox.port))
    let page = Self.nginx("503 Service Temporarily Unavailable")
    let limiter = RateLimiter(milliseconds: 10)
    let gateway = try FaultServer { connection, request in
      guard limiter.admits() else {
        connection.answer("503 Service Temporarily Unavailable", ["Connection: close"], body: page)
        return false
      }
      if let body = connection.body(of: request) { connection.forward(request, body, to: port) }
      return false
    }
    defer { gateway.stop() }
    let batch = CustomerBatch(rows: 16, in: folder)
    let command = batch.arguments(endpoint: gateway.url("/v3/stable/api/storage"))
    let result = try await Program(folder: folder).start(command + ["--concurrency", "8"]).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(gateway.requests.count > 16, "nothing was turned away")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  /// Only requests that were on their way when the first 413 came are as large as that one.
  @Test func aLimitThatAGatewayTaughtIsRemembered() async throws {
    let folder = TestSupport.TemporaryFolder()
    let sandbox = try await SandboxProcess(folder)
    let port = try #require(UInt16(sandbox.port))
    let refusals = Mutex(0)
    let gateway = try FaultServer { connection, request in
      guard request.bodySize <= 150_000 else {
        refusals.withLock { $0 += 1 }
        let page = Self.nginx("413 Request Entity Too Large")
        connection.answer("413 Request Entity Too Large", ["Connection: close"], body: page)
        return false
      }
      if let body = connection.body(of: request) { connection.forward(request, body, to: port) }
      return false
    }
    defer { gateway.stop() }
    let batch = CustomerBatch(rows: 12, in: folder)
    let scan = try Descriptor.open(Program.samples + "/images/gray-front.jpg")
    folder.write("scan.jpg", try scan.wholeFile(atMost: 1 << 20))
    let command = batch.arguments(endpoint: gateway.url("/v3/stable/api/storage"))
    let result = try await Program(folder: folder).start(
      command + ["--concurrency", "1", "--workers", "1"]
    ).wait()
    #expect(result.code == 0 && result.outcomes == ["accepted": 12], "\(result.errors)")
    // A row that is being worked on, one that is being sent, and two that wait.
    #expect((1...4).contains(refusals.withLock { $0 }))
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }
}
