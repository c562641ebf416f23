import IntakeCore
import IntakeCrypto
import NoahStage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct SignatureTests {
  private static let endpoint = "https://api.sandbox.noah.com/v1"

  private func credentials(_ keys: KeyPair) -> Credentials {
    Credentials([
      "apiKey": Secret("apikey_sandbox_0123456789"), "privateKey": Secret(keys.privatePEM),
    ])
  }

  private func request(
    _ submission: Submission, _ keys: KeyPair, at time: UnixTime = 1_800_000_000
  ) throws -> HTTPRequest {
    try submission.target.request(
      for: submission, endpoint: Self.endpoint, credentials: credentials(keys), at: time)
  }

  @Test(.timeLimit(.minutes(20)), arguments: ["P-384", "P-256"])
  func aThousandTokensVouchForTheirRequestsAndForNothingElse(curve: String) throws {
    let keys = try KeyPair(curve)
    let key = try #require(ECDSAPublicKey(pem: keys.publicPEM))
    for number in 1...1000 {
      let sent = try request(Row.with(["id": "N-\(number)"]).submission(), keys)
      let token = try #require(ReceivedToken(sent))
      try #require(try token.vouches(for: sent, key: key), "token \(number)")
      var changed = sent
      changed.body[0][number % changed.body[0].count] ^= 1
      try #require(try !token.vouches(for: changed, key: key), "body of \(number)")
      changed = sent
      changed.url += "1"
      try #require(try !token.vouches(for: changed, key: key), "path of \(number)")
      changed = sent
      changed.method = "POST"
      try #require(try !token.vouches(for: changed, key: key), "method of \(number)")
    }
  }

  @Test(
    .timeLimit(.minutes(20)), .enabled(if: Python.hasCryptography), arguments: ["P-384", "P-256"])
  func anIndependentLibraryAcceptsAThousandTokens(curve: String) throws {
    let keys = try KeyPair(curve)
    var tokens: [String] = []
    for number in 1...1000 {
      let sent = try request(Row.with(["id": "N-\(number)"]).submission(), keys)
      tokens += sent.headers.filter { $0.name == "Api-Signature" }.map(\.value)
    }
    // The last one is spoilt in its claims and must be the only one refused.
    let spoilt = tokens[0].split(separator: ".").map(String.init)
    tokens.append([spoilt[0], String(spoilt[1].reversed()), spoilt[2]].joined(separator: "."))
    let answer = try Python.verify(tokens, publicPEM: keys.publicPEM)
    #expect(answer == "1000 good, 1 bad\n")
  }

  @Test func theClaimsAreTheDocumentedOnes() throws {
    let sent = try request(try Row().submission(), try KeyPair("P-384"), at: 1_800_000_000.9)
    let claims = try #require(ReceivedToken(sent)).claims
    #expect(claims["aud"]?.string == "https://api.noah.com")
    #expect(claims["iat"]?.integer == 1_800_000_000)
    #expect(claims["exp"]?.integer == 1_800_000_300)
    #expect(claims["path"]?.string == "/v1/customers/N-2001")
    #expect(claims["bodyHash"]?.string?.utf8.count == 64)
    #expect(claims["queryParams"] == nil)
    #expect(sent.headers.contains(HTTPField("X-Api-Key", "apikey_sandbox_0123456789")))
    #expect(sent.url == "https://api.sandbox.noah.com/v1/customers/N-2001")
  }

  @Test func eachAttemptIsSignedWithItsOwnTime() throws {
    let keys = try KeyPair("P-256")
    let submission = try Row().submission()
    let first = try request(submission, keys, at: 1_800_000_000)
    let second = try request(submission, keys, at: 1_800_000_600)
    #expect(ReceivedToken(second)?.claims["iat"]?.integer == 1_800_000_600)
    #expect(first.headers != second.headers)
    #expect(first.body == second.body)
  }

  @Test func aRequestWithoutABodyHasNoBodyHash() throws {
    let sent = try request(try Noah.getCustomer(id: "N-1"), try KeyPair("P-384"))
    let claims = try #require(ReceivedToken(sent)).claims
    #expect(claims["method"]?.string == "GET")
    #expect(claims["bodyHash"] == nil)
    #expect(sent.body.isEmpty)
  }

  @Test func theQueryIsSignedApartFromThePath() throws {
    var submission = try Noah.getCustomer(id: "N-1")
    submission.path += "?Type=Passport&Side=Front"
    let claims = try #require(ReceivedToken(try request(submission, try KeyPair("P-384")))).claims
    #expect(claims["path"]?.string == "/v1/customers/N-1")
    #expect(claims["queryParams"]?["Type"]?.string == "Passport")
    #expect(claims["queryParams"]?["Side"]?.string == "Front")
  }

  @Test func withoutAPrivateKeyThereIsNoSignature() throws {
    let submission = try Row().submission()
    let sent = try submission.target.request(
      for: submission, endpoint: Self.endpoint + "/",
      credentials: Credentials(["apiKey": Secret("apikey_sandbox_1")]), at: 0)
    #expect(!sent.headers.contains { $0.name == "Api-Signature" })
    #expect(sent.url == "https://api.sandbox.noah.com/v1/customers/N-2001")
  }
}

/// The library that verifies tokens without sharing a line with this program.
enum Python {
  static let hasCryptography = system("python3 -c 'import cryptography' 2>/dev/null") == 0

  struct Failure: Error {}

  static func verify(_ tokens: [String], publicPEM: [UInt8]) throws -> String {
    let path = "/tmp/docintake-tokens-\(getpid())-\(UInt64.random(in: .min ... .max))"
    defer { unlink(path) }
    guard let file = fopen(path, "w") else { throw Failure() }
    fputs(String(decoding: publicPEM, as: UTF8.self), file)
    fputs("\n" + tokens.joined(separator: "\n") + "\n", file)
    fclose(file)
    guard let pipe = popen("python3 -c '\(script)' \(path)", "r") else { throw Failure() }
    defer { pclose(pipe) }
    var line = [CChar](repeating: 0, count: 200)
    guard fgets(&line, Int32(line.count), pipe) != nil else { throw Failure() }
    return String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static let script = """
    import base64, sys
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    pem, tokens = open(sys.argv[1]).read().split("-----END PUBLIC KEY-----")
    key = serialization.load_pem_public_key((pem + "-----END PUBLIC KEY-----").encode())
    digest = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()
    good = bad = 0
    for token in tokens.split():
        signed, _, text = token.rpartition(".")
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        half = key.curve.key_size // 8
        assert len(raw) == 2 * half
        numbers = [int.from_bytes(part, "big") for part in (raw[:half], raw[half:])]
        try:
            key.verify(encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(digest))
            good += 1
        except InvalidSignature:
            bad += 1
    print(good, "good,", bad, "bad")
    """
}
