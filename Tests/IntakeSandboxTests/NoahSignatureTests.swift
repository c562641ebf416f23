import CCrypto
import IntakeCore
import IntakeSandbox
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite(.timeLimit(.minutes(20)))
struct NoahSignatureTests {
  /// A sandbox that knows a key, and what a client needs to sign for it.
  struct Signed {
    let key: SigningKey
    let box: TestSandbox

    init(_ curve: String = "P-384", faults: [String] = []) throws {
      let key = try SigningKey(curve)
      self.key = key
      box = try TestSandbox(faults: faults) { $0.publicKey = key.publicPEM }
    }

    /// The claims of an honest request.
    static func claims(
      _ method: String, _ path: String, body: [UInt8] = [], query: [(String, JSONOutput)] = []
    ) -> [(String, JSONOutput)] {
      let now = Int(time(nil))
      var claims: [(String, JSONOutput)] = [
        ("aud", .string("https://api.noah.com")), ("iat", .integer(now)),
        ("exp", .integer(now + 300)), ("method", .string(method)), ("path", .string(path)),
      ]
      if !query.isEmpty { claims.append(("queryParams", .object(query))) }
      if !body.isEmpty { claims.append(("bodyHash", .string(hash(body)))) }
      return claims
    }

    static func hash(_ body: [UInt8]) -> String {
      var digest = [UInt8](repeating: 0, count: 32)
      EVP_Digest(body, body.count, &digest, nil, EVP_sha256(), nil)
      return digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Sends a PUT whose token holds the given claims.
    func put(
      _ claims: [(String, JSONOutput)], body: [UInt8] = NoahTests.individual(),
      path: String = "/v1/customers/c-1", method: String = "PUT", alg: String? = nil
    ) throws -> HTTPResponse {
      let token = try key.token(claims, alg: alg)
      let headers = NoahTests.key + [HTTPField("Api-Signature", token)]
      return try box.client.exchange(method, path, headers, body: body)
    }
  }

  static let path = "/v1/customers/c-1"
  static let body = NoahTests.individual()

  /// The honest claims with one of them changed, or dropped when the value is nil.
  static func claims(_ name: String, _ value: JSONOutput?) -> [(String, JSONOutput)] {
    let honest = Signed.claims("PUT", path, body: body)
    let others = honest.filter { $0.0 != name }
    return others + (value.map { [(name, $0)] } ?? [])
  }

  @Test(arguments: ["P-384", "P-256"])
  func honestTokensOfBothCurvesAreAccepted(curve: String) throws {
    let signed = try Signed(curve)
    #expect(try signed.put(Signed.claims("PUT", Self.path, body: Self.body)).status == 201)
  }

  @Test func adoptedPrivateKeyChecksTheTokensItSigns() throws {
    let key = try SigningKey()
    let box = try TestSandbox {
      $0.adopt(
        Credentials([
          "apiKey": Secret("apikey_sandbox_0123"), "privateKey": Secret(key.privatePEM),
        ]))
    }
    let claims = Signed.claims("PUT", Self.path, body: Self.body)
    let token = HTTPField("Api-Signature", try key.token(claims))
    let right = try box.client.exchange("PUT", Self.path, NoahTests.key + [token], body: Self.body)
    #expect(right.status == 201)
    let other = [HTTPField("X-Api-Key", "apikey_sandbox_9"), token]
    #expect(try box.client.exchange("PUT", Self.path, other, body: Self.body).status == 401)
  }

  @Test func aFlippedByteInBodyPathOrMethodIsUnauthorized() throws {
    let signed = try Signed()
    let claims = Signed.claims("PUT", Self.path, body: Self.body)
    var flipped = Self.body
    flipped[20] ^= 1
    #expect(try signed.put(claims, body: flipped).status == 401)
    #expect(try signed.put(claims, path: "/v1/customers/c-2").status == 401)
    #expect(try signed.put(claims, path: Self.path + "?x=1").status == 401)
    #expect(try signed.put(claims, method: "POST").status == 401)
    #expect(try signed.box.customers().isEmpty)
  }

