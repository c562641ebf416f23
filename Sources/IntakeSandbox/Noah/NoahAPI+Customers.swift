import IntakeCore

extension NoahAPI {
  /// Creates or replaces a customer; approval is immediate, as the newer page says.
  func putCustomer(_ id: String, _ call: Call) throws(NoahError) -> Reply {
    guard id.unicodeScalars.count <= 36 else {
      let complaint = NoahFieldError.schema("CustomerID", "must be 1 to 36 characters long")
      throw NoahError(status: 400, detail: "the CustomerID is too long", fields: [complaint])
    }
    guard let body = try? JSONParser.parse(call.body), body.fields != nil else {
      throw NoahError(status: 400, detail: "the body is no JSON object")
    }
    let complaints = NoahSchema(profile: switches[.noahProfile]).complaints(about: body)
    guard complaints.isEmpty else {
      throw NoahError(status: 400, detail: "the body does not fit the schema", fields: complaints)
    }
    do throws(CustomerStore.Failure) {
      let isNew = try store.upsert(.noah, id, at: call.time) { customer, isNew in
        customer.document = call.body
        customer.fields = NoahAPI.flattened(body, path: "")
        customer.status = "Approved"
        customer.note(isNew ? "created" : "updated", at: call.time)
      }.isNew
      let status = switches[.noahCodes] == "200" ? 200 : isNew ? 201 : 204
      return Reply(answer: Answer(status), isAccepted: true)
    } catch {
      throw NoahError(status: error.status, detail: error.message)
    }
  }

  /// Nested names joined with dots, for the page.
  private static func flattened(_ value: JSONValue, path: String) -> [CustomerField] {
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
    let text = value.string ?? JSONOutput(value).text
    return [CustomerField(name: path, value: text)]
  }
}
