import IntakeCore

/// What Noah's pages say about one field.
struct NoahRule: Sendable {
  /// The name inside its object.
  let name: String
  /// Must be there.
  let isRequired: Bool
  /// What the value must look like.
  let form: Form

  /// The forms of values.
  enum Form: Sendable {
    /// A text of so many Unicode scalars.
    case text(ClosedRange<Int>)
    /// `YYYY-MM-DD`, a real day.
    case date
    /// ISO 3166-1 alpha-2.
    case country
    /// One of a list, in this spelling.
    case choice([String])
    /// An object with rules of its own.
    case object([NoahRule])
    /// A list of such objects.
    case list([NoahRule])
  }

  static func required(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name: name, isRequired: true, form: form)
  }

  static func optional(_ name: String, _ form: Form) -> NoahRule {
    NoahRule(name: name, isRequired: false, form: form)
  }

  /// Everything wrong with the value of this field inside `parent`.
  func complaints(in parent: JSONValue, path: String, strict: Bool) -> [NoahFieldError] {
    let path = path + name
    guard let value = parent[name], !value.isNull else {
      return isRequired ? [.schema(path, "is required")] : []
    }
    switch form {
    case .object(let rules):
      return NoahRule.complaints(about: value, rules, path: path + ".", strict: strict)
    case .list(let rules):
      guard let elements = value.elements else { return [.schema(path, "must be a list")] }
      if strict, elements.isEmpty { return [.schema(path, "must hold at least one item")] }
      return elements.enumerated().flatMap { index, element in
        NoahRule.complaints(
          about: element, rules, path: "\(path)[\(index)].", strict: strict)
      }
    default: return scalarComplaint(value.string).map { [.schema(path, $0)] } ?? []
    }
  }

  /// Everything wrong with an object; in the strict profile also the fields that no page knows.
  static func complaints(
    about value: JSONValue, _ rules: [NoahRule], path: String, strict: Bool
  ) -> [NoahFieldError] {
    guard let fields = value.fields else {
      return [.schema(path.isEmpty ? "" : String(path.dropLast()), "must be an object")]
    }
    let found = rules.flatMap { $0.complaints(in: value, path: path, strict: strict) }
    guard strict else { return found }
    let strangers = fields.filter { field in !rules.contains { $0.name == field.name } }
    return found
      + strangers.map { .schema(path + Sanitizer.clean($0.name, limit: 60), "is unknown") }
  }

  private func scalarComplaint(_ text: String?) -> String? {
    guard let text else { return "must be a text" }
    switch form {
    case .text(let range):
      // JSON Schema counts code points, which Swift calls Unicode scalars.
      return range.contains(text.unicodeScalars.count)
        ? nil : "must be \(range.lowerBound) to \(range.upperBound) characters long"
    case .date:
      let isDay = text.utf8.count == 10 && CalendarDate(text) != nil
      return isDay ? nil : "must be a calendar day as YYYY-MM-DD"
    case .country:
      let isCode = text.utf8.count == 2 && text.utf8.allSatisfy { (0x41...0x5A).contains($0) }
      return isCode ? nil : "must be an ISO 3166-1 alpha-2 code"
    case .choice(let names):
      return names.contains(text) ? nil : "must be one of " + names.joined(separator: ", ")
    case .object, .list: return nil
    }
  }
}

extension JSONValue {
  /// Null counts as absent.
  var isNull: Bool {
    if case .null = kind { return true }
    return false
  }
}
