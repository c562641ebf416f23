import IntakeCore

/// What a request to Noah asks for, by its method and path.
enum NoahRoute: Equatable {
  case putCustomer(String)
  case getCustomer(String)
  case listCustomers
  case getUploadURL(String)
  case upload(token: String)
  /// A known path with another method; the methods it takes.
  case wrongMethod(allowed: String)
  case unknown

  /// Where presigned uploads go; not below `/v1`, as they are not part of the API proper.
  static let uploadPath = "/noah-uploads/"

  static func owns(_ path: String) -> Bool { path.hasPrefix("/v1/") || path.hasPrefix(uploadPath) }

  init(_ head: RequestHead) {
    let parts = head.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map { PercentText.decoded($0) }
    if parts.count == 2, "/\(parts[0])/" == NoahRoute.uploadPath {
      self = head.method == "PUT" ? .upload(token: parts[1]) : .wrongMethod(allowed: "PUT")
    } else if parts.count == 3, parts[0] == "v1", parts[1] == "customers", !parts[2].isEmpty {
      switch head.method {
      case "PUT": self = .putCustomer(parts[2])
      case "GET": self = .getCustomer(parts[2])
      default: self = .wrongMethod(allowed: "GET, PUT")
      }
    } else if parts == ["v1", "customers"] {
      self = head.method == "GET" ? .listCustomers : .wrongMethod(allowed: "GET")
    } else if parts.count == 6, parts[0] == "v1", parts[1] == "onboarding",
      parts[3...].elementsEqual(["prefill", "documents", "upload-url"])
    {
      self = head.method == "GET" ? .getUploadURL(parts[2]) : .wrongMethod(allowed: "GET")
    } else {
      self = .unknown
    }
  }

  /// The name in the log and in `@service=`.
  var service: String {
    switch self {
    case .putCustomer: return "putCustomer"
    case .getCustomer: return "getCustomer"
    case .listCustomers: return "listCustomers"
    case .getUploadURL: return "getUploadURL"
    case .upload: return "upload"
    case .wrongMethod, .unknown: return ""
    }
  }
}

/// An error as Noah's schema has it; `Type`, `Instance` and `Detail` are always there.
struct NoahError: Error {
  let status: Int
  let detail: String
  let fields: [NoahFieldError]
  let type: String

  /// The vendor's name for the error follows from the status unless it is given.
  init(_ status: Int, _ detail: String, _ fields: [NoahFieldError] = [], type: String? = nil) {
    (self.status, self.detail, self.fields) = (status, detail, fields)
    self.type = type ?? NoahError.type(of: status)
  }

  static func unauthorized(_ detail: String) -> NoahError { NoahError(401, detail) }

  private static func type(of status: Int) -> String {
    switch status {
    case 401: return "Unauthorized"
    case 403: return "Forbidden"
    case 404: return "ResourceNotFound"
    case 400...499: return "InvalidMessage"
    default: return "Unexpected"
    }
  }

  var answer: Answer {
    // Names the occurrence, as the vendor's support would ask for it.
    let instance = "sandbox-" + String(UInt64.random(in: .min ... .max), radix: 16)
    let entries = JSONOutput(fields: [("Body", fields)])
    return .json(
      status,
      [
        ("Type", type), ("Instance", instance), ("Detail", detail),
        ("RequestExtension", status == 400 ? entries : nil),
      ])
  }
}

struct NoahFieldError: Equatable, JSONConvertible {
  let field: String
  /// `SchemaValidation` or `IntegrityValidation`.
  let reason: String
  let description: String

  static func schema(_ field: String, _ description: String) -> NoahFieldError {
    NoahFieldError(field: field, reason: "SchemaValidation", description: description)
  }

  var json: JSONOutput {
    JSONOutput(fields: [("Field", field), ("Reason", reason), ("Description", description)])
  }
}
