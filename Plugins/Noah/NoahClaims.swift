import IntakeCore
import IntakeCrypto

/// What a signature vouches for: this method, path, query and body, for five minutes.
struct NoahClaims {
  /// In capitals.
  let method: String
  /// With the version and, after `?`, the query.
  let path: String
  let body: [UInt8]

  /// Fixed, whatever host is asked.
  private static let audience = "https://api.noah.com"
  /// The vendor allows 900 s and its own sample takes 300.
  static let life = 300

  /// The token for one attempt that starts at `time`.
  func token(signedWith key: ECDSAPrivateKey, at time: UnixTime) throws(CryptoError) -> String {
    try CompactToken.sign(claims: try json(at: time).text, with: key)
  }

  private func json(at time: UnixTime) throws(CryptoError) -> JSONOutput {
    let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    // A clock from a far future or past must not trap; such a token is refused anyway.
    let issued = Int(exactly: time.rounded(.down)) ?? 0
    var claims: [(String, JSONOutput)] = [
      ("aud", .string(NoahClaims.audience)), ("iat", .integer(issued)),
      ("exp", .integer(issued + NoahClaims.life)), ("method", .string(method)),
      ("path", .string(String(parts.first ?? ""))),
    ]
    if parts.count == 2 { claims.append(("queryParams", NoahClaims.query(parts[1]))) }
    if !body.isEmpty {
      claims.append(("bodyHash", .string(NoahClaims.hex(try Digest.sha256(body)))))
    }
    return .object(claims)
  }

  /// The parameters by name, not decoded: only characters that need no encoding are ever sent.
  private static func query(_ text: Substring) -> JSONOutput {
    .object(
      text.split(separator: "&").map { parameter in
        let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), .string(parts.count == 2 ? String(parts[1]) : ""))
      })
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
