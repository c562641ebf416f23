import IntakeCore
import IntakeTransport
import TestSupport
import Testing

/// The way through a proxy: which one, for whom, and what it is told; through the built command where it can be.
@Suite(.timeLimit(.minutes(20)), .enabled(if: Certificate.isAvailable))
struct ProxyTests {
  private let folder = TestSupport.TemporaryFolder()

  private func run(
    _ arguments: [String], _ distant: DistantSandbox, environment: [String: String] = [:]
  ) async throws -> Program.Result {
    var program = Program(folder: folder)
    program.environment = environment
    return try await program.start(arguments + ["--ca-file", distant.certificate]).wait()
  }

  @Test(arguments: ["--proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
  func theBatchGoesThroughTheProxyThatIsNamed(by source: String) async throws {
    let distant = try await DistantSandbox(folder)
    let proxy = try await Relay(folder, "connect")
    let batch = CustomerBatch(rows: 3, in: folder)
    let address = "http://127.0.0.1:\(proxy.port)"
    let isOption = source == "--proxy"
    let arguments = batch.arguments(endpoint: distant.endpoint)
    let result = try await run(
      arguments + (isOption ? ["--proxy", address] : []), distant,
      environment: isOption ? [:] : [source: address])
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("proxy: \(address) (\(source))"), "\(result.errors)")
    #expect(proxy.seen.contains("CONNECT target.example:\(distant.tls.port) HTTP/1.1"))
    // All else is inside the tunnel.
    let names = Set(proxy.seen.dropFirst().compactMap { $0.split(separator: ":").first })
    #expect(
      names.isSubset(of: ["CONNECT target.example", "Host", "User-Agent", "Proxy-Connection"]))
    #expect(try Invariants(batch).violations(distant.sandbox.requests(), [result]) == [])
  }

  @Test(arguments: ["socks5h", "http"], [true, false])
  func theProxysCredentialsComeFromTheCredentialsFile(_ kind: String, isRight: Bool) async throws {
    let distant = try await DistantSandbox(folder)
    let proxy = try await Relay(folder, kind == "http" ? "connect" : "socks5", "gate:s3cret-word")
    let batch = CustomerBatch(rows: 2, in: folder)
    let pass = isRight ? "s3cret-word" : "wr0ng-word"
    folder.write(
      "keys.json",
      #"{"user":"sandbox","pass":"sandbox","proxy":{"user":"gate","pass":"\#(pass)"}}"#)
    let result = try await run(
      batch.arguments(endpoint: distant.endpoint)
        + ["--proxy", "\(kind)://127.0.0.1:\(proxy.port)", "--halt", "now,fail=1"], distant)
    for text in [result.errors, result.output] {
      #expect(!text.contains("s3cret") && !text.contains("wr0ng"))
    }
    guard isRight else {
      #expect(result.code == 4, "\(result.errors)")
      let words = kind == "http" ? "the proxy refuses the user name or password" : "proxy"
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(try distant.sandbox.requests().isEmpty)
      return
    }
    #expect(result.code == 0, "\(result.errors)")
    #expect(try distant.sandbox.requests().count { $0.isAccepted } == 2)
  }

  @Test func aProxyThatAsksWhoWeAreStopsTheRunWithTheNextStep() async throws {
    let distant = try await DistantSandbox(folder)
    let proxy = try await Relay(folder, "connect", "gate:word")
    let batch = CustomerBatch(rows: 3, in: folder)
    let result = try await run(
      batch.arguments(endpoint: distant.endpoint) + ["--proxy", "127.0.0.1:\(proxy.port)"], distant)
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.contains("the proxy wants a user name and password"))
    #expect(result.errors.contains(#""proxy":{"user":"…","pass":"…"}"#), "\(result.errors)")
  }

