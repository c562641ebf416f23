import IntakeCore

/// A text with placeholders in it, taken apart.
struct PlaceholderText: Sendable, Equatable {
  enum Part: Sendable, Equatable {
    case literal(String)
    case placeholder(Placeholder)
  }

  private(set) var parts: [Part] = []

  /// Reads a text; every brace belongs to a placeholder.
  init(_ text: String) throws(TemplateFault) {
    var rest = text[...]
    while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      add(rest[..<brace])
      guard rest[brace] == "{" else {
        throw TemplateFault("a } without its {; write {brace:close} for the character itself")
      }
      rest = rest[rest.index(after: brace)...]
      try takePlaceholder(from: &rest)
    }
    add(rest)
  }

  /// Takes what stands up to the closing brace, and the brace.
  private mutating func takePlaceholder(from rest: inout Substring) throws(TemplateFault) {
    guard let end = rest.firstIndex(where: { $0 == "{" || $0 == "}" }), rest[end] == "}" else {
      throw TemplateFault(
        rest.hasPrefix("{")
          ? "{{ begins nothing: placeholders have single braces, and {brace:open} is the character"
          : "a { without its }; write {brace:open} for the character itself")
    }
    let placeholder = try Placeholder(String(rest[..<end]))
    if case .brace(let character) = placeholder {
      add(character[...])
    } else {
      parts.append(.placeholder(placeholder))
    }
    rest = rest[rest.index(after: end)...]
  }

  private mutating func add(_ text: Substring) {
    guard !text.isEmpty else { return }
    if case .literal(let before) = parts.last {
      parts[parts.count - 1] = .literal(before + text)
    } else {
      parts.append(.literal(String(text)))
    }
  }

  /// The placeholders in order.
  var placeholders: [Placeholder] {
    parts.compactMap { if case .placeholder(let placeholder) = $0 { placeholder } else { nil } }
  }

  /// Whether there is nothing to send: a placeholder alone that is empty, or a scan that is not there.
  ///
  /// `{fn} {ln}` with one of the two empty is still a name; half a data URI is nothing.
  func isAbsent(in row: RowContent) -> Bool {
    for case .image(let side, _) in placeholders where !row.sides.contains(side) { return true }
    guard parts.count == 1, case .column = placeholders.first else { return false }
    return placeholders.first.flatMap(row.text) == nil
  }
}
