import IntakeCore

/// A header field with cells and secrets in their places.
struct HeaderTemplate: Sendable {
  let name: String
  let text: PlaceholderText

  /// What the transport writes itself, or what would change the meaning of the connection.
  private static let reserved = [
    "host", "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade",
  ]

  init(name: String, text: String) throws(TemplateFault) {
    guard HeaderTemplate.isToken(name) else {
      throw TemplateFault("\"\(TemplateFault.shown(name))\" is no name of a header field")
    }
    guard !HeaderTemplate.reserved.contains(name.lowercased()) else {
      throw TemplateFault("the header field \(name) is written by the transport: leave it out")
    }
    guard HeaderTemplate.isVisible(text.utf8) else {
      throw TemplateFault("the value of \(name) holds a character that header fields do not have")
    }
    self.name = name
    do throws(TemplateFault) { self.text = try PlaceholderText(text) } catch {
      throw TemplateFault("\(name): \(error.message)")
    }
    guard self.text.placeholders.allSatisfy({ $0.shownSide == nil }) else {
      throw TemplateFault("\(name): no image fits into a header field")
    }
  }

  /// Cells that no header field can carry.
  func problems(in row: RowContent) -> [StageFailure] {
    text.placeholders.compactMap { placeholder in
      guard let column = placeholder.columnName, let value = row.text(placeholder),
        !HeaderTemplate.isVisible(value.utf8)
      else { return nil }
      return StageFailure(
        .invalidValue,
        "column \"\(column)\" holds a character beyond ASCII, and the header field \(name) needs it",
        column: column)
    }
  }

  /// The field of one row, its secrets still to come; nil when there is nothing to say.
  func filled(for row: RowContent) -> FilledHeader? {
    guard !text.isAbsent(in: row) else { return nil }
    return FilledHeader(
      name: name,
      parts: text.parts.map { part in
        switch part {
        case .literal(let literal): .text(literal)
        case .placeholder(.secret(let secret)): .secret(secret)
        case .placeholder(let placeholder): .text(row.text(placeholder) ?? "")
        }
      })
  }

  /// The characters of a name (RFC 9110 §5.6.2).
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains($0)
        }
      }
  }

  /// Printable ASCII: anything else is read in more than one way, and a line break starts a new field.
  static func isVisible(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.allSatisfy { (0x20...0x7E).contains($0) }
  }
}

/// A header field of one row.
struct FilledHeader: Sendable {
  enum Part: Sendable {
    case text(String)
    case secret(String)
  }

  let name: String
  let parts: [Part]

  /// Whether it has to wait for the credentials.
  var hasSecret: Bool { parts.contains { if case .secret = $0 { true } else { false } } }

  /// The field as it is sent; a secret that is missing leaves its place empty.
  func field(with credentials: Credentials?) -> HTTPField {
    let texts = parts.map { part in
      switch part {
      case .text(let text): text
      case .secret(let name): String(decoding: credentials?[name]?.exposed ?? [], as: UTF8.self)
      }
    }
    return HTTPField(name, texts.joined())
  }
}
