import IntakeCore

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
      return HTTPField("Authorization", "Basic " + Self.text(Base64Text.encode(pair)))
    case .header(let name): return HTTPField(name, Self.text(values[0]))
    }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
