import IntakeCore
import IntakeSystem

/// What every cell of a column must look like, whatever else the target asks for.
///
/// Messages name the column and the rule, never what the cell holds.
struct CellRule: Sendable {
  /// A date of birth later than this day is refused.
  ///
  /// Unless a test says otherwise, the latest day that it is anywhere: UTC and 14 hours (Line Islands).
  let latestBirth: CalendarDate
  /// The first day that may still be today somewhere.
  private let earliestToday: CalendarDate
  /// How dates are written besides `YYYYMMDD` and `YYYY-MM-DD`.
  private let dateFormat: DateFormat?
  /// Whether a date that programs write for an unknown day is refused.
  private let refusesUnknownDays: Bool
  private let dates: DateSurvey

  init(
    latestBirth: CalendarDate = UTCTime(seconds: SystemTime.wall + 14 * 3_600).date,
    dateFormat: DateFormat? = nil, refusesUnknownDays: Bool = true, dates: DateSurvey = DateSurvey()
  ) {
    self.latestBirth = latestBirth
    earliestToday = CalendarDate(daysSince1970: latestBirth.daysSince1970 - 1)
    self.dateFormat = dateFormat
    self.refusesUnknownDays = refusesUnknownDays
    self.dates = dates
  }

  /// Far beyond any name or address; keeps a body and a message small.
  private static let mostCharacters = 1_000
  /// Ledgers and result lines are read by the id.
  private static let mostIDCharacters = 128

  /// What is wrong with a cell, in words that follow the column's name; `day` says it of dates.
  func complaint(about cell: RawCell) -> String? {
    (cell.isPlain ? nil : CellRule.harmfulCharacter(in: cell.text, of: cell.name.column))
      ?? CellRule.length(of: cell) ?? form(of: cell.name.column, cell.text)
  }

  static func invalid(_ name: ColumnName, _ words: String) -> StageFailure {
    StageFailure(.invalidValue, "\(name) \(words)", column: name)
  }

  static func suspicious(_ name: ColumnName, _ problem: String) -> StageFailure {
    let hint =
      problem == SuspiciousValue.misread
      ? "correct the cell, or give --encoding utf-8 where the manifest is UTF-8 but for a few bytes"
      : problem.contains("instead of a value")
        ? "correct or empty the cell; --null TEXT reads such a text as an empty cell" : nil
    return StageFailure(.suspiciousValue, "\(name) \(problem)", hint: hint, column: name)
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
    case _ where scalar.isLineBreak: return "a line break"
    case 1..<0x20, 0x7F...0x9F: return "a control character"
    // What copying from contact lists leaves around phone numbers.
    case 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB:
      return "an invisible character"
    // Persian and Indic names and right-to-left text need joiners; codes and addresses do not.
    case _ where scalar.isInvisible: return prose.contains(column) ? nil : "an invisible character"
    case 0xA0... where column == .email && scalar.isWhiteSpace: return "a blank"
    default: return nil
    }
  }

  /// Columns of free text.
  private static let prose: Set<Column> = [
    .fn, .ln, .mn, .addr, .addr2, .city, .state, .front, .back,
  ]
}

// Dates.
extension CellRule {
  /// The date of a cell: as it stands there, or as YYYY-MM-DD where its form is not one of the two that are always read.
  func day(in cell: RawCell) throws(StageFailure) -> String {
    let column = cell.name.column
    guard let (date, isAsItIs) = date(cell.text, column) else {
      throw notADay(cell.text, cell.name)
    }
    dates.noteRead(column)
    if column == .dob, let problem = birthProblem(date) { throw problem }
    return isAsItIs ? cell.text : date.dashed
  }

  private func date(_ text: String, _ column: Column) -> (CalendarDate, isAsItIs: Bool)? {
    // Of a form of digits alone and YYYYMMDD only one can be meant.
    if dateFormat?.isAllDigits != true || text.utf8.count > 8 {
      if let date = CalendarDate(text) { return (date, true) }
      if let date = DateFormat.standard(text) { return (date, false) }
    }
    return dateFormat?.date(text, latest: latest(column)).map { ($0, false) }
  }

  private func birthProblem(_ date: CalendarDate) -> StageFailure? {
    // Nearly every birth is between these two.
    guard date.year <= 1900 || date >= earliestToday else { return nil }
    let name = ColumnName(.dob)
    if date > latestBirth { return CellRule.invalid(name, "lies in the future") }
    guard refusesUnknownDays else { return nil }
    return SuspiciousValue.dateProblem(date, today: earliestToday...latestBirth).map {
      CellRule.suspicious(name, $0)
    }
  }

  /// The last day that a date of a column may be, for years of two digits.
  private func latest(_ column: Column) -> CalendarDate {
    column == .idExpiry
      ? CalendarDate(daysSince1970: latestBirth.daysSince1970 + 50 * 365) : latestBirth
  }

  private func notADay(_ text: String, _ name: ColumnName) -> StageFailure {
    let forms = [dateFormat?.text].compactMap(\.self) + ["YYYYMMDD", "YYYY-MM-DD"]
    let known = forms.dropLast().joined(separator: ", ") + " or " + (forms.last ?? "")
    let fits = dates.add(text, to: name.column, latest: latest(name.column))
    let fit = fits.isEmpty ? "" : ", but in " + fits.map(\.text).joined(separator: " or ")
    let hint =
      switch fits.count {
      case 0: "correct the cell, or give --date-format where the whole column is in another form"
      case 1: "give \(fits[0].argument)"
      default:
        "give \(fits[0].argument) or another of these; the end of the run says which one fits the whole column"
      }
    return StageFailure(
      .invalidValue, "\(name) isn't a day in the form \(known)\(fit)", hint: hint, column: name)
  }
}
