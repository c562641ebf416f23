import IntakeCore

/// The body of `PUT /customers/{CustomerID}`, as the older and the newer pages describe it.
struct NoahSchema: Sendable {
  /// Which of the published shapes is enforced.
  let profile: String

  private static let address: [NoahRule] = [
    .required("Street", .text(2...200)), .optional("Street2", .text(0...200)),
    .required("City", .text(1...100)), .required("PostCode", .text(1...20)),
    .required("State", .text(1...100)), .required("Country", .country),
  ]

  private static let identity: [NoahRule] = [
    .required("IssuingCountry", .country), .required("IDNumber", .text(1...36)),
    .optional("IssuedDate", .date), .optional("ExpiryDate", .date),
    .required(
      "IDType",
      .choice([
        "DrivingLicense", "NationalIDCard", "Passport", "AddressProof", "ResidencePermit", "TaxID",
      ])),
  ]

  private static let individual: [NoahRule] = [
    .required(
      "FullName",
      .object([
        .required("FirstName", .text(1...50)), .required("LastName", .text(1...50)),
        .optional("MiddleName", .text(1...50)),
      ])),
    .required("DateOfBirth", .date), .required("Identities", .list(identity)),
    .required("PrimaryResidence", .object(address)),
  ]

  private static let business: [NoahRule] = [
    .required("RegisteredName", .text(1...200)), .required("RegistrationNumber", .text(1...100)),
    .required("RegistrationCountry", .country), .required("RegisteredAddress", .object(address)),
    .required("IncorporationDate", .date),
  ]

  /// What only the newer pages have.
  private static let newer: [NoahRule] = [
    .optional("Email", .text(1...320)), .optional("PhoneNumber", .text(1...50)),
  ]

  func complaints(about body: JSONValue) -> [NoahFieldError] {
    let isBusiness = body["Type"]?.string == "Business"
    let rules = (isBusiness ? NoahSchema.business : NoahSchema.individual) + versionRules
    let form = NoahRule.complaints(about: body, rules, path: "", strict: profile == "strict")
    let home = isBusiness ? "RegisteredAddress" : "PrimaryResidence"
    return form + legacyComplaints(body) + stateComplaint(body[home], path: home)
  }

  private var versionRules: [NoahRule] {
    guard profile != "legacy" else { return [] }
    let form = NoahRule.Form.choice(["Individual", "Business"])
    let isRequired = profile == "typed" || profile == "strict"
    return [NoahRule(name: "Type", isRequired: isRequired, form: form)] + NoahSchema.newer
  }

  private func legacyComplaints(_ body: JSONValue) -> [NoahFieldError] {
    guard profile == "legacy" else { return [] }
    return ["Type", "Email", "PhoneNumber"].filter { body[$0] != nil }
      .map { .schema($0, "is unknown to the older schema") }
  }

  /// For the United States and Canada the state is the ISO 3166-2 code without the country.
  private func stateComplaint(_ home: JSONValue?, path: String) -> [NoahFieldError] {
    guard let country = home?["Country"]?.string, ["US", "CA"].contains(country),
      let state = home?["State"]?.string, !state.isEmpty
    else { return [] }
    let isCode = state.utf8.count == 2 && state.utf8.allSatisfy(\.isASCIIUppercase)
    return isCode
      ? []
      : [
        NoahFieldError(
          field: path + ".State", reason: "IntegrityValidation",
          description: "must be an ISO 3166-2 code such as CA in this country")
      ]
  }
}

/// What Noah's pages say about one field.
struct NoahRule: Sendable {
  let name: String
  let isRequired: Bool
  let form: Form

  enum Form: Sendable {
    /// A text of so many Unicode scalars.
    case text(ClosedRange<Int>)
    /// `YYYY-MM-DD`, a real day.
    case date
    /// ISO 3166-1 alpha-2.
    case country
    case choice([String])
    case object([NoahRule])
    case list([NoahRule])
  }

  static func required(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name: name, isRequired: true, form: form)
  }

  static func optional(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name: name, isRequired: false, form: form)
  }

  /// Everything wrong with the value of this field inside `parent`.
  func complaints(in parent: JSONValue, path: String, strict: Bool) -> [NoahFieldError] {
    let path = path + name
    guard let value = parent[name], !value.isNull else {
      return isRequired ? [.schema(path, "is required")] : []
    }
    switch form {
    case .object(let rules):
      return NoahRule.complaints(about: value, rules, path: path + ".", strict: strict)
    case .list(let rules):
      guard let elements = value.elements else { return [.schema(path, "must be a list")] }
      if strict, elements.isEmpty { return [.schema(path, "must hold at least one item")] }
      return elements.enumerated().flatMap { index, element in
        NoahRule.complaints(
          about: element, rules, path: "\(path)[\(index)].", strict: strict)
      }
    default: return scalarComplaint(value.string).map { [.schema(path, $0)] } ?? []
    }
  }

  /// Everything wrong with an object; in the strict profile also the fields that no page knows.
  static func complaints(
    about value: JSONValue, _ rules: [NoahRule], path: String, strict: Bool
  ) -> [NoahFieldError] {
    guard let fields = value.fields else {
      return [.schema(path.isEmpty ? "" : String(path.dropLast()), "must be an object")]
    }
    let found = rules.flatMap { $0.complaints(in: value, path: path, strict: strict) }
    guard strict else { return found }
    let strangers = fields.filter { field in !rules.contains { $0.name == field.name } }
    return found
      + strangers.map { .schema(path + Sanitizer.clean($0.name, limit: 60), "is unknown") }
  }

  private func scalarComplaint(_ text: String?) -> String? {
    guard let text else { return "must be a text" }
    switch form {
    case .text(let range):
      // JSON Schema counts code points, which Swift calls Unicode scalars.
      return range.contains(text.unicodeScalars.count)
        ? nil : "must be \(range.lowerBound) to \(range.upperBound) characters long"
    case .date:
      let isDay = text.utf8.count == 10 && CalendarDate(text) != nil
      return isDay ? nil : "must be a calendar day as YYYY-MM-DD"
    case .country:
      let isCode = text.utf8.count == 2 && text.utf8.allSatisfy(\.isASCIIUppercase)
      return isCode ? nil : "must be an ISO 3166-1 alpha-2 code"
    case .choice(let names):
      return names.contains(text) ? nil : "must be one of " + names.joined(separator: ", ")
    case .object, .list: return nil
    }
  }
}

extension JSONValue {
  /// Null counts as absent.
  var isNull: Bool {
    if case .null = kind { return true }
    return false
  }
}
