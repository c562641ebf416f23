import IntakeCore

/// An error as Noah's pages describe it, read tolerantly: every field may be missing or of another type.
struct NoahAnswer {
  /// The vendor's word for the error, nil when the answer holds none that is documented.
  let type: Kind?
  /// The reference of this occurrence, for the vendor's support; only where it can hold nothing personal.
  let instance: String?
  /// In lower case; searched for known words, never shown.
  let detail: String
  /// What is wrong field by field.
  let complaints: [Complaint]

  /// The documented kinds of errors.
  enum Kind: String {
    case invalidMessage = "InvalidMessage"
    case unexpected = "Unexpected"
    case resourceNotFound = "ResourceNotFound"
    case unauthorized = "Unauthorized"
    case forbidden = "Forbidden"
    case insufficientBalance = "InsufficientBalance"
  }

  /// One entry of `RequestExtension.Body`.
  struct Complaint {
    /// The full path, where the answer names one.
    let field: String?
    /// `SchemaValidation` or `IntegrityValidation`.
    let reason: String?
    let description: String?
  }

  /// Nil when the body is no JSON object.
  init?(_ body: [UInt8]) {
    guard let root = try? JSONParser.parse(body), root.fields != nil else { return nil }
    type = root["Type"]?.string.flatMap(Kind.init)
    instance = root["Instance"]?.string.flatMap(NoahAnswer.plain)
    detail = (root["Detail"]?.string ?? "").lowercased()
    let entries = root["RequestExtension"]?["Body"]?.elements ?? []
    complaints = entries.filter { $0.fields != nil }.map {
      Complaint(
        field: $0["Field"]?.string, reason: $0["Reason"]?.string,
        description: $0["Description"]?.string)
    }
  }

  /// A text of letters, digits and a few signs, so no sentence and no e-mail; nil for any other.
  static func plain(_ text: String) -> String? {
    let isPlain = text.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-_.:/[]#$".utf8.contains($0)
      }
    }
    return isPlain && (1...80).contains(text.utf8.count) ? text : nil
  }
}
