import IntakeCore

/// What Noah requires of a row, checked before anything is sent.
struct NoahRules {
  let schema: NoahSchema
  let needsIdentity: Bool

  func problems(in record: IntakeRecord) -> [StageFailure] {
    let fields = record.fields
    let customer = NoahField.fullName + [NoahField.birth] + NoahField.residence
    let contact = schema == .typed ? NoahField.contact : []
    return identification(in: fields)
      + (customer + contact).compactMap { $0.problem(in: fields, of: "putCustomer") }
      + identities(in: fields)
  }

  private func identification(in fields: CustomerFields) -> [StageFailure] {
    guard NoahCustomerID(in: fields) == nil else { return [] }
    let column: Column = fields[.id] == nil && fields[.reference] != nil ? .reference : .id
    guard fields[column] != nil else {
      return [StageFailure(.missingValue, NoahCustomerID.rule, column: ColumnName(.id))]
    }
    let complaint = "isn't a CustomerID: it has to be \(NoahCustomerID.form)"
    return [.invalid(ColumnName(column), complaint)]
  }

  private func identities(in fields: CustomerFields) -> [StageFailure] {
    let numbers = NoahBody.identityNumbers(in: fields)
    guard numbers.isEmpty, needsIdentity else {
      return numbers.flatMap { identity($0, in: fields) }
    }
    return [
      StageFailure(
        .missingValue,
        "columns \"id_type\", \"id_number\" and \"id_country\" are empty: no identity document",
        hint: "fill them in, or give --set noah.allow-no-identity=true",
        column: ColumnName(.idType))
    ]
  }

  private func identity(_ number: Int, in fields: CustomerFields) -> [StageFailure] {
    let problems = NoahField.identity.compactMap {
      $0.problem(in: fields, number, of: "an identity document")
    }
    guard let issued = fields.date(.idIssued, number), let expiry = fields.date(.idExpiry, number),
      expiry <= issued
    else { return problems }
    let complaint = "is not after column \"\(ColumnName(.idIssued, number))\""
    return problems + [.invalid(ColumnName(.idExpiry, number), complaint)]
  }
}

/// The caller's own id for a customer, which is part of the path.
///
/// Only characters that percent-encoding leaves alone, so that the signed path and the sent one can't differ.
struct NoahCustomerID {
  let text: String

  static let form = "1 to 36 characters of A-Z, a-z, 0-9, '.', '_' and '-'"
  static let rule = "column \"id\" has to hold the CustomerID, \(form)"

  init?(_ text: String) {
    // As path segments "." and ".." are removed before sending (RFC 3986 §5.2.4).
    guard text.isPlain(1...36, or: "._-"), text != ".", text != ".." else { return nil }
    self.text = text
  }

  /// The id of a row; `reference` where there is no `id`.
  init?(in fields: CustomerFields) {
    guard let cell = fields[.id] ?? fields[.reference] else { return nil }
    self.init(cell.exposed)
  }

  var path: String { "/customers/" + text }
}

/// The country codes of ISO 3166-1 alpha-2 that are officially assigned: 249.
enum CountryCodes {
  static let all = Set(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split { $0 == " " || $0 == "\n" }.map(String.init))
}

/// The subdivisions of a country by ISO 3166-2, without the country's own part: codes with English names.
struct StateCodes {
  let country: String
  let codes: [String: String]

  /// The codes of the two countries for which Noah wants them, nil for any other.
  static func of(_ country: String) -> StateCodes? {
    switch country {
    case "US": unitedStates
    case "CA": canada
    default: nil
    }
  }

  /// `CA` for `CA`, `ca`, `US-CA` and `California`; nil for what is none of them.
  func code(of cell: String) -> String? {
    var key = StateCodes.key(cell)
    if key.utf8.count == 5, key.hasPrefix(country + "-") { key = String(key.dropFirst(3)) }
    return codes[key]
  }

  private init(_ country: String, _ list: String) {
    self.country = country
    var codes: [String: String] = [:]
    for entry in list.split(whereSeparator: { $0 == "," || $0 == "\n" }) {
      let (code, name) = (String(entry.prefix(2)), String(entry.dropFirst(3)))
      codes[code] = code
      codes[StateCodes.key(name)] = code
    }
    self.codes = codes
  }

  /// Capitals, single spaces and no accent: `Québec` is in every manifest in both spellings.
  private static func key(_ text: String) -> String {
    let words = text.uppercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    // Compared as Characters, so that the composed and the decomposed form are the same.
    return String(words.map { $0 == "É" ? "E" : $0 })
  }

  private static let unitedStates = StateCodes(
    "US",
    """
    AL Alabama,AK Alaska,AZ Arizona,AR Arkansas,CA California,CO Colorado,CT Connecticut
    DE Delaware,DC District of Columbia,FL Florida,GA Georgia,HI Hawaii,ID Idaho,IL Illinois
    IN Indiana,IA Iowa,KS Kansas,KY Kentucky,LA Louisiana,ME Maine,MD Maryland,MA Massachusetts
    MI Michigan,MN Minnesota,MS Mississippi,MO Missouri,MT Montana,NE Nebraska,NV Nevada
    NH New Hampshire,NJ New Jersey,NM New Mexico,NY New York,NC North Carolina,ND North Dakota
    OH Ohio,OK Oklahoma,OR Oregon,PA Pennsylvania,RI Rhode Island,SC South Carolina
    SD South Dakota,TN Tennessee,TX Texas,UT Utah,VT Vermont,VA Virginia,WA Washington
    WV West Virginia,WI Wisconsin,WY Wyoming,AS American Samoa,GU Guam
    MP Northern Mariana Islands,PR Puerto Rico,UM United States Minor Outlying Islands
    VI Virgin Islands
    """)

  private static let canada = StateCodes(
    "CA",
    """
    AB Alberta,BC British Columbia,MB Manitoba,NB New Brunswick,NL Newfoundland and Labrador
    NS Nova Scotia,NT Northwest Territories,NU Nunavut,ON Ontario,PE Prince Edward Island
    QC Quebec,SK Saskatchewan,YT Yukon
    """)
}
