import IntakeCore

/// An error as Noah's schema has it; `Type`, `Instance` and `Detail` are always there.
struct NoahError: Error {
  /// HTTP status.
  var status: Int
  /// What is wrong, in words.
  let detail: String
  /// What is wrong field by field, for 400.
  var fields: [NoahFieldError] = []
  /// The vendor's name for the error where it does not follow from the status.
  var namedType: String?

  /// The caller is not who it must be.
  static func unauthorized(_ detail: String) -> NoahError { NoahError(status: 401, detail: detail) }

  /// The vendor's name for the status.
  private var type: String {
    switch status {
    case 400...499 where ![401, 403, 404].contains(status): return "InvalidMessage"
    case 401: return "Unauthorized"
    case 403: return "Forbidden"
    case 404: return "ResourceNotFound"
    default: return "Unexpected"
    }
  }

  /// The answer; `instance` names the occurrence for the vendor's support.
  func answer(instance: String) -> Answer {
    var body: [(String, JSONOutput)] = [
      ("Type", .string(namedType ?? type)), ("Instance", .string(instance)),
      ("Detail", .string(detail)),
    ]
    if status == 400 {
      let entries = JSONOutput.array(fields.map(\.output))
      body.append(("RequestExtension", .object([("Body", entries)])))
    }
    return .json(status, .object(body))
  }
}

/// One entry of `RequestExtension.Body`.
struct NoahFieldError: Equatable {
  /// The full path, as in `FullName.FirstName`.
  let field: String
  /// `SchemaValidation` or `IntegrityValidation`.
  let reason: String
  /// What is wrong, without the value.
  let description: String

  /// The form of the value is wrong.
  static func schema(_ field: String, _ description: String) -> NoahFieldError {
    NoahFieldError(field: field, reason: "SchemaValidation", description: description)
  }

  /// The value does not go with another one.
  static func integrity(_ field: String, _ description: String) -> NoahFieldError {
    NoahFieldError(field: field, reason: "IntegrityValidation", description: description)
  }

  var output: JSONOutput {
    .object([
      ("Field", .string(field)), ("Reason", .string(reason)),
      ("Description", .string(description)),
    ])
  }
}
