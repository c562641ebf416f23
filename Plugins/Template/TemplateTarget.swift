import IntakeCore

/// An API that a plan describes.
struct TemplateTarget: Target {
  let name = "template"
  let authentication: Authentication
  let reading: AnswerReading
  /// The secrets of the body.
  let bodySecrets: Set<String>
  /// The secrets of the header fields, which must be of one line.
  let headerSecrets: Set<String>
  /// The header fields of one row that hold secrets.
  var lateHeaders: [HeaderTemplate] = []

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    let wanted = bodySecrets.union(headerSecrets).union(authentication.secrets).sorted()
    let missing = wanted.filter { credentials?[$0] == nil }
    guard missing.isEmpty else {
      let example = "{" + wanted.map { "\"\($0)\":\"…\"" }.joined(separator: ",") + "}"
      throw credentials == nil
        ? .credentials(
          "--credentials is missing: the plan's template needs a file that holds \(example)",
          hint: "give --credentials FILE; chmod 600 the file")
        : .credentials(
          "the credentials hold no \(missing.joined(separator: " and no "))",
          hint: "give --credentials with a file that holds \(example)")
    }
    // A user and password are sent as base64, which is always of one line.
    let shown = authentication == .basic ? [] : authentication.secrets
    for name in headerSecrets.union(shown).sorted() {
      guard credentials?[name]?.exposed.allSatisfy(\.isASCIIPrintable) == true else {
        throw .credentials(
          "the \(name) of the credentials holds a line break or a character beyond ASCII",
          hint: "copy it again, without anything around it")
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
    let headers = submission.headers + lateHeaders.map { $0.field(with: credentials) }
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
}

extension StageFailure {
  /// Credentials that the plan's template cannot use.
  fileprivate static func credentials(_ detail: String, hint: String) -> StageFailure {
    StageFailure(.credentialsRefused, detail, hint: hint, outcome: .fatal)
  }
}

/// How a request shows who sends it.
enum Authentication: Sendable, Equatable {
  case none
  /// `Authorization: Bearer` with the secret `token`.
  case bearer
  /// `Authorization: Basic` with the secrets `user` and `pass`.
  case basic
  /// A header field of that name with the secret `apiKey`.
  case header(String)

  init(_ text: String) throws(TemplateFault) {
    switch text {
    case "none": self = .none
    case "bearer": self = .bearer
    case "basic": self = .basic
    default:
      let name = String(text.dropFirst("header:".count))
      guard text.hasPrefix("header:"), HeaderTemplate.isToken(name) else {
        throw TemplateFault(
          "it is none, bearer, basic or header:NAME, not \"\(TemplateFault.shown(text))\""
            + NearestName.suggestion(for: text, among: ["none", "bearer", "basic"]))
      }
      self = .header(name)
    }
  }

  /// The secrets that it needs.
  var secrets: [String] {
    switch self {
    case .none: []
    case .bearer: ["token"]
    case .basic: ["user", "pass"]
    case .header: ["apiKey"]
    }
  }

  /// The field that it writes.
  var fieldName: String? {
    switch self {
    case .none: nil
    case .bearer, .basic: "Authorization"
    case .header(let name): name
    }
  }

  /// The field as it is sent.
  func field(with credentials: Credentials?) -> HTTPField? {
    let values = secrets.map { credentials?[$0]?.exposed ?? [] }
    switch self {
    case .none: return nil
    case .bearer: return HTTPField("Authorization", "Bearer " + Self.text(values[0]))
    case .basic:
      let pair = values[0] + [UInt8(ascii: ":")] + values[1]
      return HTTPField("Authorization", "Basic " + Base64Text.text(pair))
    case .header(let name): return HTTPField(name, Self.text(values[0]))
    }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
