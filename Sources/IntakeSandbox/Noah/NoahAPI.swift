import IntakeCore
import IntakeCrypto

/// The parts of Noah's Business API that an intake needs: customers, and the two-step upload of scans.
struct NoahAPI: VendorAPI {
  let store: CustomerStore
  let tickets: UploadTickets
  let configuration: SandboxConfiguration
  /// Checks `Api-Signature`; nil for an account without a public key, which needs none.
  let signature: NoahSignature?
  let address: String

  var switches: SandboxSwitches { configuration.switches }

  func prepare(_ call: Call) -> PreparedCall {
    let route = NoahRoute(call.head)
    var prepared = PreparedCall(
      service: route.service, customer: customer(of: route),
      confidential: [call.head["x-api-key"] ?? "", call.head["api-signature"] ?? ""]
    ) {
      do throws(NoahError) { return try carryOut(route, call) } catch {
        return Reply(answer: error.answer)
      }
    }
    if signature == nil, call.head["api-signature"] != nil {
      prepared.notes.append("Api-Signature was not checked: no public key is configured")
    }
    return prepared
  }

  func refusal(_ status: Int, _ message: String?) -> Answer {
    NoahError(status, message ?? Answer.reason(status)).answer
  }

  private func customer(of route: NoahRoute) -> String? {
    switch route {
    case .putCustomer(let id), .getCustomer(let id), .getUploadURL(let id): return id
    case .upload(let token): return tickets[token]?.customer
    case .listCustomers, .wrongMethod, .unknown: return nil
    }
  }

  private func carryOut(_ route: NoahRoute, _ call: Call) throws(NoahError) -> Reply {
    // An upload's address is its permission: nobody shows a key there, whatever the method.
    if case .upload(let token) = route { return try upload(token, call) }
    if case .wrongMethod(let allowed) = route, call.head.path.hasPrefix(NoahRoute.uploadPath) {
      return Reply(answer: wrongMethod(allowed))
    }
    try checkKey(call)
    if let signature {
      guard let token = call.head["api-signature"] else {
        throw .unauthorized("Api-Signature missing")
      }
      try signature.check(token, of: call)
    }
    switch route {
    case .putCustomer(let id): return try putCustomer(id, call)
    case .getCustomer(let id): return Reply(answer: try getCustomer(id))
    case .listCustomers: return Reply(answer: try listCustomers(call))
    case .getUploadURL(let id): return Reply(answer: try getUploadURL(id, call))
    case .wrongMethod(let allowed): return Reply(answer: wrongMethod(allowed))
    case .unknown, .upload:
      throw NoahError(404, "there is no such resource")
    }
  }

  private func wrongMethod(_ allowed: String) -> Answer {
    refusal(405, "this path takes \(allowed)").with(HTTPField("Allow", allowed))
  }

  private func checkKey(_ call: Call) throws(NoahError) {
    guard switches[.noahPlainHTTP] == "allowed" else { throw .unauthorized("HTTPS is required") }
    guard let given = call.head["x-api-key"], !given.isEmpty else {
      throw .unauthorized("X-Api-Key missing")
    }
    let parts = given.split(separator: "_", maxSplits: 2)
    guard parts.count == 3, parts[0] == "apikey" else { throw .unauthorized("X-Api-Key invalid") }
    guard parts[1] == switches[.noahEnvironment] else {
      throw .unauthorized("X-Api-Key belongs to another environment")
    }
    if let apiKey = configuration.apiKey, !Secret(apiKey).matches(Secret(given)) {
      throw .unauthorized("X-Api-Key invalid")
    }
  }

  func find(_ id: String) throws(NoahError) -> Customer {
    guard let customer = store.customer(.noah, id) else {
      throw NoahError(
        Int(switches[.noahMissing]) ?? 404, "there is no customer with this id",
        type: "ResourceNotFound")
    }
    return customer
  }

  /// Stores a change and says whether the customer is new; a full or unwritable store is the vendor's error.
  func store(
    _ id: String, at time: UTCTime, _ change: (inout Customer, _ isNew: Bool) -> Void
  ) throws(NoahError) -> Bool {
    do throws(RequestFailure) {
      return try store.upsert(.noah, id, at: time, change: change).isNew
    } catch {
      throw NoahError(error.status, error.message)
    }
  }
}

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
