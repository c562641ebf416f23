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

  func target(_ name: String) -> String? { Reference(body?["target"]?[name])?.text }

  func image(_ side: Side) -> String? { body?["target"]?["documents"]?[side.rawValue]?.string }

  /// Whether a field of a customer holds a list, an object or a truth value where a text belongs.
  var hasMisplacedValue: Bool {
    let target = body?["target"]
    let documents = target?["documents"]
    let texts = DCAMSRequest.attributes.map { target?[$0] } + [body?["reference"]]
    let images = Side.allCases.map { documents?[$0.rawValue] }
    return texts.contains { isMisplaced($0) { Reference($0) != nil } }
      || images.contains { isMisplaced($0) { $0.string != nil } }
      || isMisplaced(documents) { $0.fields != nil }
  }

  private func isMisplaced(_ value: JSONValue?, _ fits: (JSONValue) -> Bool) -> Bool {
    value.map { !$0.isNull && !fits($0) } ?? false
  }

  /// The names that no page documents.
  var unknownFields: [String] {
    let top = ["user", "pass", "service", "reference", "target"]
    let inTarget = DCAMSRequest.attributes + ["status", "documents"]
    let strangers = (body?.fields ?? []).map(\.name).filter { !top.contains($0) }
    return strangers
      + (body?["target"]?.fields ?? []).map(\.name).filter { !inTarget.contains($0) }
      .map { "target." + $0 }
  }
}

/// The four services of DCAMS Storage.
enum DCAMSService: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus, getStatus, getDocumentImages

  static let statuses = ["PASS", "PENDING", "FAIL"]
}

/// The errors that the DCAMS pages document, word by word.
extension RequestFailure {
  static let invalidEmail = Self(400, "The email address is invalid")
  static let missingInput = Self(400, "Missing a required input")
  static let wrongCredentials = Self(401, "Either your username or password is incorrect")
  static let notFound = Self(404, "The email address was not found")
}