  @Test(arguments: [0, 1, 2])
  func aFlippedCharacterInAnyPartOfTheTokenIsUnauthorized(part: Int) throws {
    let signed = try Signed()
    let token = try signed.key.token(Signed.claims("PUT", Self.path, body: Self.body))
    var parts = token.split(separator: ".").map(Array.init)
    parts[part][10] = parts[part][10] == "A" ? "B" : "A"
    let altered = parts.map { String($0) }.joined(separator: ".")
    let headers = NoahTests.key + [HTTPField("Api-Signature", altered)]
    let answer = try signed.box.client.exchange("PUT", Self.path, headers, body: Self.body)
    #expect(answer.status == 401)
  }

  @Test func tokenOfAnotherKeyIsUnauthorized() throws {
    let signed = try Signed()
    let token = try SigningKey().token(Signed.claims("PUT", Self.path, body: Self.body))
    let headers = NoahTests.key + [HTTPField("Api-Signature", token)]
    let answer = try signed.box.client.exchange("PUT", Self.path, headers, body: Self.body)
    #expect(answer.status == 401)
    #expect(try answer.json["Detail"]?.string == "token signature invalid")
  }

  @Test(arguments: ["none", "HS256", "ES256", "RS256"])
  func algorithmsThatDoNotFitTheKeyAreUnauthorized(alg: String) throws {
    let signed = try Signed()
    let claims = Signed.claims("PUT", Self.path, body: Self.body)
    #expect(try signed.put(claims, alg: alg).status == 401)
  }

  static let wrongClaims: [(name: String, value: JSONOutput?)] = [
    ("aud", nil), ("aud", .string("https://api.sandbox.noah.com")), ("iat", nil), ("exp", nil),
    ("iat", .integer(Int(time(nil)) + 3600)), ("exp", .integer(Int(time(nil)) - 60)),
    ("exp", .integer(Int(time(nil)) + 12_000)), ("method", .string("POST")), ("method", nil),
    ("path", .string("/customers/c-1")), ("path", nil), ("bodyHash", nil),
    ("bodyHash", .string(Signed.hash([]))), ("bodyHash", .integer(1)),
    ("queryParams", .object([("a", .string("b"))])), ("queryParams", .string("")),
  ]

  @Test(arguments: wrongClaims)
  func wrongClaimsAreUnauthorized(name: String, value: JSONOutput?) throws {
    let answer = try Signed().put(Self.claims(name, value))
    #expect(answer.status == 401)
    #expect(try answer.json["Detail"]?.string?.contains("token") == true)
  }

  static let tolerated: [(name: String, value: JSONOutput?)] = [
    ("aud", .array([.string("x"), .string("https://api.noah.com")])), ("method", .string("put")),
    ("bodyHash", .string(Signed.hash(body).uppercased())), ("queryParams", .object([])),
    ("extra", .bool(true)),
  ]

  @Test(arguments: tolerated)
  func harmlessVariationsAreAccepted(name: String, value: JSONOutput?) throws {
    #expect(try Signed().put(Self.claims(name, value)).status == 201)
  }

  @Test func missingTokenIsUnauthorizedOnlyWhereAKeyIsKnown() throws {
    let signed = try Signed()
    let refused = try signed.box.client.exchange("GET", Self.path, NoahTests.key)
    #expect(refused.status == 401)
    let open = try TestSandbox()
    #expect(try open.client.exchange("GET", Self.path, NoahTests.key).status == 404)
  }

  @Test func queryParametersAreSignedDecoded() throws {
    let signed = try Signed()
    _ = try signed.put(Signed.claims("PUT", Self.path, body: Self.body))
    let path = "/v1/onboarding/c-1/prefill/documents/upload-url"
    let query: [(String, JSONOutput)] = [
      ("Type", .string("Passport & more")), ("CountryCode", .string("US")),
    ]
    let token = try signed.key.token(Signed.claims("GET", path, query: query))
    let answer = try signed.box.client.exchange(
      "GET", path + "?Type=Passport%20%26+more&CountryCode=US",
      NoahTests.key + [HTTPField("Api-Signature", token)])
    #expect(answer.status == 200)
  }

  @Test func clockFaultMakesHonestTokensLateAndSaysSoInTheDate() throws {
    let signed = try Signed(faults: ["clock=600"])
    let answer = try signed.put(Signed.claims("PUT", Self.path, body: Self.body))
    #expect(answer.status == 401)
    #expect(try answer.json["Detail"]?.string == "token expired")
  }

  @Test(arguments: ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
  func unusablePublicKeysAreRefusedAtTheStart(pem: String) throws {
    #expect(throws: SandboxError.self) { try TestSandbox { $0.publicKey = Array(pem.utf8) } }
  }
}
