import IntakeCore

/// One field of a Noah customer: the column it comes from, its place in the body, and what the vendor lets through.
struct NoahField {
  let column: Column
  /// The name inside its object.
  let name: String
  let isRequired: Bool
  let form: Form

  /// What a cell has to look like.
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

  /// What a cell holds.
  enum Reading {
    case absent
    /// The text to send.
    case value(String)
    /// What is wrong, as a predicate that doesn't repeat the cell.
    case wrong(String)
  }

  /// The text to send, nil when there is none or it is wrong.
  func value(in fields: CustomerFields, _ number: Int = 1) -> String? {
    guard case .value(let text) = reading(of: fields, number) else { return nil }
    return text
  }

  /// What is wrong with the cell, nil when nothing is.
  func problem(in fields: CustomerFields, _ number: Int = 1, of owner: String) -> StageFailure? {
    let place = ColumnName(column, number)
    switch reading(of: fields, number) {
    case .value: return nil
    case .absent:
      guard isRequired else { return nil }
      return StageFailure(
        .missingValue, "column \"\(place)\" is empty, and \(owner) needs it", column: place)
    case .wrong(let predicate):
      return StageFailure(.invalidValue, "column \"\(place)\" \(predicate)", column: place)
    }
  }

  private func reading(of fields: CustomerFields, _ number: Int) -> Reading {
    guard let cell = fields[column, number]?.exposed else { return .absent }
    switch form {
    case .text(let range): return NoahField.text(cell, range)
    case .date:
      return CalendarDate(cell).map { .value($0.dashed) }
        ?? .wrong("isn't a real day in the form YYYY-MM-DD or YYYYMMDD")
    case .country: return NoahField.country(cell)
    case .state: return NoahField.state(cell, country: fields[.country]?.exposed)
    case .email: return NoahField.email(cell)
    case .phone: return NoahField.phone(cell)
    case .documentType: return NoahField.documentType(cell)
    }
  }

  private static func text(_ cell: String, _ range: ClosedRange<Int>) -> Reading {
    let count = cell.unicodeScalars.count
    guard range.contains(count) else {
      return .wrong(
        "has \(count) characters; \(range.lowerBound) to \(range.upperBound) are allowed")
    }
    return .value(cell)
  }

  private static func country(_ cell: String) -> Reading {
    let code = cell.uppercased()
    guard CountryCodes.contains(code) else {
      return .wrong("isn't an ISO 3166-1 code of two letters, such as US, CA or GB")
    }
    return .value(code)
  }

  /// A two-letter code in the United States and Canada, any text elsewhere.
  private static func state(_ cell: String, country: String?) -> Reading {
    guard let country = country?.uppercased(), let codes = StateCodes.of(country) else {
      return text(cell, 1...100)
    }
    guard let code = codes.code(of: cell) else {
      return .wrong(
        "is neither the ISO 3166-2 code nor the English name of a state or province of \(country)"
      )
    }
    return .value(code)
  }

  private static func email(_ cell: String) -> Reading {
    EmailAddress.problem(in: cell, strictly: true) == nil
      ? .value(cell) : .wrong("isn't a valid e-mail address")
  }

  /// E.164 with its plus sign; the separators that people write are left out.
  private static func phone(_ cell: String) -> Reading {
    let digits = cell.utf8.filter { !" -.()".utf8.contains($0) }
    let isNumber =
      digits.first == UInt8(ascii: "+") && digits.dropFirst().first != UInt8(ascii: "0")
      && digits.dropFirst().allSatisfy(\.isASCIIDigit)
    // 15 digits are the most that E.164 has; no country has complete numbers of fewer than 7.
    guard isNumber, (8...16).contains(digits.count) else {
      return .wrong(
        "isn't a phone number in the form +16135550171 (E.164, with the country's code)")
    }
    return .value(String(decoding: digits, as: UTF8.self))
  }

  private static func documentType(_ cell: String) -> Reading {
    guard documentTypes.contains(cell) else {
      return .wrong(
        "isn't one of \(documentTypes.joined(separator: ", "))"
          + NearestName.suggestion(for: cell, among: documentTypes))
    }
    return .value(cell)
  }
}

extension [NoahField] {
  /// The field of that name.
  func named(_ name: String) -> NoahField? { first { $0.name == name } }
}
