import IntakeCore

/// What Noah's page demands of a row, checked before anything is sent.
struct NoahRules {
  let schema: NoahSchema
  let needsIdentity: Bool

  /// Everything that is wrong with a row, each with its column.
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
        "column \"\(column.rawValue)\" is no CustomerID, which has \(NoahCustomerID.form)",
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
