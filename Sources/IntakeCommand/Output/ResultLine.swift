import IntakeCore

/// Writes an outcome as the result line that scripts rely on.
struct ResultLine {
  let hidesPaths: Bool
  /// Characters; with --show-personal a detail holds up to 2,000 of the target's own.
  static let longestDetail = 2_500

  /// Adds the line of a row; `word` stands for the outcome of rows that are only prepared.
  func write(
    _ outcome: Outcome, word: String? = nil, request: JSONOutput? = nil, to line: inout [UInt8]
  ) {
    let row = outcome.row
    line.append(UInt8(ascii: "{"))
    line.addField("row", row.line)
    line.addField("id", row.id)
    line.addField("reference", row.reference)
    line.addField("key", outcome.key?.description)
    line.addField("outcome", word ?? outcome.verdict.rawValue)
    line.addField("since", outcome.since.map { UTCTime(seconds: $0).rfc3339 })
    if let failure = outcome.failure {
      line.addField("stage", outcome.stage)
      write(failure, to: &line)
      if !outcome.further.isEmpty {
        line.beginField("further")
        write(outcome.further, to: &line)
      }
    }
    if let receipt = outcome.receipt { line.addFields(answer(receipt, outcome.attempts, word)) }
    if !outcome.images.isEmpty {
      let sides = outcome.images.sorted { $0.key < $1.key }
      line.addFields([
        ("images", JSONOutput.object(sides.map { ($0.key.rawValue, image($0.value)) }))
      ])
    }
    line.beginField("ms")
    JSONOutput.object(outcome.timings.map { ($0.stage, .decimal($0.milliseconds)) })
      .write(to: &line)
    line.addFields([("request", request)])
    line.append(UInt8(ascii: "}"))
  }

  /// Adds the fields of a problem to the object whose brace is open.
  private func write(_ failure: StageFailure, to line: inout [UInt8]) {
    line.addField("code", failure.code.rawValue)
    line.addField("detail", Sanitizer.clean(failure.detail, limit: ResultLine.longestDetail))
    line.addField("hint", failure.hint(hidesPaths: hidesPaths))
    line.addField("column", failure.column?.description)
    line.addField("side", failure.side?.rawValue)
    if !hidesPaths { line.addField("file", failure.file) }
  }

  private func write(_ failures: [StageFailure], to line: inout [UInt8]) {
    line.append(UInt8(ascii: "["))
    for (index, failure) in failures.enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      line.append(UInt8(ascii: "{"))
      write(failure, to: &line)
      line.append(UInt8(ascii: "}"))
    }
    line.append(UInt8(ascii: "]"))
  }

  private func answer(_ receipt: Receipt, _ attempts: Int, _ word: String?) -> JSONFields {
    let steps = receipt.steps.map { step in
      JSONOutput(fields: [
        ("step", step.name), ("outcome", word ?? step.verdict.rawValue), ("http", step.http),
        ("bodyBytes", step.bodyBytes > 0 ? step.bodyBytes : nil),
      ])
    }
    return [
      ("http", receipt.http), ("status", receipt.status.map(Sanitizer.word)),
      ("type", receipt.type.map(Sanitizer.word)), ("attempts", attempts > 0 ? attempts : nil),
      ("bodyBytes", receipt.bodyBytes > 0 ? receipt.bodyBytes : nil),
      ("steps", steps.isEmpty ? nil : steps),
    ]
  }

  private func image(_ report: ShrinkReport) -> JSONOutput {
    let tried = report.attempts.map { attempt in
      JSONOutput(fields: [
        ("edge", attempt.edge), ("quality", attempt.quality), ("bytes", attempt.bytes),
        ("sample", attempt.isSample),
      ])
    }
    return JSONOutput(fields: [
      ("source", form(report.source)), ("sent", form(report.sent)),
      ("how", report.method.rawValue), ("reason", report.reason), ("tried", tried),
      ("warnings", report.warnings),
    ])
  }

  private func form(_ form: ShrinkReport.Form) -> JSONOutput {
    JSONOutput(fields: [
      ("format", form.formatName), ("width", form.size.width), ("height", form.size.height),
      ("bytes", form.bytes), ("quality", form.quality),
    ])
  }
}

// Objects that are written field by field, because result lines are written 100,000 times a second.
extension [UInt8] {
  /// Adds a text to the object whose brace is open; nothing where there is none.
  fileprivate mutating func addField(_ name: StaticString, _ text: String?) {
    guard let text else { return }
    beginField(name)
    JSONText.write(text, to: &self)
  }

  /// Adds a whole number to the object whose brace is open.
  fileprivate mutating func addField(_ name: StaticString, _ number: Int) {
    beginField(name)
    self += String(number).utf8
  }

  /// Adds the name of a field to the object whose brace is open; its value has to follow.
  fileprivate mutating func beginField(_ name: StaticString) {
    if last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
    append(UInt8(ascii: "\""))
    name.withUTF8Buffer { self += $0 }
    append(UInt8(ascii: "\""))
    append(UInt8(ascii: ":"))
  }

  /// Adds fields to the object whose brace is open; those without a value are left out.
  fileprivate mutating func addFields(_ fields: JSONFields) {
    for case (let name, let value?) in fields {
      if last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
      JSONText.write(name, to: &self)
      append(UInt8(ascii: ":"))
      value.json.write(to: &self)
    }
  }
}

