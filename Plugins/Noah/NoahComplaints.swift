import IntakeCore

/// Turns the vendor's list of wrong fields into one sentence that names the manifest's columns.
struct NoahComplaints {
  /// The sentence, empty when there are no complaints.
  let text: String
  /// What to correct, nil when no column is known.
  let hint: String?

  /// More than ten would hide the first.
  private static let most = 10

  init(_ complaints: [NoahAnswer.Complaint], identities: [Int], sent: Submission) {
    let words = SentWords(sent)
    let shown = complaints.prefix(NoahComplaints.most).map { complaint in
      NoahComplaints.sentence(complaint, identities: identities, words: words)
    }
    let rest = complaints.count - shown.count
    text = shown.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
    var columns: [String] = []
    for complaint in complaints {
      guard let column = NoahComplaints.column(of: complaint.field, identities) else { continue }
      if !columns.contains("\"\(column)\"") { columns.append("\"\(column)\"") }
    }
    hint =
      columns.isEmpty
      ? nil
      : "correct \(columns.count == 1 ? "column" : "columns") \(columns.joined(separator: ", "))"
        + " and run again"
  }

  private static func sentence(
    _ complaint: NoahAnswer.Complaint, identities: [Int], words: SentWords
  ) -> String {
    let column = column(of: complaint.field, identities)
    let path = complaint.field.flatMap(NoahAnswer.plain)
    let field = (column == nil ? path.flatMap(words.harmless) : path) ?? "a field"
    let place = column.map { " (column \"\($0)\")" } ?? ""
    let reason = complaint.reason.flatMap(NoahAnswer.plain).flatMap(words.harmless) ?? ""
    let description = complaint.description.flatMap(words.harmless).map { ": " + $0 } ?? ""
    return field + place + (reason.isEmpty ? "" : " " + reason) + description
  }

  /// The column behind `FullName.FirstName`, `/FullName/FirstName` or `Identities[0].IDNumber`.
  static func column(of path: String?, _ identities: [Int]) -> ColumnName? {
    guard let path else { return nil }
    var parts = path.split { "./[]#$".contains($0) }.map(String.init)
    if parts.first?.lowercased() == "body" { parts.removeFirst() }
    guard let first = parts.first else { return nil }
    if first == "CustomerID" { return ColumnName(.id) }
    if first == "Identities" {
      guard parts.count == 3, let index = Int(parts[1]), identities.indices.contains(index) else {
        return ColumnName(.idType)
      }
      return NoahField.named(parts[2], in: NoahField.identity).map {
        ColumnName($0.column, identities[index])
      }
    }
    return field(first, parts.dropFirst().first).map { ColumnName($0.column) }
  }

  private static func field(_ first: String, _ second: String?) -> NoahField? {
    switch (first, second) {
    case ("FullName", let name?): NoahField.named(name, in: NoahField.fullName)
    case ("PrimaryResidence", let name?): NoahField.named(name, in: NoahField.residence)
    case (let name, nil): NoahField.named(name, in: NoahField.contact + [NoahField.birth])
    default: nil
    }
  }
}

extension NoahField {
  /// The field of that name in one object.
  static func named(_ name: String, in list: [NoahField]) -> NoahField? {
    list.first { $0.name == name }
  }
}

/// The words of all values that were sent, so that a text of the target can be searched for them.
struct SentWords {
  private let words: Set<String>

  init(_ submission: Submission) {
    let body = submission.body.flatMap { segment in
      if case .bytes(let bytes) = segment { bytes } else { [UInt8]() }
    }
    let value = try? JSONParser.parse(body)
    words = Set(value.map(SentWords.texts)?.flatMap(SentWords.split) ?? [])
  }

  /// The text itself when it repeats no word or number that was sent, nil otherwise.
  func harmless(_ text: String) -> String? {
    guard !text.isEmpty, words.isDisjoint(with: SentWords.split(text)) else { return nil }
    let lower = text.lowercased()
    guard !words.contains(where: { $0.count > 3 && lower.contains($0) }) else { return nil }
    return Sanitizer.clean(text, limit: 120)
  }

  private static func texts(_ value: JSONValue) -> [String] {
    switch value.kind {
    case .string(let text), .number(let text): [text]
    case .array(let elements): elements.flatMap(texts)
    case .object(let fields): fields.flatMap { texts($0.value) }
    case .null, .bool: []
    }
  }

  private static func split(_ text: String) -> [String] {
    text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }
}
