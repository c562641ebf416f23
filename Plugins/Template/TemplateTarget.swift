import IntakeCore

/// An API that a plan describes.
struct TemplateTarget: Target {
  let name = "template"
  let authentication: Authentication
  let reading: AnswerReading
  let bodySecrets: Set<String>
  /// The secrets of the header fields, which must be of one line.
  let headerSecrets: Set<String>
  /// The header fields of one row that hold secrets, made when they are sent.
  var secretHeaders: @Sendable (Credentials?) -> [HTTPField] = { _ in [] }

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    let wanted = bodySecrets.union(headerSecrets).union(authentication.secrets).sorted()
    try Vendor(name: "the plan's template", credentials: wanted.map { CredentialField($0) })
      .require(credentials)
    let asTheyAre = authentication.isEncoded ? [] : authentication.secrets
    for name in headerSecrets.union(asTheyAre).sorted() {
      guard credentials?[name]?.exposed.allSatisfy(\.isASCIIPrintable) == true else {
        throw StageFailure(
          .credentialsRefused,
          "the \(name) of the credentials holds a line break or a character beyond ASCII",
          hint: "copy it again, without anything around it", outcome: .fatal)
      }
    }
    guard !endpoint.contains("?") else {
      throw StageFailure(
        .wrongEndpoint, "the endpoint has a query, and the plan's path follows it",
        hint: "put the query into the template's path", outcome: .fatal)
    }
  }

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) -> HTTPRequest {
    let headers = submission.headers + secretHeaders(credentials)
    // One slash between the two, however they are written.
    let isDoubled = endpoint.hasSuffix("/") && submission.path.hasPrefix("/")
    return HTTPRequest(
      method: submission.method,
      url: (isDoubled ? String(endpoint.dropLast()) : endpoint) + submission.path,
      headers: headers + [authentication.field(with: credentials)].compactMap(\.self),
      body: submission.body.map { $0.bytes(with: credentials) })
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    reading.receipt(for: response)
  }

  func message(in response: HTTPResponse) -> String? { reading.message(in: response) }
}

/// How a request says who sends it.
struct Authentication: Sendable {
  let secrets: [String]
  /// The header field that it writes, nil for none.
  let fieldName: String?
  /// What precedes the secret in that field.
  private let scheme: String
  /// Whether the secrets are sent as base64, which is always of one line.
  let isEncoded: Bool

  init(_ text: String) throws(TemplateFault) {
    isEncoded = text == "basic"
    switch text {
    case "none": (fieldName, scheme, secrets) = (nil, "", [])
    case "bearer": (fieldName, scheme, secrets) = ("Authorization", "Bearer ", ["token"])
    case "basic": (fieldName, scheme, secrets) = ("Authorization", "Basic ", ["user", "pass"])
    default:
      let name = String(text.dropFirst("header:".count))
      guard text.hasPrefix("header:"), HeaderTemplate.isToken(name) else {
        throw TemplateFault(
          "it is none, bearer, basic or header:NAME, not "
            + text.quoted(known: ["none", "bearer", "basic"]))
      }
      (fieldName, scheme, secrets) = (name, "", ["apiKey"])
    }
  }

  func field(with credentials: Credentials?) -> HTTPField? {
    let values = secrets.map { credentials?[$0]?.exposed ?? [] }
    let value = Array(values.joined(separator: CollectionOfOne(UInt8(ascii: ":"))))
    let text = isEncoded ? Base64Text.text(value) : String(decoding: value, as: UTF8.self)
    return fieldName.map { HTTPField($0, scheme + text) }
  }
}
