import IntakeCore

/// What became of a row, in a line for people.
enum RowText {
  /// `line 2 (C-1001): accepted createCustomer PENDING · front 1.1 MB 4032×3024 → 412 KB 1536×2048 q85`.
  static func line(
    _ outcome: Outcome, word: String? = nil, hidesPaths: Bool, showsImages: Bool,
    explains: Bool = false
  ) -> String {
    var text = Console.name(outcome.row) + ": " + (word ?? outcome.verdict.rawValue)
    if let receipt = outcome.receipt, outcome.failure == nil {
      let words = [receipt.type, receipt.status].compactMap(\.self)
      text += words.map { " " + Sanitizer.word($0) }.joined()
    }
    if let failure = outcome.failure { text += ": " + problem(failure, hidesPaths: hidesPaths) }
    if let since = outcome.since {
      text += "\n    accepted \(UTCTime(seconds: since).readable)"
    }
    for failure in outcome.further {
      text += "\n    and " + problem(failure, hidesPaths: hidesPaths)
    }
    guard showsImages else { return text }
    for (side, report) in outcome.images.sorted(by: { $0.key < $1.key }) {
      text += "\n    \(HelpText.pad(side.rawValue, 5)) \(image(report))"
      if explains { text += explanation(of: report) }
      for warning in report.warnings { text += "\n          note: \(warning)" }
    }
    return text
  }

  /// Why this form was chosen, and every encoding that was tried.
  private static func explanation(of report: ShrinkReport) -> String {
    let tried = report.attempts.map {
      "q\($0.quality) at \($0.edge) px \($0.isSample ? "promised" : "gave") \(bytes($0.bytes))"
    }
    let attempts = tried.isEmpty ? "" : "\n          tried: " + tried.joined(separator: ", ")
    return "\n          why: \(report.reason)" + attempts
  }

  /// `invalid_value: column "dob" … (images/a.jpg) → correct the cell`.
  private static func problem(_ failure: StageFailure, hidesPaths: Bool) -> String {
    let file = hidesPaths ? nil : failure.file.map { " (\(Sanitizer.clean($0)))" }
    let detail = Sanitizer.clean(failure.detail, limit: ResultLine.longestDetail)
    return "\(failure.code): \(detail)\(file ?? "")\n    → \(failure.hint)"
  }

  /// `1.1 MB 4032×3024 jpeg → 412 KB 1536×2048 jpeg q85 (shrunk)`.
  private static func image(_ report: ShrinkReport) -> String {
    let quality = report.sent.quality.map { " q\($0)" } ?? ""
    return "\(form(report.source)) → \(form(report.sent))\(quality) (\(report.method.rawValue))"
  }

  private static func form(_ form: ShrinkReport.Form) -> String {
    "\(bytes(form.bytes)) \(form.size.width)×\(form.size.height) \(form.format.rawValue)"
  }

  /// Decimal units, three digits: `412 KB`, `1.09 MB`.
  static func bytes(_ count: Int) -> String {
    switch count {
    case ..<1000: return "\(count) B"
    case ..<1_000_000: return digits(Double(count) / 1000) + " KB"
    case ..<1_000_000_000: return digits(Double(count) / 1_000_000) + " MB"
    default: return digits(Double(count) / 1_000_000_000) + " GB"
    }
  }

  /// About three digits of a number.
  static func digits(_ value: Double) -> String {
    switch value {
    case ..<10: return String((value * 100).rounded() / 100)
    case ..<100: return String((value * 10).rounded() / 10)
    default: return String(Int(value.rounded()))
    }
  }
}
