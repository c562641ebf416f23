import IntakeCore
import IntakeCrypto

/// The address that every request to Noah starts with, in the parts that signing and checking need.
struct NoahEndpoint {
  /// Without a slash at its end.
  let base: String
  /// In lower case, without the port.
  let host: String
  /// `/v1`: the signed path starts with it.
  let path: String

  /// Takes an address that the submitter has found to be complete.
  init(_ text: String) {
    var base = Substring(text)
    while base.hasSuffix("/") { base = base.dropLast() }
    self.base = String(base)
    let rest = base.firstRange(of: "://").map { base[$0.upperBound...] } ?? base
    let authority = rest.prefix { $0 != "/" }
    path = String(rest.dropFirst(authority.count))
    host = authority.prefix { $0 != ":" }.lowercased()
  }

  /// Whether the path ends in a version such as `/v1`.
  var namesVersion: Bool {
    guard let last = path.split(separator: "/").last, last.first == "v" else { return false }
    return last.count > 1 && last.dropFirst().allSatisfy(\.isNumber)
  }

  /// The environment of a host of the vendor's, nil for this machine and for gateways.
  var environment: NoahEnvironment? {
    guard host == "noah.com" || host.hasSuffix(".noah.com") else { return nil }
    return host.split(separator: ".").contains("sandbox") ? .sandbox : .prod
  }
}

/// The vendor's two environments; a key of one is refused by the other.
enum NoahEnvironment: String, CaseIterable {
  case sandbox, prod

  /// Recognised by the key's prefix, nil when it has neither.
  init?(key: [UInt8]) {
    let match = Self.allCases.first { key.starts(with: "apikey_\($0.rawValue)_".utf8) }
    guard let match else { return nil }
    self = match
  }
}

/// What a signature covers: method, path, query and body of one request, for five minutes.
struct NoahClaims {
  let method: String
  /// With the version and, after `?`, the query.
  let path: String
  let body: [UInt8]

  /// Always the same, whichever host is asked.
  private static let audience = "https://api.noah.com"
  /// Seconds; the vendor allows 900 and its own sample takes 300.
  static let life = 300

  func token(signedWith key: ECDSAPrivateKey, at time: UnixTime) throws(CryptoError) -> String {
    try CompactToken.sign(claims: try json(at: time).text, with: key)
  }

  private func json(at time: UnixTime) throws(CryptoError) -> JSONOutput {
    let (path, query) = path.halves(at: "?") ?? (path, nil)
    // A clock that is centuries off must not trap; such a token is refused anyway.
    let issued = Int(exactly: time.rounded(.down)) ?? 0
    let bodyHash = body.isEmpty ? nil : Hex.text(try Digest.sha256(body))
    return JSONOutput(fields: [
      ("aud", NoahClaims.audience), ("iat", issued), ("exp", issued + NoahClaims.life),
      ("method", method), ("path", path), ("queryParams", query.map(NoahClaims.query)),
      ("bodyHash", bodyHash),
    ])
  }

  /// The parameters by name, not decoded: only characters that need no encoding are ever sent.
  private static func query(_ text: String) -> JSONOutput {
    JSONOutput(
      fields: text.split(separator: "&").map { $0.halves(at: "=") ?? (String($0), "") })
  }
}
