import IntakeCore

/// A request to DCAMS Storage as its body spells it; nothing is checked yet.
struct DCAMSRequest {
  private let body: JSONValue?

  /// Reads a body; whatever is no JSON object leaves every field absent.
  init(_ bytes: [UInt8]) { body = try? JSONParser.parse(bytes) }

  /// The body is a JSON object.
  var isReadable: Bool { body?.fields != nil }
  /// The user's name.
  var user: String? { body?["user"]?.string }
  /// The user's password.
  var pass: String? { body?["pass"]?.string }
  /// The name of the service, known or not.
  var service: String? { body?["service"]?.string }
  /// The free value.
  var reference: Reference? { Reference(body?["reference"]) }
  /// The e-mail, trimmed of nothing.
  var email: String? { target("email") }
  /// The status to set.
  var status: String? { target("status") }

  /// The fields of the target, in the order of the vendor's answers.
  static let attributes = ["fn", "ln", "addr", "city", "state", "zip", "dob", "email", "phone"]

  /// A field of the target; numbers count as their text.
  func target(_ name: String) -> String? {
    switch body?["target"]?[name]?.kind {
    case .string(let text), .number(let text): return text
    default: return nil
    }
  }

  /// The base64 text of an image, nil when it was not sent.
  func image(_ side: Side) -> String? { body?["target"]?["documents"]?[side.rawValue]?.string }

  /// Whether a field of a customer holds a list, an object or a truth value where a text belongs.
  var hasMisplacedValue: Bool {
    let target = body?["target"]
    let documents = target?["documents"]
    let texts = DCAMSRequest.attributes.map { target?[$0] } + [body?["reference"]]
    let images = Side.allCases.map { documents?[$0.rawValue] }
    return texts.contains { $0.map { !$0.isPlain } ?? false }
      || images.contains { $0.map { $0.string == nil && !$0.isNull } ?? false }
      || documents.map { $0.fields == nil && !$0.isNull } ?? false
  }

  /// The names that no page documents.
  var unknownFields: [String] {
    let top = ["user", "pass", "service", "reference", "target"]
    let inTarget = DCAMSRequest.attributes + ["status", "documents"]
    let strangers = (body?.fields ?? []).map(\.name).filter { !top.contains($0) }
    let targetStrangers = (body?["target"]?.fields ?? []).map(\.name)
      .filter { !inTarget.contains($0) }
    return strangers + targetStrangers.map { "target." + $0 }
  }
}

extension JSONValue {
  /// A text, a number, or null, which counts as absent.
  fileprivate var isPlain: Bool {
    switch kind {
    case .string, .number, .null: true
    case .bool, .array, .object: false
    }
  }
}
