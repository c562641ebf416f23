import IntakeCore

/// What every cell of a column must look like, whatever the target asks for besides.
///
/// Messages name the column and the rule, never what the cell holds.
struct CellRule: Sendable {
  /// No birth lies after this day; nil where nobody knows the day.
  let latestBirth: CalendarDate?

  /// Far beyond any name or address; keeps a body and a message small.
  private static let mostCharacters = 1_000
  /// What ledgers and result lines are read by.
  private static let mostIDCharacters = 128

  /// What is wrong with a cell, nil when nothing is.
  func problem(of cell: RawCell) -> StageFailure? {
    let text = cell.text
    if let problem = CharacterRule.problem(of: text, in: cell.name.column) ?? length(of: cell) {
      return StageFailure(.invalidValue, "\(cell.name) \(problem)", column: cell.name)
    }
    return form(of: cell.name.column, text).map {
      StageFailure(.invalidValue, "\(cell.name) \($0)", column: cell.name)
    }
  }

  private func length(of cell: RawCell) -> String? {
    let isID = cell.name.column == .id
    let limit = isID ? CellRule.mostIDCharacters : CellRule.mostCharacters
    guard cell.text.utf8.count > limit else { return nil }
    let count = cell.text.unicodeScalars.count
    return count > limit ? "has \(count) characters, \(limit) are allowed" : nil
  }

  private func form(of column: Column, _ text: String) -> String? {
    switch column {
    case .email: return EmailForm.problem(of: Array(text.utf8))
    case .dob:
      guard let date = CalendarDate(text) else { return CellRule.dateForm }
      return latestBirth.map { date > $0 } == true ? "lies in the future" : nil
    case .idIssued, .idExpiry: return CalendarDate(text) == nil ? CellRule.dateForm : nil
    case .status:
      return ["PASS", "PENDING", "FAIL"].contains(text.uppercased())
        ? nil : "is not PASS, PENDING or FAIL"
    default: return nil
    }
  }

  private static let dateForm = "is no day of the form YYYYMMDD or YYYY-MM-DD"
}
