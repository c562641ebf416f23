/// A column of the manifest; the one list of the names that a header may use.
public enum Column: String, Sendable, Hashable, CaseIterable {
  /// What the operator calls the row, and what is stored with the customer.
  case id, reference
  /// E-mail address.
  case email
  /// First, last and middle name.
  case fn, ln, mn
  /// Street address in two lines, city, region, postal code and country.
  case addr, addr2, city, state, zip, country
  /// Date of birth.
  case dob
  /// Phone number.
  case phone
  /// Image files.
  case front, back
  /// The customer's status for an update: PASS, PENDING or FAIL.
  case status
  /// Kind, number and issuing country of an identity document.
  case idType = "id_type", idNumber = "id_number", idCountry = "id_country"
  /// Days of issue and of expiry of that document.
  case idIssued = "id_issued", idExpiry = "id_expiry"

  /// Whether further ones may follow as `id_type_2`, `id_type_3` ….
  public var isNumbered: Bool {
    [.idType, .idNumber, .idCountry, .idIssued, .idExpiry].contains(self)
  }

  /// One line on what the column holds, for help and documentation.
  public var summary: String {
    switch self {
    case .id: return "the operator's own row id (default: reference)"
    case .reference: return "a value stored with the customer"
    case .email: return "e-mail address; identifies the customer at DCAMS"
    case .fn: return "first name"
    case .ln: return "last name"
    case .mn: return "middle name"
    case .addr: return "street address"
    case .addr2: return "second line of the street address"
    case .city: return "city"
    case .state: return "state, province or region"
    case .zip: return "postal code"
    case .country: return "country, ISO 3166-1 alpha-2"
    case .dob: return "date of birth, YYYYMMDD or YYYY-MM-DD"
    case .phone: return "phone number"
    case .front: return "image file of the front"
    case .back: return "image file of the back"
    case .status: return "PASS, PENDING or FAIL, for updateStatus"
    case .idType: return "kind of an identity document"
    case .idNumber: return "number of that document"
    case .idCountry: return "issuing country, ISO 3166-1 alpha-2"
    case .idIssued: return "day of issue, YYYYMMDD or YYYY-MM-DD"
    case .idExpiry: return "day of expiry, YYYYMMDD or YYYY-MM-DD"
    }
  }
}

/// One cell's place in a row: a column, and which of the numbered ones.
public struct ColumnName: Sendable, Hashable, CustomStringConvertible {
  /// The column without its number.
  public let column: Column
  /// 1 for the plain name, 2 and up for `id_type_2` ….
  public let number: Int

  /// Names a column, the first of its kind unless said otherwise.
  public init(_ column: Column, _ number: Int = 1) {
    self.column = column
    self.number = number
  }

  /// Reads a header cell such as `email` or `id_type_2`, up to `_20`; nil when no column is called so.
  public init?(_ text: String) {
    if let column = Column(rawValue: text) {
      self.init(column)
      return
    }
    guard let mark = text.utf8.lastIndex(of: UInt8(ascii: "_")),
      let column = Column(rawValue: String(text[..<mark])), column.isNumbered,
      let number = Int(text[text.index(after: mark)...]), (2...20).contains(number)
    else { return nil }
    self.init(column, number)
  }

  /// The name as a header writes it.
  public var description: String {
    number == 1 ? column.rawValue : "\(column.rawValue)_\(number)"
  }
}
