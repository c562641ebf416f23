import IntakeCore
import IntakeCrypto

/// Noah's Business API: a key in the header, and each request signed on its own.
struct NoahTarget: Target {
  let name = "noah"
  /// The manifest's number of each identity in the body, so that an answer about one can name its column.
  var identities: [Int] = []

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest {
    let endpoint = NoahEndpoint(endpoint)
    // Signed and sent are the same bytes: put together once.
    let body = submission.body.flatMap { $0.bytes(with: credentials) }
    var headers = submission.headers
    if let key = credentials?["apiKey"] {
      headers.append(HTTPField("X-Api-Key", String(decoding: key.exposed, as: UTF8.self)))
    }
    if let pem = credentials?["privateKey"] {
      let claims = NoahClaims(
        method: submission.method, path: endpoint.path + submission.path, body: body)
      let token = try claims.token(signedWith: try NoahTarget.key(pem), at: time)
      headers.append(HTTPField("Api-Signature", token))
    }
    return HTTPRequest(
      method: submission.method, url: endpoint.base + submission.path, headers: headers,
      body: body.isEmpty ? [] : [body])
  }

  func getCustomer(_ id: NoahCustomerID) -> Submission {
    Submission(
      method: "GET", path: id.path, headers: [], body: [], operation: "getCustomer",
      repeatSafety: .safe, customer: Personal(id.text), bodyLimit: 0, target: self)
  }

  /// The signing key; the failure names what the file holds instead, never its bytes.
  static func key(_ pem: Secret) throws(StageFailure) -> ECDSAPrivateKey {
    do { return try ECDSAPrivateKey(pem: pem.exposed) } catch {
      throw StageFailure(
        .credentialsRefused, "the credentials' privateKey \(error)",
        hint: "make one with `openssl ecparam -name secp384r1 -genkey -noout` and register its "
          + "public half with Noah", outcome: .fatal)
    }
  }
}
