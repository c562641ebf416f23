/// What a request to Noah asks for, told by method and path.
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

  /// Whether the address belongs to Noah at all.
  static func owns(_ path: String) -> Bool {
    path.hasPrefix("/v1/") || path.hasPrefix(uploadPath)
  }

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
