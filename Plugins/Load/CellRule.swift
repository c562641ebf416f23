import IntakeCore
import IntakeSystem

/// What every cell of a column must look like, whatever the target asks for besides.
///
/// Messages name the column and the rule, never what the cell holds.
struct CellRule: Sendable {
  /// A date of birth later than this day is refused.
  ///
  /// Unless a test says otherwise, the latest day that it is anywhere: UTC and 14 hours (Line Islands).
  var latestBirth = UTCTime(seconds: SystemTime.wall + 14 * 3_600).date

  /// Far beyond any name or address; keeps a body and a message small.
  private static let mostCharacters = 1_000
  /// Ledgers and result lines are read by the id.
  private static let mostIDCharacters = 128

  /// What is wrong with a cell, nil when nothing is.
  func problem(of cell: RawCell) -> StageFailure? {
    let column = cell.name.column
    let problem =
      CellRule.harmfulCharacter(in: cell.text, of: column) ?? CellRule.length(of: cell)
      ?? form(of: column, cell.text)
    return problem.map {
      StageFailure(.invalidValue, "\(cell.name) \($0)", column: cell.name)
    }
  }

  private static func length(of cell: RawCell) -> String? {
    let limit = cell.name.column == .id ? mostIDCharacters : mostCharacters
    guard cell.text.utf8.count > limit else { return nil }
    let count = cell.text.unicodeScalars.count
    return count > limit ? "has \(count) characters, \(limit) are allowed" : nil
  }

  private func form(of column: Column, _ text: String) -> String? {
    switch column {
    case .email: return EmailAddress.problem(in: text).map(CellRule.words)
    case .dob:
      guard let date = CalendarDate(text) else { return CellRule.dateForm }
      return date > latestBirth ? "lies in the future" : nil
    case .idIssued, .idExpiry: return CalendarDate(text) == nil ? CellRule.dateForm : nil
    case .status:
      return ["PASS", "PENDING", "FAIL"].contains(text.uppercased())
        ? nil : "is not PASS, PENDING or FAIL"
    default: return nil
    }
  }

  private static func words(_ problem: EmailAddress.Problem) -> String {
    switch problem {
    case .tooLong(let bytes): "has \(bytes) bytes, \(EmailAddress.longest) are allowed"
    case .at: "isn't a valid e-mail address: it needs exactly one @"
    case .localPart: "isn't a valid e-mail address: what is before the @ isn't allowed"
    case .domain: "isn't a valid e-mail address: a domain with a dot must follow the @"
    }
  }

  private static let dateForm = "isn't a day in the form YYYYMMDD or YYYY-MM-DD"

  /// The first character that has no place in a cell: one that steers terminals, hides text or turns it around.
  private static func harmfulCharacter(in text: String, of column: Column) -> String? {
    guard !text.utf8.allSatisfy(\.isASCIIPrintable) else { return nil }
    for (index, scalar) in text.unicodeScalars.enumerated() {
      guard let kind = kind(of: scalar, in: column) else { continue }
      let hex = String(scalar.value, radix: 16, uppercase: true)
      let code = String(repeating: "0", count: max(0, 4 - hex.utf8.count)) + hex
      return "holds \(kind) (U+\(code)) at character \(index + 1)"
    }
    return nil
  }

  private static func kind(of scalar: Unicode.Scalar, in column: Column) -> String? {
    switch scalar.value {
    case 0: return "a NUL"
    case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: return "a line break"
    case 1..<0x20, 0x7F...0x9F: return "a control character"
    // What copying from contact lists leaves around phone numbers.
    case 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB:
      return "an invisible character"
    // Persian and Indic names and right-to-left text need these; codes and addresses do not.
    case 0xAD, 0x200B...0x200F, 0x2060...0x2064, 0xE0000...0xE007F:
      return prose.contains(column) ? nil : "an invisible character"
    default: return nil
    }
  }

  /// Columns that people write for people.
  private static let prose: Set<Column> = [
    .fn, .ln, .mn, .addr, .addr2, .city, .state, .front, .back,
  ]
}
