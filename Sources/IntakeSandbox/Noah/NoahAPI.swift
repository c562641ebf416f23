import IntakeCore

/// The parts of Noah's Business API that an intake needs: customers, and the two-step upload of scans.
struct NoahAPI: VendorAPI {
  let context: ServerContext

  var switches: SandboxSwitches { context.switches }

  func prepare(_ call: Call) -> PreparedCall {
    let matches = NoahRoute.all.compactMap { route in
      route.value(in: call.head.path).map { (route: route, value: $0) }
    }
    let match = matches.first { $0.route.method == call.head.method }
    let isUpload = matches.contains { $0.route.service == "upload" }
    let customer = isUpload ? match.flatMap { context.tickets[$0.value]?.customer } : match?.value
    var prepared = PreparedCall(
      service: match?.route.service ?? "", customer: customer?.isEmpty == true ? nil : customer,
      confidential: [call.head["x-api-key"] ?? "", call.head["api-signature"] ?? ""]
    ) { () throws(RequestFailure) in
      // An upload's address is its permission, so no method needs a key there.
      if !isUpload { try checkKey(call) }
      if let match { return try match.route.carryOut(self)(match.value, call) }
      guard !matches.isEmpty else { throw RequestFailure(404, "there is no such resource") }
      let allowed = matches.map(\.route.method).sorted().joined(separator: ", ")
      return refusal(405, "this path takes \(allowed)").with("Allow", allowed)
    }
    if context.signature == nil, call.head["api-signature"] != nil {
      prepared.notes.append("Api-Signature was not checked: no public key is configured")
    }
    return prepared
  }

  func refusal(_ failure: RequestFailure) -> Answer {
    // Identifies this occurrence, as the vendor's support would ask for it.
    let instance = "sandbox-" + String(UInt64.random(in: .min ... .max), radix: 16)
    let complaints = JSONOutput(fields: [("Body", failure.complaints)])
    return .json(
      failure.status,
      [
        ("Type", failure.noahType ?? NoahAPI.type(of: failure.status)), ("Instance", instance),
        ("Detail", failure.message ?? Answer.reason(failure.status)),
        ("RequestExtension", failure.status == 400 ? complaints : nil),
      ])
  }

  private static func type(of status: Int) -> String {
    switch status {
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "ResourceNotFound"
    case 400...499: "InvalidMessage"
    default: "Unexpected"
    }
  }

  /// Checks the key, and the signature where the account has a public key.
  private func checkKey(_ call: Call) throws(RequestFailure) {
    guard switches[.noahPlainHTTP] == "allowed" else { throw .unauthorized("HTTPS is required") }
    guard let given = call.head["x-api-key"], !given.isEmpty else {
      throw .unauthorized("X-Api-Key missing")
    }
    let parts = given.split(separator: "_", maxSplits: 2)
    guard parts.count == 3, parts[0] == "apikey" else { throw .unauthorized("X-Api-Key invalid") }
    guard parts[1] == switches[.noahEnvironment] else {
      throw .unauthorized("X-Api-Key belongs to another environment")
    }
    if let apiKey = context.configuration.apiKey, !Secret(apiKey).matches(Secret(given)) {
      throw .unauthorized("X-Api-Key invalid")
    }
    guard let signature = context.signature else { return }
    guard let token = call.head["api-signature"] else {
      throw .unauthorized("Api-Signature missing")
    }
    try signature.check(token, of: call)
  }

  func find(_ id: String) throws(RequestFailure) -> Customer {
    if let customer = context.store.customer(.noah, id) { return customer }
    let status = Int(switches[.noahMissing]) ?? 404
    var failure = RequestFailure(status, "there is no customer with this id")
    failure.noahType = "ResourceNotFound"
    throw failure
  }
}

/// One operation of Noah's, with its method and path.
struct NoahRoute: Sendable {
  let method: String
  /// The path, with `*` for the customer's id or the upload's token.
  let path: String
  /// The name in the log and in `@service=`.
  let service: String
  /// Takes the part of the path that `*` stands for.
  let carryOut: Action

  /// Where presigned uploads go; not below `/v1`, because they aren't part of the API proper.
  static let uploadPath = "/noah-uploads/"

  static let all = [
    NoahRoute("PUT", "/v1/customers/*", "putCustomer", NoahAPI.putCustomer),
    NoahRoute("GET", "/v1/customers/*", "getCustomer", NoahAPI.getCustomer),
    NoahRoute("GET", "/v1/customers", "listCustomers", NoahAPI.listCustomers),
    NoahRoute(
      "GET", "/v1/onboarding/*/prefill/documents/upload-url", "getUploadURL", NoahAPI.getUploadURL),
    NoahRoute("PUT", uploadPath + "*", "upload", NoahAPI.upload),
  ]

  typealias Action = @Sendable (NoahAPI) -> (String, Call) throws(RequestFailure) -> Answer

  init(_ method: String, _ path: String, _ service: String, _ carryOut: @escaping Action) {
    (self.method, self.path, self.service) = (method, path, service)
    self.carryOut = carryOut
  }

  static func owns(_ path: String) -> Bool { path.hasPrefix("/v1/") || path.hasPrefix(uploadPath) }

  /// The part that `*` stands for, empty when the route has no `*`; nil when the path is another one.
  func value(in given: String) -> String? {
    let wanted = path.split(separator: "/")
    let parts = given.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map { PercentText.decoded($0) }
    guard parts.count == wanted.count else { return nil }
    var value = ""
    for (part, form) in zip(parts, wanted) {
      // A customer without an id has no address; elsewhere the operation says what is wrong.
      if form == "*", !part.isEmpty || wanted[1] != "customers" {
        value = part
      } else if part != form {
        return nil
      }
    }
    return value
  }
}

/// What is wrong with one field of a request.
struct NoahComplaint: JSONConvertible {
  let field: String
  /// `SchemaValidation` or `IntegrityValidation`.
  var reason = "SchemaValidation"
  let description: String

  init(_ field: String, _ description: String) {
    (self.field, self.description) = (field, description)
  }

  var json: JSONOutput {
    JSONOutput(fields: [("Field", field), ("Reason", reason), ("Description", description)])
  }
}

extension RequestFailure {
  static func unauthorized(_ message: String) -> Self { Self(401, message) }

  /// A request that doesn't fit Noah's schema.
  static func invalid(_ message: String, _ complaints: [NoahComplaint] = []) -> Self {
    var failure = Self(400, message)
    failure.complaints = complaints
    return failure
  }
}
