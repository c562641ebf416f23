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
    /// So many Unicode scalars: JSON Schema counts code points, Swift's `count` counts grapheme clusters.
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
}
