import IntakeCore

/// A request to DCAMS Storage as its body spells it; nothing is checked yet.
struct DCAMSRequest {
  private let body: JSONValue?

  /// Reads a body; anything but a JSON object leaves every field absent.
  init(_ bytes: [UInt8]) { body = try? JSONParser.parse(bytes) }

  var isReadable: Bool { body?.fields != nil }
  var user: String? { body?["user"]?.string }
  var pass: String? { body?["pass"]?.string }
  var service: String? { body?["service"]?.string }
  var reference: Reference? { Reference(body?["reference"]) }
  var email: String? { target("email") }
  var status: String? { target("status") }

  /// The fields of the target, in the order of the vendor's answers.
  static let attributes = ["fn", "ln", "addr", "city", "state", "zip", "dob", "email", "phone"]

  func target(_ name: String) -> String? {
    switch body?["target"]?[name]?.kind {
    case .string(let text), .number(let text): return text
    default: return nil
    }
  }

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

/// The four services of DCAMS Storage.
enum DCAMSService: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus, getStatus, getDocumentImages

  static let statuses = ["PASS", "PENDING", "FAIL"]
}

/// The errors that the DCAMS pages document, word by word.
enum DCAMSError: Error {
  case invalidEmail, missingInput, wrongCredentials, notFound

  var status: Int { answer.status }
  var message: String { answer.message }

  private var answer: (status: Int, message: String) {
    switch self {
    case .invalidEmail: return (400, "The email address is invalid")
    case .missingInput: return (400, "Missing a required input")
    case .wrongCredentials: return (401, "Either your username or password is incorrect")
    case .notFound: return (404, "The email address was not found")
    }
  }

  /// The message documented for a status, nil when the pages have none.
  static func message(for status: Int) -> String? {
    [missingInput, wrongCredentials, notFound].first { $0.status == status }?.message
  }
}
