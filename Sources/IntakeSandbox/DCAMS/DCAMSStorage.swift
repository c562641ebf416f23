import IntakeCore

/// DCAMS Storage: one address, four services, chosen by `service` alone.
struct DCAMSStorage: VendorAPI {
  static let path = "/v3/stable/api/storage"

  let context: ServerContext

  private var switches: SandboxSwitches { context.switches }
  private var store: CustomerStore { context.store }

  func prepare(_ call: Call) -> PreparedCall {
    guard call.head.method == "POST" else {
      return PreparedCall(service: "", customer: nil) {
        refusal(405, "Only POST is supported").with("Allow", "POST")
      }
    }
    let request = DCAMSRequest(call.body)
    let names = ["fn", "ln", "email"].compactMap { request.target($0) }
    return PreparedCall(
      service: request.service ?? "", customer: request.email,
      confidential: [request.pass ?? ""] + names, notes: notes(request)
    ) { () throws(RequestFailure) in try carryOut(request, at: call.time) }
  }

  func refusal(_ failure: RequestFailure) -> Answer {
    let documented = [RequestFailure.missingInput, .wrongCredentials, .notFound]
      .first { $0.status == failure.status }
    let text = failure.message ?? documented?.message ?? Answer.reason(failure.status)
    let isDisguised = switches[.errorCode] == "200" && [400, 401, 404].contains(failure.status)
    return .json(isDisguised ? 200 : failure.status, [("result", "Error"), ("message", text)])
  }

  private func notes(_ request: DCAMSRequest) -> [String] {
    var notes = request.unknownFields.prefix(8)
      .map { "unknown field " + Sanitizer.clean($0, limit: 60) }
    if request.service == DCAMSService.getStatus.rawValue, request.status != nil {
      notes.append("getStatus with target.status: the status was ignored; updateStatus sets it")
    }
    return notes
  }

  /// Checks in this order: readable, credentials, inputs, form of the e-mail, and only then the look-up.
  private func carryOut(_ request: DCAMSRequest, at time: UTCTime) throws(RequestFailure) -> Answer
  {
    guard request.isReadable else { throw .missingInput }
    guard Secret(context.configuration.user).matches(Secret(request.user ?? "")),
      Secret(context.configuration.pass).matches(Secret(request.pass ?? ""))
    else { throw .wrongCredentials }
    guard let service = DCAMSService(rawValue: request.service ?? ""),
      let email = request.email, !email.isEmpty
    else { throw .missingInput }
    switch service {
    case .createOrUpdateCustomer: return try createOrUpdate(request, email, at: time)
    case .updateStatus: return try updateStatus(request, email, at: time)
    case .getStatus, .getDocumentImages:
      let customer = try find(email)
      if service == .getDocumentImages { try refuseIfDropped(customer) }
      return .json(200, success(service, customer))
    }
  }

  private func find(_ email: String) throws(RequestFailure) -> Customer {
    guard EmailAddress.problem(in: email, strictly: true) == nil else { throw .invalidEmail }
    guard let customer = store.customer(.dcams, email) else { throw .notFound }
    return customer
  }

  /// An image that was dropped must not look like one that never arrived.
  private func refuseIfDropped(_ customer: Customer) throws(RequestFailure) {
    guard let side = Side.allCases.first(where: { store.hasDropped($0, of: customer) }) else {
      return
    }
    throw RequestFailure(410, "The sandbox no longer keeps this image (\(side.rawValue))")
  }

  private func createOrUpdate(
    _ request: DCAMSRequest, _ email: String, at time: UTCTime
  ) throws(RequestFailure) -> Answer {
    guard !request.hasMisplacedValue else { throw .missingInput }
    let images = try images(of: request)
    let isFrontOptional =
      switches[.frontOnUpdate] == "optional" && store.customer(.dcams, email) != nil
    guard images[.front] != nil || isFrontOptional else { throw .missingInput }
    guard EmailAddress.problem(in: email, strictly: true) == nil else { throw .invalidEmail }
    let sides = images.keys.sorted().map(\.rawValue).joined(separator: " and ")
    let (customer, isNew) = try store.upsert(.dcams, email, at: time) { customer, isNew in
      apply(request, images, to: &customer, isNew: isNew)
      let scans = sides.isEmpty ? "without images" : "with \(sides)"
      customer.note((isNew ? "created " : "updated ") + scans, at: time)
    }
    let type = isNew ? "createCustomer" : "updateCustomer"
    return Answer.json(200, success(.createOrUpdateCustomer, customer, type: type)).accepted
  }

