import IntakeCore

/// A request to DCAMS Storage as it came; nothing is checked yet.
struct DCAMSRequest {
  private let body: JSONValue?

  /// Reads a body; anything but a JSON object leaves every field absent.
  init(_ bytes: [UInt8]) { body = try? JSONParser.parse(bytes) }

  var isReadable: Bool { body?.fields != nil }
  var user: String? { body?["user"]?.string }
  var pass: String? { body?["pass"]?.string }
  var service: String? { body?["service"]?.string }
  var reference: JSONValue? { body?["reference"].flatMap { $0.scalar == nil ? nil : $0 } }
  var email: String? { target("email") }
  var status: String? { target("status") }

  /// The fields of the target, in the order of the vendor's answers.
  static let attributes = ["fn", "ln", "addr", "city", "state", "zip", "dob", "email", "phone"]

  func target(_ name: String) -> String? { body?["target"]?[name]?.scalar }

  func image(_ side: Side) -> String? { body?["target"]?["documents"]?[side.rawValue]?.string }

  /// Whether a field holds a list, an object or a truth value where a text belongs.
  var hasMisplacedValue: Bool {
    let target = body?["target"]
    let documents = target?["documents"]
    let texts = DCAMSRequest.attributes.map { target?[$0] } + [body?["reference"]]
    let images = Side.allCases.map { documents?[$0.rawValue] }
    func isGiven(_ value: JSONValue?) -> Bool { value?.isNull == false }
    return texts.contains { isGiven($0) && $0?.scalar == nil }
      || images.contains { isGiven($0) && $0?.string == nil }
      || isGiven(documents) && documents?.fields == nil
  }

  /// The undocumented names.
  var unknownFields: [String] {
    let top = ["user", "pass", "service", "reference", "target"]
    let inTarget = DCAMSRequest.attributes + ["status", "documents"]
    let names = (body?.fields ?? []).map(\.name)
    let namesInTarget = (body?["target"]?.fields ?? []).map(\.name)
    return names.filter { !top.contains($0) }
      + namesInTarget.filter { !inTarget.contains($0) }.map { "target." + $0 }
  }
}

extension JSONValue {
  /// Null counts as absent.
  var isNull: Bool { if case .null = kind { true } else { false } }

  /// The text of a string or the digits of a number: DCAMS documents strings, clients send both.
  var scalar: String? {
    switch kind {
    case .string(let text), .number(let text): text
    default: nil
    }
  }
}

/// The four services of DCAMS Storage.
enum DCAMSService: String {
  case createOrUpdateCustomer, updateStatus, getStatus, getDocumentImages
}

/// The errors that the DCAMS pages document, word by word.
extension RequestFailure {
  static let invalidEmail = Self(400, "The email address is invalid")
  static let missingInput = Self(400, "Missing a required input")
  static let wrongCredentials = Self(401, "Either your username or password is incorrect")
  static let notFound = Self(404, "The email address was not found")
}