  @Test(arguments: [("forbidden.example", "the proxy refuses this target"), ("x", "proxy")])
  func aProxyThatDoesNotLetUsThroughIsNamed(_ host: String, _ words: String) async throws {
    let distant = try await DistantSandbox(folder)
    let proxy = try await Relay(folder, "connect")
    // Nobody listens on port 1.
    let address = host == "x" ? "127.0.0.1:1" : "127.0.0.1:\(proxy.port)"
    let batch = CustomerBatch(rows: 1, in: folder)
    let result = try await run(
      batch.arguments(endpoint: "https://\(host)/storage") + ["--proxy", address], distant)
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.rows.first?["code"]?.string == "connection_failed")
    #expect(result.rows.first?["detail"]?.string?.contains(words) == true)
    #expect(result.rows.first?["hint"]?.string?.contains("--proxy") == true)
  }

  @Test(arguments: [
    (["--proxy", "none"], [:]), ([], ["NO_PROXY": "other.example, .example"]),
    ([], ["no_proxy": "*"]),
  ])
  func exceptionsGoPastTheProxy(_ options: [String], _ variables: [String: String]) async throws {
    let distant = try await DistantSandbox(folder)
    let proxy = try await Relay(folder, "connect")
    let batch = CustomerBatch(rows: 1, in: folder)
    let result = try await run(
      batch.arguments(endpoint: distant.endpoint) + options, distant,
      environment: ["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"].merging(variables) { $1 })
    // The name does not resolve here.
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.rows.first?["detail"]?.string?.contains("target.example") == true)
    #expect(!result.errors.contains("\nproxy: "))
    #expect(proxy.seen.isEmpty)
  }

  @Test func thisMachineIsNeverReachedThroughAProxy() async throws {
    let distant = try await DistantSandbox(folder)
    let batch = CustomerBatch(rows: 2, in: folder)
    let result = try await run(
      batch.arguments(endpoint: distant.nearEndpoint) + ["--proxy", "http://127.0.0.1:1"], distant)
    #expect(result.code == 0, "\(result.errors)")
    #expect(!result.errors.contains("\nproxy: "))
  }

  @Test(arguments: [
    "http://user:s3cret@proxy.example:3128", "s3cret@proxy.example", "ftp://s3cret.example",
    "socks4://s3cret.example", "http://s3cret example", "http://", "://s3cret",
  ])
  func anAddressThatIsNoProxysIsRefusedUnseen(_ address: String) async throws {
    let distant = try await DistantSandbox(folder)
    let batch = CustomerBatch(rows: 1, in: folder)
    let arguments = batch.arguments(endpoint: distant.endpoint)
    let byOption = try await run(arguments + ["--proxy", address], distant)
    let byVariable = try await run(arguments, distant, environment: ["ALL_PROXY": address])
    for (result, name) in [(byOption, "--proxy"), (byVariable, "ALL_PROXY")] {
      #expect(result.code == 2, "\(result.errors)")
      #expect(result.errors.contains(name), "\(result.errors)")
      #expect(!(result.errors + result.output).contains("s3cret"))
      #expect(result.output.isEmpty)
    }
  }

  @Test(arguments: [
    #"{"user":"a","pass":"b","proxy":{"user":"c"}}"#, #"{"user":"a","pass":"b","proxy":"c"}"#,
    #"{"user":"a","pass":"b","proxy":{"user":"c","pass":"d","host":"e"}}"#,
  ])
  func halfOfTheProxysCredentialsIsRefused(_ keys: String) async throws {
    let distant = try await DistantSandbox(folder)
    let batch = CustomerBatch(rows: 1, in: folder)
    folder.write("keys.json", keys)
    let result = try await run(batch.arguments(endpoint: distant.endpoint), distant)
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.errors.contains(#""proxy" in the credentials"#), "\(result.errors)")
  }

  @Test func oneCustomerAndReconcilingTakeTheSameWay() async throws {
    let distant = try await DistantSandbox(folder)
    let proxy = try await Relay(folder, "connect")
    let batch = CustomerBatch(rows: 1, in: folder)
    let way = ["--proxy", "http://127.0.0.1:\(proxy.port)"]
    let place = [
      "--to", "dcams", "--endpoint", distant.endpoint, "--credentials", batch.credentials,
    ]
    #expect(try await run(batch.arguments(endpoint: distant.endpoint) + way, distant).code == 0)
    let count = proxy.seen.count
    let status = try await run(
      ["customer", "status", "--email", CustomerBatch.email(0)] + place + way, distant)
    #expect(status.code == 0, "\(status.errors)")
    #expect(proxy.seen.count > count)
    let settled = try await run(
      ["reconcile", batch.ledger, "--manifest", batch.manifest] + place + way, distant)
    #expect(settled.code == 0, "\(settled.errors)")
  }
}

/// Who is an exception from the proxy, as curl reads `NO_PROXY`.
struct ProxyExceptionTests {
  @Test(arguments: [
    ("example.com", "https://example.com/", true), ("example.com", "https://a.example.com/", true),
    ("example.com", "https://notexample.com/", false),
    (".example.com", "https://example.com/", true),
    ("example.com.", "https://EXAMPLE.com/", true), ("a.com,b.com", "https://b.com/", true),
    ("a.com b.com", "https://b.com/", true), ("*", "https://b.com/", true),
    ("*,a.com", "https://b.com/", false), ("", "https://b.com/", false),
    ("10.0.0.0/8", "https://10.1.2.3/", true), ("10.0.0.0/8", "https://11.1.2.3/", false),
    ("10.1.2.0/23", "https://10.1.3.9/", true), ("10.1.2.0/23", "https://10.1.4.9/", false),
    ("10.1.2.3", "https://10.1.2.3/", true), ("1.2.3", "https://10.1.2.3/", false),
    ("10.0.0.0/33", "https://10.1.2.3/", false), ("0.0.0.0/0", "https://10.1.2.3/", true),
    ("2001:db8::/32", "https://[2001:db8::5]/", true), ("::/0", "https://10.1.2.3/", false),
    ("2001:db8::5", "https://[2001:db8::5]/", true),
    ("2001:db9::/32", "https://[2001:db8::5]/", false),
    ("", "https://localhost/", true), ("", "https://127.0.0.1/", true),
  ])
  func namesBlocksAndThisMachineGoPast(_ list: String, _ url: String, isPast: Bool) throws {
    let variables = ["https_proxy": "http://proxy.example:3128", "NO_PROXY": list]
    let route = try ProxyRoute("env") { variables[$0] }
    #expect(try route?.isTaken(to: Endpoint(url)) == !isPast)
  }

  @Test func lowerCaseComesFirstAndEmptyIsNone() throws {
    let both = ["https_proxy": "http://a.example", "HTTPS_PROXY": "http://b.example"]
    #expect(try ProxyRoute("env") { both[$0] }?.description == "http://a.example (https_proxy)")
    let empty = ["https_proxy": "", "all_proxy": "c.example:8080"]
    #expect(try ProxyRoute("env") { empty[$0] }?.description == "http://c.example:8080 (all_proxy)")
    #expect(try ProxyRoute("env") { ["http_proxy": "http://d.example"][$0] } == nil)
    #expect(try ProxyRoute("none") { both[$0] } == nil)
  }
}
