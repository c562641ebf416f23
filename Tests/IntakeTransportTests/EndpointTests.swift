import IntakeTransport
import Testing

/// Addresses an operator may give, and those that are refused without being repeated.
struct EndpointTests {
  @Test(arguments: [
    "https://target.example/v3/api", "https://target.example:8443", "HTTPS://Target.Example/",
    "https://10.0.0.1/", "https://[2001:db8::1]/v1", "http://localhost:8080/api",
    "http://LOCALHOST/", "http://127.0.0.1:1/", "http://127.8.9.10/", "http://[::1]:80/v1",
  ])
  func isAccepted(_ url: String) throws {
    #expect(try Endpoint(url).url == url)
  }

  @Test(arguments: [
    "", "target.example", "/v1", "https://", "https:///v1", "http://target.example/",
    "http://localhost.target.example/", "http://127.0.0.1.target.example/", "http://10.0.0.1/",
    "http://localhost@target.example/", "http://[::2]/", "http://127.0.0.1\\@target.example/",
    "http://0.0.0.0/", "ftp://localhost/", "file:///etc/passwd", "https://user:canary@host/",
    "https://canary@host/", "https://@host/", "https://:canary@host/", "https://host/?key=canary",
    "https://host/#canary", "https://host:99999/", "https://host:x/", "https://ho st/",
    "https://host/\n", "https://hö.example/", "https://host/\u{0}", "https://ho_st/",
    "https://%00/",
    "https://a,b/", "https://[::1/", "https://host\\path",
  ])
  func isRefusedWithoutAnEcho(_ url: String) {
    let refusal = #expect(throws: Endpoint.Refusal.self) { try Endpoint(url) }
    #expect(refusal?.description.contains("canary") == false)
  }

  @Test(arguments: [
    ("http://127.1/", true), ("http://2130706433/", true), ("http://0x7f.0.0.1/", true),
    ("http://2130706434.example/", false),
  ])
  func otherSpellingsAreReadAsTheConnectionReadsThem(_ url: String, _ isAccepted: Bool) {
    #expect(((try? Endpoint(url)) != nil) == isAccepted)
  }

  @Test func theHostIsComparedInLowerCase() throws {
    let endpoint = try Endpoint("https://Target.EXAMPLE/")
    #expect(endpoint.host == "target.example")
    #expect(endpoint.isEncrypted)
    #expect(!endpoint.isLoopback)
  }
}
