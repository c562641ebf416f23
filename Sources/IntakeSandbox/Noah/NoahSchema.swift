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

  /// Everything wrong with a body.
  func complaints(about body: JSONValue) -> [NoahFieldError] {
    let isBusiness = body["Type"]?.string == "Business"
    let rules = (isBusiness ? NoahSchema.business : NoahSchema.individual) + versionRules
    let form = NoahRule.complaints(about: body, rules, path: "", strict: profile == "strict")
    let home = isBusiness ? "RegisteredAddress" : "PrimaryResidence"
    return form + legacyComplaints(body) + stateComplaint(body[home], path: home)
  }

  private var versionRules: [NoahRule] {
    let isNeeded = profile == "typed" || profile == "strict"
    let form = NoahRule.Form.choice(["Individual", "Business"])
    switch profile {
    case "legacy": return []
    default: return [NoahRule(name: "Type", isRequired: isNeeded, form: form)] + NoahSchema.newer
    }
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
    let isCode = state.utf8.count == 2 && state.utf8.allSatisfy { (0x41...0x5A).contains($0) }
    return isCode
      ? [] : [.integrity(path + ".State", "must be an ISO 3166-2 code such as CA in this country")]
  }
}