  private func updateStatus(
    _ request: DCAMSRequest, _ email: String, at time: UTCTime
  ) throws(RequestFailure) -> Answer {
    guard let status = request.status, ["PASS", "PENDING", "FAIL"].contains(status) else {
      throw .missingInput
    }
    let known = try find(email)
    let (customer, _) = try store.upsert(.dcams, known.key, at: time) { customer, _ in
      customer.note("status changed from \(customer.status) to \(status)", at: time)
      customer.status = status
    }
    return Answer.json(200, success(.updateStatus, customer)).accepted
  }

  private func images(of request: DCAMSRequest) throws(RequestFailure) -> [Side: StoredImage] {
    var images: [Side: StoredImage] = [:]
    for side in Side.allCases {
      guard let text = request.image(side), !text.isEmpty else { continue }
      guard let image = StoredImage(field: text),
        image.format != nil || switches[.images] == "any"
      else { throw .missingInput }
      images[side] = image
    }
    return images
  }

  private func apply(
    _ request: DCAMSRequest, _ images: [Side: StoredImage], to customer: inout Customer,
    isNew: Bool
  ) {
    if !isNew, switches[.update] == "replace" {
      customer.fields = []
      customer.images = [:]
      customer.reference = nil
    }
    // The e-mail stays as first stored, even if its case differs this time.
    customer.set("email", customer.key)
    for name in DCAMSRequest.attributes where name != "email" {
      if let value = request.target(name) { customer.set(name, stored(value)) }
    }
    customer.images.merge(images) { _, new in new }
    customer.reference = request.reference ?? customer.reference
    if isNew || switches[.resetStatus] == "on" { customer.status = switches[.createStatus] }
  }
}

extension DCAMSStorage {
  /// A field as it is kept.
  private func stored(_ value: String) -> String {
    switches[.storedFields] == "kept"
      ? value : value.uppercased().replacing("STREET", with: "ST")
  }

  /// The documented answer of each service, in the documented order of fields.
  func success(_ service: DCAMSService, _ customer: Customer, type: String? = nil) -> JSONFields {
    let (isTop, isInTarget) = statusPlaces(service)
    let isLinked =
      service == .createOrUpdateCustomer && switches[.customerLink] == "documented"
    let link = "\(context.address)/admin/customers.php?a=edit&id=\(customer.number)"
    let showsImages = service == .getDocumentImages && switches[.storedImages] != "omitted"
    let documents: JSONFields =
      showsImages ? Side.allCases.map { ($0.rawValue, document($0, customer)) } : []
    let target: JSONFields =
      DCAMSRequest.attributes.map { ($0, customer[field: $0]) } + [
        ("status", isInTarget ? customer.status : nil),
        ("documents", showsImages ? JSONOutput(fields: documents) : nil),
      ]
    return [
      ("result", "Success"), ("reference", customer.reference.map(JSONOutput.init)),
      ("customer_link", isLinked ? link : nil), ("status", isTop ? customer.status : nil),
      ("type", type), ("target", JSONOutput(fields: target)),
    ]
  }

  private func statusPlaces(_ service: DCAMSService) -> (isTop: Bool, isInTarget: Bool) {
    switch switches[.statusLocation] {
    case "top": return (true, false)
    case "target": return (false, true)
    case "both": return (true, true)
    default: return (service != .updateStatus, service == .updateStatus)
    }
  }

  private func document(_ side: Side, _ customer: Customer) -> JSONOutput? {
    guard let bytes = store.bytes(of: side, of: customer), let image = customer.images[side] else {
      switch switches[.missingBack] {
      case "empty": return .string("")
      case "null": return .null
      default: return nil
      }
    }
    let prefix = switches[.imagesAs] == "raw" ? "" : "data:\(image.mediaType);base64,"
    let shown = switches[.storedImages] == "reencoded" ? encodedAgain(bytes) : bytes
    return .string(prefix + Base64Text.text(shown))
  }

  /// The same picture in other bytes: a JPEG with a comment (T.81 §B.2.4.5), a PNG with a byte after its end.
  private func encodedAgain(_ bytes: [UInt8]) -> [UInt8] {
    let start: [UInt8] = [0xFF, 0xD8]
    guard bytes.starts(with: start) else { return bytes + [0] }
    let comment = Array("encoded again".utf8)
    return start + [0xFF, 0xFE, 0, UInt8(comment.count + 2)] + comment + bytes.dropFirst(2)
  }
}
