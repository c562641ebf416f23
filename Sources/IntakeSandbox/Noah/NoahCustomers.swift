import IntakeCore
import Synchronization

extension NoahAPI {
  /// Creates or replaces a customer; approval is immediate, as the newer page says.
  func putCustomer(_ id: String, _ call: Call) throws(RequestFailure) -> Answer {
    guard id.unicodeScalars.count <= 36 else {
      throw .invalid(
        "the CustomerID is too long",
        [NoahComplaint("CustomerID", "must be 1 to 36 characters long")])
    }
    guard let body = try? JSONParser.parse(call.body), body.fields != nil else {
      throw .invalid("the body is no JSON object")
    }
    let complaints = NoahSchema(profile: switches[.noahProfile]).complaints(about: body)
    guard complaints.isEmpty else {
      throw .invalid("the body does not fit the schema", complaints)
    }
    let (_, isNew) = try context.store.upsert(.noah, id, at: call.time) { customer, isNew in
      customer.document = call.body
      customer.fields = NoahAPI.flattened(body, path: "")
      customer.status = "Approved"
      customer.note(isNew ? "created" : "updated", at: call.time)
    }
    let status = switches[.noahCodes] == "200" ? 200 : isNew ? 201 : 204
    return Answer(status).accepted
  }

  /// Nested names joined with dots, for the page.
  private static func flattened(_ value: JSONValue, path: String) -> [(name: String, value: String)]
  {
    if let fields = value.fields {
      return fields.flatMap { field in
        flattened(field.value, path: path.isEmpty ? field.name : path + "." + field.name)
      }
    }
    if let elements = value.elements {
      return elements.enumerated().flatMap { index, element in
        flattened(element, path: "\(path)[\(index)]")
      }
    }
    return [(path, value.string ?? JSONOutput(value).text)]
  }

  func getCustomer(_ id: String, _: Call) throws(RequestFailure) -> Answer {
    .json(200, NoahAPI.output(try find(id)))
  }

  /// A page of customers, the oldest or the newest first.
  func listCustomers(_: String, _ call: Call) throws(RequestFailure) -> Answer {
    let size = try number("PageSize", of: call) ?? 20
    let direction = call.head.parameter("SortDirection") ?? "ASC"
    guard (1...100).contains(size) else {
      throw NoahAPI.parameter("PageSize", "must be a whole number from 1 to 100")
    }
    guard ["ASC", "DESC"].contains(direction) else {
      throw NoahAPI.parameter("SortDirection", "must be one of ASC, DESC")
    }
    let isAscending = direction == "ASC"
    let all = context.store.all.filter { $0.origin == .noah }
    var rest = (isAscending ? all : all.reversed())[...]
    if let last = try number("PageToken", of: call) {
      rest = rest.drop { isAscending ? $0.number <= last : $0.number >= last }
    }
    let page = rest.prefix(size)
    let next = page.count < rest.count ? page.last.map { String($0.number) } : nil
    return .json(200, [("Items", page.map(NoahAPI.output)), ("PageToken", next)])
  }

  private func number(_ name: String, of call: Call) throws(RequestFailure) -> Int? {
    guard let text = call.head.parameter(name) else { return nil }
    guard let number = Int(text) else { throw NoahAPI.parameter(name, "is not valid") }
    return number
  }

  private static func parameter(_ name: String, _ description: String) -> RequestFailure {
    .invalid("a parameter is wrong", [NoahComplaint(name, description)])
  }

  /// The customer with the fields of the newer page.
  private static func output(_ customer: Customer) -> JSONOutput {
    let body = try? JSONParser.parse(customer.document)
    let verification = JSONOutput(fields: [("Model", "Reliance"), ("Status", customer.status)])
    // The sandbox writes these itself; they must not appear twice.
    let own = ["Type", "CustomerID", "Created", "Verification", "Verifications"]
    let others = (body?.fields ?? []).filter { !own.contains($0.name) }
    return JSONOutput(
      fields: [
        ("Type", body?["Type"]?.string ?? "Individual"), ("CustomerID", customer.key),
        ("Created", customer.created.rfc3339Milliseconds),
      ] + others.map { ($0.name, JSONOutput($0.value)) } + [
        ("Verification", verification), ("Verifications", [verification]),
      ])
  }
}

/// The two-step upload of a scan: an address first, then the bytes.
extension NoahAPI {
  func getUploadURL(_ id: String, _ call: Call) throws(RequestFailure) -> Answer {
    let missing = ["Type", "CountryCode"].filter { call.head.parameter($0)?.isEmpty ?? true }
    guard missing.isEmpty else {
      throw .invalid(
        "a required parameter is missing", missing.map { NoahComplaint($0, "is required") })
    }
    let side = call.head.parameter("Side") ?? "Front"
    guard ["Front", "Back"].contains(side) else {
      throw .invalid(
        "Side is Front or Back", [NoahComplaint("Side", "must be one of Front, Back")])
    }
    _ = try find(id)
    var generator = SystemRandomNumberGenerator()
    let ticket = UploadTicket(
      customer: id, side: side == "Back" ? .back : .front,
      documentType: call.head.parameter("Type") ?? "",
      expires: call.time.later(by: Double(context.configuration.uploadLifetime)),
      token: Hex.text((0..<24).map { _ in UInt8.random(in: 0...255, using: &generator) }))
    context.tickets.add(ticket)
    let address = context.address + NoahRoute.uploadPath + ticket.token
    let fields: JSONFields = [
      ("PresignedURL", address), ("ExpiresAt", ticket.expires.rfc3339Milliseconds),
    ]
    return .json(200, fields)
  }

  /// Takes the raw bytes; the address alone is the permission, as with any presigned upload.
  func upload(_ token: String, _ call: Call) throws(RequestFailure) -> Answer {
    guard let ticket = context.tickets[token] else {
      throw RequestFailure(403, "this upload address is unknown")
    }
    guard ticket.expires.seconds > call.time.seconds else {
      throw RequestFailure(403, "this upload address has expired")
    }
    guard !call.body.isEmpty else { throw .invalid("the upload is empty") }
    let image = StoredImage(call.body)
    _ = try context.store.upsert(.noah, ticket.customer, at: call.time) { customer, _ in
      customer.images[ticket.side] = image
      customer.note("\(ticket.documentType) uploaded, \(ticket.side.rawValue)", at: call.time)
    }
    return Answer(200).accepted
  }
}

/// An address that was given out for one upload.
struct UploadTicket: Sendable {
  let customer: String
  let side: Side
  let documentType: String
  let expires: UTCTime
  /// The end of the address, which cannot be guessed.
  let token: String
}

/// The tickets that were given out last: more than any client has open at a time.
final class UploadTickets: Sendable {
  private let most: Int
  private let tickets = Mutex(Queue<UploadTicket>())

  init(most: Int) { self.most = most }

  func add(_ ticket: UploadTicket) {
    tickets.withLock { tickets in
      tickets.append(ticket)
      _ = tickets.removeFirst(beyond: most)
    }
  }

  subscript(token: String) -> UploadTicket? {
    tickets.withLock { $0.elements.last { $0.token == token } }
  }
}
