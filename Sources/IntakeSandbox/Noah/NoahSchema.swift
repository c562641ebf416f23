import IntakeCore

/// The body of `PUT /customers/{CustomerID}`, as the older and the newer pages describe it.
struct NoahSchema: Sendable {
  let profile: String

  private static let address: [NoahRule] = [
    NoahRule("Street", .text(2...200)), .optional("Street2", .text(0...200)),
    NoahRule("City", .text(1...100)), NoahRule("PostCode", .text(1...20)),
    NoahRule("State", .text(1...100)), NoahRule("Country", .country),
  ]

  private static let identity: [NoahRule] = [
    NoahRule("IssuingCountry", .country), NoahRule("IDNumber", .text(1...36)),
    .optional("IssuedDate", .date), .optional("ExpiryDate", .date),
    NoahRule(
      "IDType",
      .choice([
        "DrivingLicense", "NationalIDCard", "Passport", "AddressProof", "ResidencePermit", "TaxID",
      ])),
  ]

  private static let individual: [NoahRule] = [
    NoahRule(
      "FullName",
      .object([
        NoahRule("FirstName", .text(1...50)), NoahRule("LastName", .text(1...50)),
        .optional("MiddleName", .text(1...50)),
      ])),
    NoahRule("DateOfBirth", .date), NoahRule("Identities", .list(identity)),
    NoahRule("PrimaryResidence", .object(address)),
  ]

  private static let business: [NoahRule] = [
    NoahRule("RegisteredName", .text(1...200)), NoahRule("RegistrationNumber", .text(1...100)),
    NoahRule("RegistrationCountry", .country), NoahRule("RegisteredAddress", .object(address)),
    NoahRule("IncorporationDate", .date),
  ]

  func complaints(about body: JSONValue) -> [NoahComplaint] {
    let isBusiness = body["Type"]?.string == "Business"
    let rules = (isBusiness ? NoahSchema.business : NoahSchema.individual) + versionRules
    let form = NoahRule.complaints(about: body, rules, path: "", strict: profile == "strict")
    let home = isBusiness ? "RegisteredAddress" : "PrimaryResidence"
    return form + legacyComplaints(about: body) + stateComplaint(body[home], path: home)
  }

  /// The rules for the fields that only the newer pages have.
  private var versionRules: [NoahRule] {
    let isRequired = profile == "typed" || profile == "strict"
    let rules = [
      NoahRule("Type", .choice(["Individual", "Business"]), isRequired: isRequired),
      .optional("Email", .text(1...320)), .optional("PhoneNumber", .text(1...50)),
    ]
    return profile == "legacy" ? [] : rules
  }

  private func legacyComplaints(about body: JSONValue) -> [NoahComplaint] {
    guard profile == "legacy" else { return [] }
    return ["Type", "Email", "PhoneNumber"].filter { body[$0] != nil }
      .map { NoahComplaint($0, "is unknown to the older schema") }
  }

  /// For the United States and Canada the state is the ISO 3166-2 code without the country.
  private func stateComplaint(_ home: JSONValue?, path: String) -> [NoahComplaint] {
    guard let country = home?["Country"]?.string, ["US", "CA"].contains(country),
      let state = home?["State"]?.string, !state.isEmpty
    else { return [] }
    guard !state.isTwoCapitals else { return [] }
    var complaint = NoahComplaint(
      path + ".State", "must be an ISO 3166-2 code such as CA in this country")
    complaint.reason = "IntegrityValidation"
    return [complaint]
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

  init(_ name: String, _ form: Form, isRequired: Bool = true) {
    (self.name, self.form, self.isRequired) = (name, form, isRequired)
  }

  static func optional(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name, form, isRequired: false)
  }

  func complaints(in parent: JSONValue, path: String, strict: Bool) -> [NoahComplaint] {
    let path = path + name
    guard let value = parent[name], !value.isNull else {
      return isRequired ? [NoahComplaint(path, "is required")] : []
    }
    switch form {
    case .object(let rules):
      return NoahRule.complaints(about: value, rules, path: path + ".", strict: strict)
    case .list(let rules):
      guard let elements = value.elements else { return [NoahComplaint(path, "must be a list")] }
      if strict, elements.isEmpty { return [NoahComplaint(path, "must hold at least one item")] }
      return elements.enumerated().flatMap { index, element in
        NoahRule.complaints(
          about: element, rules, path: "\(path)[\(index)].", strict: strict)
      }
    case .scalar(let complaint, let fits):
      guard let text = value.string else { return [NoahComplaint(path, "must be a text")] }
      return fits(text) ? [] : [NoahComplaint(path, complaint)]
    }
  }

  /// Everything wrong with an object; in the strict profile undocumented fields, too.
  static func complaints(
    about value: JSONValue, _ rules: [NoahRule], path: String, strict: Bool
  ) -> [NoahComplaint] {
    guard let fields = value.fields else {
      return [NoahComplaint(path.isEmpty ? "" : String(path.dropLast()), "must be an object")]
    }
    let found = rules.flatMap { $0.complaints(in: value, path: path, strict: strict) }
    guard strict else { return found }
    let strangers = fields.filter { field in !rules.contains { $0.name == field.name } }
    return found
      + strangers.map { NoahComplaint(path + Sanitizer.clean($0.name, limit: 60), "is unknown") }
  }
}

extension String {
  /// The form of country codes, and of state codes without the country.
  fileprivate var isTwoCapitals: Bool { utf8.count == 2 && utf8.allSatisfy(\.isASCIIUppercase) }
}
