import IntakeCore

/// An error as Noah's pages describe it, read tolerantly: every field may be missing or of another type.
struct NoahAnswer {
  /// The vendor's word for the error, nil when the answer has none that is documented.
  let type: Kind?
  /// The reference of this occurrence, for the vendor's support; nil where it could hold something personal.
  let instance: String?
  /// In lower case; searched for known words, never shown.
  let detail: String
  let complaints: [Complaint]

  /// The documented kinds of errors.
  enum Kind: String {
    case invalidMessage = "InvalidMessage"
    case unexpected = "Unexpected"
    case resourceNotFound = "ResourceNotFound"
    case unauthorized = "Unauthorized"
    case forbidden = "Forbidden"
    case insufficientBalance = "InsufficientBalance"
  }

  /// One entry of `RequestExtension.Body`.
  struct Complaint {
    /// The full path, where the answer names one.
    let field: String?
    /// `SchemaValidation` or `IntegrityValidation`.
    let reason: String?
    let description: String?
  }

  /// Nil when the body isn't a JSON object.
  init?(_ body: [UInt8]) {
    guard let root = try? JSONParser.parse(body), root.fields != nil else { return nil }
    type = root["Type"]?.string.flatMap(Kind.init)
    instance = root["Instance"]?.string.flatMap(NoahAnswer.plain)
    detail = (root["Detail"]?.string ?? "").lowercased()
    let entries = root["RequestExtension"]?["Body"]?.elements ?? []
    complaints = entries.filter { $0.fields != nil }.map {
      Complaint(
        field: $0["Field"]?.string, reason: $0["Reason"]?.string,
        description: $0["Description"]?.string)
    }
  }

  /// The end of a sentence that names this occurrence, empty where it has no reference.
  var occurrence: String { instance.map { "; occurrence \($0)" } ?? "" }

  /// A text of letters, digits and a few signs, so neither a sentence nor an e-mail address; nil for any other.
  static func plain(_ text: String) -> String? {
    let isPlain = text.utf8.allSatisfy { $0.isASCIIAlphanumeric || "-_.:/[]#$".utf8.contains($0) }
    return isPlain && (1...80).contains(text.utf8.count) ? text : nil
  }
}

/// Turns the vendor's list of wrong fields into one sentence that names the manifest's columns.
struct NoahComplaints {
  /// The sentence, empty when there are no complaints.
  let text: String
  /// What to correct, nil when no column is known.
  let hint: String?

  /// More than ten would push the first out of sight.
  private static let most = 10

  init(_ complaints: [NoahAnswer.Complaint], identities: [Int], sent: Submission) {
    let words = SentWords(sent)
    let shown = complaints.prefix(NoahComplaints.most).map { complaint in
      NoahComplaints.sentence(complaint, identities: identities, words: words)
    }
    let rest = complaints.count - shown.count
    text = shown.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
    hint = NoahComplaints.hint(
      complaints.compactMap { NoahComplaints.column(of: $0.field, identities) })
  }

  private static func hint(_ columns: [ColumnName]) -> String? {
    let names = columns.map { "\"\($0)\"" }.reduce(into: [String]()) { names, name in
      if !names.contains(name) { names.append(name) }
    }
    guard !names.isEmpty else { return nil }
    let word = names.count == 1 ? "column" : "columns"
    return "correct \(word) \(names.joined(separator: ", ")) and run again"
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
      return NoahField.identity.named(parts[2]).map {
        ColumnName($0.column, identities[index])
      }
    }
    return field(first, parts.dropFirst().first).map { ColumnName($0.column) }
  }

  private static func field(_ first: String, _ second: String?) -> NoahField? {
    switch (first, second) {
    case ("FullName", let name?): NoahField.fullName.named(name)
    case ("PrimaryResidence", let name?): NoahField.residence.named(name)
    case (let name, nil): (NoahField.contact + [NoahField.birth]).named(name)
    default: nil
    }
  }
}

/// The words of every value that was sent, to find out whether a text of the target repeats one.
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
