import IntakeCore

/// A body as JSON whose texts hold placeholders.
indirect enum BodyTemplate: Sendable {
  /// A number, true, false or null, as the template writes it.
  case fixed(String)
  case text(PlaceholderText)
  case list([BodyTemplate])
  case object([(name: String, value: BodyTemplate)])

  /// Reads a template; the faults name line and column in it.
  init(json bytes: [UInt8]) throws(TemplateFault) {
    let root: JSONValue
    do throws(JSONParser.Failure) { root = try JSONParser.parse(bytes) } catch {
      let place = TextPosition(offset: error.offset, in: bytes)
      throw TemplateFault("\(place) of the template: \(error.message)")
    }
    guard root.fields != nil || root.elements != nil else {
      throw TemplateFault("the template is an object or a list, not \(root.kindName)")
    }
    self = try BodyTemplate(root, in: bytes)
  }

  private init(_ value: JSONValue, in source: [UInt8]) throws(TemplateFault) {
    switch value.kind {
    case .null: self = .fixed("null")
    case .bool(let flag): self = .fixed(flag ? "true" : "false")
    case .number(let text): self = .fixed(text)
    case .string(let text): self = .text(try BodyTemplate.text(text, at: value.offset, in: source))
    case .array(let elements):
      var list: [BodyTemplate] = []
      for element in elements { list.append(try BodyTemplate(element, in: source)) }
      self = .list(list)
    case .object(let fields):
      var members: [(String, BodyTemplate)] = []
      for field in fields {
        try BodyTemplate.checkName(field, in: source)
        members.append((field.name, try BodyTemplate(field.value, in: source)))
      }
      self = .object(members)
    }
  }

  private static func text(
    _ text: String, at offset: Int, in source: [UInt8]
  ) throws(TemplateFault) -> PlaceholderText {
    do throws(TemplateFault) { return try PlaceholderText(text) } catch {
      throw TemplateFault(
        "\(TextPosition(offset: offset, in: source)) of the template: \(error.message)")
    }
  }

  /// Names of fields are the API's own; one that came from a row could overwrite another.
  private static func checkName(_ field: JSONField, in source: [UInt8]) throws(TemplateFault) {
    guard field.name.contains("{") || field.name.contains("}") else { return }
    throw TemplateFault(
      "\(TextPosition(offset: field.offset, in: source)) of the template: the name "
        + "\"\(TemplateFault.shown(field.name))\" holds a brace; placeholders stand in values only")
  }

  /// Every placeholder, in order.
  var placeholders: [Placeholder] {
    switch self {
    case .fixed: []
    case .text(let text): text.placeholders
    case .list(let elements): elements.flatMap(\.placeholders)
    case .object(let members): members.flatMap(\.value.placeholders)
    }
  }

  /// Whether there is nothing to send for this row, so that the member or element is left out.
  ///
  /// A list or object goes with the last thing in it; one that the template itself leaves empty stays.
  func isAbsent(in row: RowContent) -> Bool {
    switch self {
    case .fixed: false
    case .text(let text): text.isAbsent(in: row)
    case .list(let elements): !elements.isEmpty && elements.allSatisfy { $0.isAbsent(in: row) }
    case .object(let members):
      !members.isEmpty && members.allSatisfy { $0.value.isAbsent(in: row) }
    }
  }
}
