import IntakeCore
import IntakeCrypto

/// Checks `Api-Signature`: a compact JSON Web Token over method, path, query and body.
struct NoahSignature: Sendable {
  let key: ECDSAPublicKey
  /// What `aud` must contain, whatever the host.
  static let audience = "https://api.noah.com"

  /// Reads the caller's key, public or private.
  init(pem: [UInt8]) throws(SandboxError) {
    guard let key = ECDSAPublicKey(pem: pem) ?? ECDSAPublicKey(privatePEM: pem) else {
      throw SandboxError(
        "the key for Noah isn't a P-384 or P-256 key in PEM: make one with openssl ecparam")
    }
    self.key = key
  }

  func check(_ token: String, of call: Call) throws(RequestFailure) {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let header = NoahSignature.object(parts[0]),
      let claims = NoahSignature.object(parts[1]),
      let signature = Base64Text.decodeURLSafe(parts[2])
    else { throw .unauthorized("token malformed") }
    // Only the algorithm of the registered key: `none` and HMAC with the public key are old attacks.
    guard header["alg"]?.string == (key.curve == .p384 ? "ES384" : "ES256") else {
      throw .unauthorized("token algorithm does not fit the registered key")
    }
    guard key.verifies(signature, of: Array("\(parts[0]).\(parts[1])".utf8)) else {
      throw .unauthorized("token signature invalid")
    }
    try checkTimes(claims, at: call.time)
    try checkRequest(claims, call)
  }

  private static func object(_ part: Substring) -> JSONValue? {
    let value = Base64Text.decodeURLSafe(part).flatMap { try? JSONParser.parse($0) }
    return value?.fields == nil ? nil : value
  }

  private func checkTimes(_ claims: JSONValue, at time: UTCTime) throws(RequestFailure) {
    let audiences = claims["aud"].map { $0.elements ?? [$0] } ?? []
    guard audiences.contains(where: { $0.string == NoahSignature.audience }) else {
      throw .unauthorized("token aud must be \(NoahSignature.audience)")
    }
    guard let issued = claims["iat"]?.number, let expires = claims["exp"]?.number else {
      throw .unauthorized("token iat or exp missing")
    }
    guard expires > time.seconds - 30 else { throw .unauthorized("token expired") }
    guard issued < time.seconds + 60 else { throw .unauthorized("token used before issued") }
    guard expires > issued, expires - issued <= 15 * 60 else {
      throw .unauthorized("token exp must be within 15 minutes of iat")
    }
  }

  private func checkRequest(_ claims: JSONValue, _ call: Call) throws(RequestFailure) {
    guard claims["method"]?.string?.uppercased() == call.head.method.uppercased() else {
      throw .unauthorized("token method does not match the request")
    }
    let path = claims["path"]?.string
    guard path == call.head.path || path == PercentText.decoded(call.head.path) else {
      throw .unauthorized("token path does not match the request")
    }
    let query = Dictionary(call.head.parameters.map { ($0.name, $0.value) }) { _, last in last }
    guard NoahSignature.query(claims["queryParams"]) == query else {
      throw .unauthorized("token queryParams do not match the request")
    }
    let hash = claims["bodyHash"]?.string?.lowercased()
    let isOptional = call.body.isEmpty && claims["bodyHash"] == nil
    guard isOptional || hash == StoredImage.sha256(of: call.body) else {
      throw .unauthorized("token bodyHash does not match the request")
    }
  }

  private static func query(_ claim: JSONValue?) -> [String: String]? {
    guard let claim, !claim.isNull else { return [:] }
    guard let fields = claim.fields else { return nil }
    var result: [String: String] = [:]
    for field in fields {
      switch field.value.kind {
      case .string(let text), .number(let text): result[field.name] = text
      case .bool(let flag): result[field.name] = flag ? "true" : "false"
      default: return nil
      }
    }
    return result
  }
}
