import IntakeCore

/// What Noah's page asks of a row, checked before anything is sent.
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
    return [
      StageFailure(
        .invalidValue,
        "column \"\(column.rawValue)\" isn't a CustomerID: it has to be \(NoahCustomerID.form)",
        column: ColumnName(column))
    ]
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
    let place = ColumnName(.idExpiry, number)
    let before = ColumnName(.idIssued, number)
    return problems + [
      StageFailure(
        .invalidValue, "column \"\(place)\" is not after column \"\(before)\"", column: place)
    ]
  }
}

/// The caller's own id of a customer, which stands in the path.
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
