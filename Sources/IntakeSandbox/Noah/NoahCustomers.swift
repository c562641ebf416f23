import IntakeCore

/// Customers: one is put, read, or listed with the others.
extension NoahAPI {
  /// Creates or replaces a customer; approval is immediate, as the newer page says.
  func putCustomer(_ id: String, _ call: Call) throws(NoahError) -> Reply {
    guard id.unicodeScalars.count <= 36 else {
      throw NoahError(
        400, "the CustomerID is too long",
        [.schema("CustomerID", "must be 1 to 36 characters long")])
    }
    guard let body = try? JSONParser.parse(call.body), body.fields != nil else {
      throw NoahError(400, "the body is no JSON object")
    }
    let complaints = NoahSchema(profile: switches[.noahProfile]).complaints(about: body)
    guard complaints.isEmpty else {
      throw NoahError(400, "the body does not fit the schema", complaints)
    }
    let isNew = try store(id, at: call.time) { customer, isNew in
      customer.document = call.body
      customer.fields = NoahAPI.flattened(body, path: "")
      customer.status = "Approved"
      customer.note(isNew ? "created" : "updated", at: call.time)
    }
    let status = switches[.noahCodes] == "200" ? 200 : isNew ? 201 : 204
    return Reply(answer: Answer(status), isAccepted: true)
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

  func getCustomer(_ id: String) throws(NoahError) -> Answer {
    .json(200, NoahAPI.output(try find(id)))
  }

  /// A page of customers in the order in which they came, or the other way round.
  func listCustomers(_ call: Call) throws(NoahError) -> Answer {
    let size = try number("PageSize", of: call) ?? 20
    let direction = call.head.parameter("SortDirection") ?? "ASC"
    guard (1...100).contains(size) else {
      throw NoahAPI.parameter("PageSize", "must be a whole number from 1 to 100")
    }
    guard ["ASC", "DESC"].contains(direction) else {
      throw NoahAPI.parameter("SortDirection", "must be one of ASC, DESC")
    }
    let isAscending = direction == "ASC"
    let all = store.all.filter { $0.origin == .noah }
    var rest = (isAscending ? all : all.reversed())[...]
    if let last = try number("PageToken", of: call) {
      rest = rest.drop { isAscending ? $0.number <= last : $0.number >= last }
    }
    let page = rest.prefix(size)
    var fields = [("Items", JSONOutput.array(page.map(NoahAPI.output)))]
    if page.count < rest.count, let last = page.last {
      fields.append(("PageToken", .string(String(last.number))))
    }
    return .json(200, .object(fields))
  }

  private func number(_ name: String, of call: Call) throws(NoahError) -> Int? {
    guard let text = call.head.parameter(name) else { return nil }
    guard let number = Int(text) else { throw NoahAPI.parameter(name, "is not valid") }
    return number
  }

  private static func parameter(_ name: String, _ description: String) -> NoahError {
    NoahError(400, "a parameter is wrong", [.schema(name, description)])
  }

  /// The customer with the fields of the newer page.
  private static func output(_ customer: Customer) -> JSONOutput {
    let body = try? JSONParser.parse(customer.document)
    var fields: [(String, JSONOutput)] = [
      ("Type", .string(body?["Type"]?.string ?? "Individual")),
      ("CustomerID", .string(customer.key)),
      ("Created", .string(customer.created.rfc3339Milliseconds)),
    ]
    // What the sandbox itself says must not stand there a second time.
    let own = fields.map(\.0) + ["Verification", "Verifications"]
    for field in body?.fields ?? [] where !own.contains(field.name) {
      fields.append((field.name, JSONOutput(field.value)))
    }
    let verification = JSONOutput.object([
      ("Model", .string("Reliance")), ("Status", .string(customer.status)),
    ])
    return .object(
      fields + [("Verification", verification), ("Verifications", .array([verification]))])
  }
}
