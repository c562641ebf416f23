import IntakeCore
import IntakeCrypto
import NoahStage
import Testing

struct CheckTests {
  private static let sandbox = "https://api.sandbox.noah.com/v1"
  private static let production = "https://api.noah.com/v1"

  private func check(_ secrets: [String: [UInt8]], _ endpoint: String) throws -> StageFailure? {
    let target = try Row().submission().target
    let credentials = Credentials(secrets.mapValues { Secret($0) })
    do throws(StageFailure) { try target.check(credentials, for: endpoint) } catch { return error }
    return nil
  }

  @Test(arguments: [
    ("apikey_sandbox_1", sandbox, true), ("apikey_sandbox_1", production, false),
    ("apikey_sandbox_1", "http://127.0.0.1:8080/v1", true),
    ("apikey_other_1", "http://[::1]:8080/v1", true), ("apikey_other_1", sandbox, false),
    ("apikey_sandbox_1", "https://gateway.example/noah/v1/", true),
    ("apikey_sandbox_1", "https://api.sandbox.noah.com", false),
    ("apikey_sandbox_1", "https://api.sandbox.noah.com/v1/customers", false),
    ("apikey_sandbox_1\n", sandbox, false), ("", sandbox, false),
    ("apikey_prod_1", "http://localhost/v1", false),
  ])
  func keyAndEndpointHaveToGoTogether(key: String, endpoint: String, isGood: Bool) throws {
    let failure = try check(["apiKey": Array(key.utf8)], endpoint)
    #expect((failure == nil) == isGood)
    if let failure { #expect(failure.outcome == .fatal && !failure.hint.isEmpty) }
  }

  @Test func aProductionKeyNeedsAPrivateKey() throws {
    let key = Array("apikey_prod_1".utf8)
    #expect(try check(["apiKey": key], Self.production)?.code == .credentialsRefused)
    let pair = try KeyPair("P-384")
    #expect(try check(["apiKey": key, "privateKey": pair.privatePEM], Self.production) == nil)
  }

  @Test(arguments: [
    ("secp256k1", "curve secp256k1"), ("ED25519", "kind ED25519"), ("encrypted", "passphrase"),
    ("public", "public half"), ("text", "isn't a private key in PEM"),
    ("cut", "isn't a private key in PEM"),
  ])
  func aKeyThatCannotSignIsNamedByItsKindOnly(kind: String, words: String) throws {
    let pair = try KeyPair(["secp256k1", "ED25519"].contains(kind) ? kind : "P-256")
    let pem: [UInt8] =
      switch kind {
      case "encrypted": pair.encryptedPEM
      case "public": pair.publicPEM
      case "text": Array("hunter2 hunter2".utf8)
      case "cut": Array(pair.privatePEM.prefix(80))
      default: pair.privatePEM
      }
    let key = Array("apikey_sandbox_1".utf8)
    let failure = try #require(try check(["apiKey": key, "privateKey": pem], Self.sandbox))
    #expect(failure.detail.contains(words))
    #expect(!failure.description.contains("hunter2"))
    let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
    let inside = lines.filter { !$0.hasPrefix("-----") }
    #expect(!inside.contains { failure.description.contains($0) })
  }
}
