import IntakeCore

/// The services of DCAMS storage that take a row each.
enum DCAMSOperation: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus

  /// Everything that is wrong with a row for this service.
  func problems(in record: IntakeRecord) -> [StageFailure] {
    var problems: [StageFailure] = []
    // The vendor marks no field but front as required, yet looks customers up by e-mail only.
    if record.fields[.email] == nil { problems.append(missing(.email)) }
    switch self {
    case .createOrUpdateCustomer:
      if !record.images.contains(where: { $0.side == .front }) { problems.append(missing(.front)) }
    case .updateStatus:
      if record.fields[.status] == nil { problems.append(missing(.status)) }
    }
    return problems
  }

  private func missing(_ column: Column) -> StageFailure {
    StageFailure(
      .missingValue, "column \"\(column.rawValue)\" is empty, and \(rawValue) needs it",
      column: ColumnName(column))
  }
}
