import IntakeCore

/// The body of `PUT /customers/{CustomerID}`, as the older and the newer pages describe it.
struct NoahSchema: Sendable {
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
    return state.isTwoCapitals
      ? []
      : [
        NoahFieldError(
          field: path + ".State", reason: "IntegrityValidation",
          description: "must be an ISO 3166-2 code such as CA in this country")
      ]
  }
}

struct NoahRule: Sendable {
  let name: String
  let isRequired: Bool
  let form: Form

  enum Form: Sendable {
    case scalar(_ complaint: String, fits: @Sendable (String) -> Bool)
    case object([NoahRule])
    case list([NoahRule])

    /// JSON Schema counts code points, which Swift calls Unicode scalars.
    static func text(_ range: ClosedRange<Int>) -> Form {
      .scalar("must be \(range.lowerBound) to \(range.upperBound) characters long") {
        range.contains($0.unicodeScalars.count)
      }
    }

    static let date = Form.scalar("must be a calendar day as YYYY-MM-DD") {
      $0.utf8.count == 10 && CalendarDate($0) != nil
    }

    static let country = Form.scalar("must be an ISO 3166-1 alpha-2 code") { $0.isTwoCapitals }

    static func choice(_ names: [String]) -> Form {
      .scalar("must be one of " + names.joined(separator: ", ")) { names.contains($0) }
    }
  }

  static func required(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name: name, isRequired: true, form: form)
  }

  static func optional(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name: name, isRequired: false, form: form)
  }

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
    case .scalar(let complaint, let fits):
      guard let text = value.string else { return [.schema(path, "must be a text")] }
      return fits(text) ? [] : [.schema(path, complaint)]
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

}

extension String {
  /// The form of the codes for countries, and of those for states without their country.
  fileprivate var isTwoCapitals: Bool { utf8.count == 2 && utf8.allSatisfy(\.isASCIIUppercase) }
}

extension JSONValue {
  /// Null counts as absent.
  var isNull: Bool {
    if case .null = kind { return true }
    return false
  }
}