extension StageFailure {
  /// The next step, with the file that may be meant, where paths are shown.
  func hint(hidesPaths: Bool) -> String {
    guard let similar, !hidesPaths else { return hint }
    return "there is \(Sanitizer.clean(similar)): correct the path if that is meant"
  }
}

/// What results look like on standard output.
enum ResultForm: String, CaseIterable {
  case text, json, none

  static let option = OptionSpec(
    "output", choices: ["auto", "text", "json", "none"], default: "auto",
    help:
      "form of the results: a short line a row, or JSON Lines; auto: text on a terminal, else json")

  /// `auto`, and what isn't said, is words where a person reads them.
  init(_ option: String?, isTerminal: Bool) {
    self = option.flatMap(ResultForm.init(rawValue:)) ?? (isTerminal ? .text : .json)
  }
}

/// What became of a row, in a line for people.
enum RowText {
  /// `line 2 (C-1001): rejected: invalid_value dob: 19900231 is no day`: one line, without the next step.
  static func short(_ outcome: Outcome, word: String? = nil) -> String {
    let start = head(outcome, word)
    guard let failure = outcome.failure else { return start }
    if let since = outcome.since, failure.code == .alreadyAccepted {
      return start + ", accepted \(UTCTime(seconds: since).readable)"
    }
    let more = outcome.further.isEmpty ? "" : " and \(outcome.further.count) more"
    return start + ": " + title(failure) + more + ": " + Sanitizer.clean(failure.detail)
  }

  /// `line 2 (C-1001): accepted createCustomer PENDING`: who it is, and what the target said where all went well.
  private static func head(_ outcome: Outcome, _ word: String?) -> String {
    let answer = outcome.failure == nil ? outcome.receipt : nil
    let words = [answer?.type, answer?.status].compactMap(\.self).map(Sanitizer.word)
    return Console.name(outcome.row) + ": "
      + ([word ?? outcome.verdict.rawValue] + words).joined(separator: " ")
  }

  /// `invalid_value dob`: the code and what it is about, unless the detail, which follows, begins with that.
  static func title(_ failure: StageFailure) -> String {
    guard let place = failure.column?.description ?? failure.side?.rawValue,
      !failure.detail.hasPrefix(place + ":")
    else { return failure.code.rawValue }
    return failure.code.rawValue + " " + Sanitizer.clean(place, limit: 40)
  }

  /// `line 2 (C-1001): accepted createCustomer PENDING · front 1.1 MB 4032×3024 → 412 KB 1536×2048 q85`.
  static func line(
    _ outcome: Outcome, word: String? = nil, hidesPaths: Bool, showsImages: Bool,
    explains: Bool = false
  ) -> String {
    var text = head(outcome, word)
    if let failure = outcome.failure { text += ": " + problem(failure, hidesPaths: hidesPaths) }
    if let since = outcome.since {
      text += "\n    accepted \(UTCTime(seconds: since).readable)"
    }
    for failure in outcome.further {
      text += "\n    and " + problem(failure, hidesPaths: hidesPaths)
    }
    guard showsImages else { return text }
    for (side, report) in outcome.images.sorted(by: { $0.key < $1.key }) {
      text += "\n    \(side.rawValue.padded(to: 5)) \(image(report))"
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
    let hint = failure.hint(hidesPaths: hidesPaths)
    return "\(failure.code): \(detail)\(file ?? "")\n    → \(hint)"
  }

  /// `1.1 MB 4032×3024 jpeg → 412 KB 1536×2048 jpeg q85 (shrunk)`.
  private static func image(_ report: ShrinkReport) -> String {
    let quality = report.sent.quality.map { " q\($0)" } ?? ""
    return "\(form(report.source)) → \(form(report.sent))\(quality) (\(report.method.rawValue))"
  }

  private static func form(_ form: ShrinkReport.Form) -> String {
    "\(bytes(form.bytes)) \(form.size.width)×\(form.size.height) \(form.formatName)"
  }

  /// Decimal units, three digits: `412 KB`, `1.09 MB`.
  static func bytes(_ count: Int) -> String {
    guard count >= 1000 else { return "\(count) B" }
    let units = [(1e9, " GB"), (1e6, " MB"), (1e3, " KB")]
    let (size, unit) = units.first { Double(count) >= $0.0 } ?? units[2]
    return digits(Double(count) / size) + unit
  }

  /// `1 row is` or `1,200 rows are`.
  static func count(_ count: Int, _ one: String, _ many: String) -> String {
    "\(number(count)) \(count == 1 ? one : many)"
  }

  /// With a comma between thousands: `10,000`.
  static func number(_ count: Int) -> String {
    let digits = String(count)
    let head = digits.count % 3
    return digits.enumerated().reduce(into: "") { text, digit in
      if digit.offset > 0, digit.offset % 3 == head { text += "," }
      text.append(digit.element)
    }
  }

  /// About three digits of a number, and more of a large one.
  static func digits(_ value: Double) -> String {
    switch value {
    case ..<10: return plain((value * 100).rounded() / 100)
    case ..<100: return plain((value * 10).rounded() / 10)
    default: return number(Int(value.rounded()))
    }
  }
  private static func plain(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : String(value)
  }
}
