import IntakeCore

/// One field of a Noah customer: the column it comes from, its place in the body, and what the vendor lets through.
struct NoahField {
  let column: Column
  let name: String
  let isRequired: Bool
  let form: Form

  enum Form {
    /// A length in Unicode scalars: JSON Schema counts code points, Swift's `count` counts grapheme clusters.
    case text(ClosedRange<Int>)
    case date, country, state, email, phone, documentType
  }

  static func required(_ column: Column, _ name: String, _ form: Form) -> NoahField {
    NoahField(column: column, name: name, isRequired: true, form: form)
  }

  static func optional(_ column: Column, _ name: String, _ form: Form) -> NoahField {
    NoahField(column: column, name: name, isRequired: false, form: form)
  }

  static let contact = [optional(.email, "Email", .email), optional(.phone, "PhoneNumber", .phone)]
  static let birth = required(.dob, "DateOfBirth", .date)
  static let fullName = [
    required(.fn, "FirstName", .text(1...50)), required(.ln, "LastName", .text(1...50)),
    optional(.mn, "MiddleName", .text(1...50)),
  ]
  static let residence = [
    required(.addr, "Street", .text(2...200)), optional(.addr2, "Street2", .text(1...10_000)),
    required(.city, "City", .text(1...100)), required(.zip, "PostCode", .text(1...20)),
    required(.state, "State", .state), required(.country, "Country", .country),
  ]
  static let identity = [
    required(.idType, "IDType", .documentType), required(.idNumber, "IDNumber", .text(1...36)),
    required(.idCountry, "IssuingCountry", .country), optional(.idIssued, "IssuedDate", .date),
    optional(.idExpiry, "ExpiryDate", .date),
  ]

  /// The vendor's kinds of identity documents, in its spelling.
  static let documentTypes = [
    "DrivingLicense", "NationalIDCard", "Passport", "AddressProof", "ResidencePermit", "TaxID",
  ]

  /// The text to send, nil when there is none or it is wrong.
  func value(in fields: CustomerFields, _ number: Int = 1) -> String? {
    fields[column, number].flatMap { read($0.exposed, fields).sent }
  }

  /// What is wrong with the cell, nil when nothing is.
  func problem(in fields: CustomerFields, _ number: Int = 1, of owner: String) -> StageFailure? {
    let place = ColumnName(column, number)
    guard let cell = fields[place]?.exposed else {
      return isRequired ? .missing(place, "\(owner) needs it") : nil
    }
    let (sent, complaint) = read(cell, fields)
    return sent == nil ? .invalid(place, complaint) : nil
  }

  /// A cell as it is sent, nil when it is wrong; and what a wrong one isn't, without repeating it.
  private func read(_ cell: String, _ fields: CustomerFields) -> (sent: String?, complaint: String)
  {
    switch form {
    case .text(let range): return NoahField.measured(cell, range)
    case .date:
      return (CalendarDate(cell)?.dashed, "isn't a real day in the form YYYY-MM-DD or YYYYMMDD")
    case .country:
      let code = cell.uppercased()
      return (
        CountryCodes.all.contains(code) ? code : nil,
        "isn't an ISO 3166-1 code of two letters, such as US, CA or GB"
      )
    case .state:
      guard let codes = fields[.country].flatMap({ StateCodes.of($0.exposed.uppercased()) }) else {
        // The length of a state outside the countries with codes.
        return NoahField.measured(cell, 1...100)
      }
      return (
        codes.code(of: cell),
        "is neither the ISO 3166-2 code nor the English name of a state or province of "
          + codes.country
      )
    case .email:
      let isAddress = EmailAddress.problem(in: cell, strictly: true) == nil
      return (isAddress ? cell : nil, "isn't a valid e-mail address")
    case .phone:
      return (
        NoahField.phone(cell),
        "isn't a phone number in the form +16135550171 (E.164, with the country's code)"
      )
    case .documentType:
      let types = NoahField.documentTypes
      guard !types.contains(cell) else { return (cell, "") }
      let nearest = NearestName.suggestion(for: cell, among: types)
      return (nil, "isn't one of \(types.joined(separator: ", "))" + nearest)
    }
  }

  private static func measured(_ cell: String, _ range: ClosedRange<Int>) -> (String?, String) {
    let count = cell.unicodeScalars.count
    return (
      range.contains(count) ? cell : nil,
      "has \(count) characters; \(range.lowerBound) to \(range.upperBound) are allowed"
    )
  }

  /// E.164 with its plus sign, without the separators that people write; nil for anything else.
  private static func phone(_ cell: String) -> String? {
    let number = cell.filter { !" -.()".contains($0) }
    let digits = number.utf8.dropFirst()
    // 15 digits are the most that E.164 has; no country has complete numbers of fewer than 7.
    let isNumber =
      number.hasPrefix("+") && (7...15).contains(digits.count)
      && digits.first != UInt8(ascii: "0") && digits.allSatisfy(\.isASCIIDigit)
    return isNumber ? number : nil
  }
}

extension [NoahField] {
  func named(_ name: String) -> NoahField? { first { $0.name == name } }
}
