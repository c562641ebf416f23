import IntakeCore

/// The part of an address after the endpoint, with cells percent-encoded.
struct PathTemplate: Sendable {
  let text: PlaceholderText

  init(_ path: String) throws(TemplateFault) {
    guard path.isEmpty || path.hasPrefix("/") || path.hasPrefix("?") else {
      throw TemplateFault("a path starts with / or ?")
    }
    text = try PlaceholderText(path)
    for part in text.parts {
      switch part {
      case .placeholder(.column): continue
      case .literal(let literal) where PathTemplate.isPlain(literal): continue
      case .literal:
        throw TemplateFault(
          "the path holds a character that addresses do not have: percent-encode it (and leave # out)"
        )
      case .placeholder:
        // Every server on the way logs addresses.
        throw TemplateFault("a path takes columns only, neither secrets nor images")
      }
    }
  }

  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy {
      PercentText.isUnreserved($0) || "/?:@!$&'()*+,;=%".utf8.contains($0)
    }
  }

  /// Every cell of the path has to be there, and none may name the folder itself or the one above.
  func problems(in row: RowContent) -> [StageFailure] {
    let columns = text.placeholders.compactMap(\.columnName)
    let missing = columns.filter { row.fields[$0] == nil }
      .map { StageFailure.missing($0, "the path needs it") }
    guard missing.isEmpty, hasDotSegment(row) else { return missing }
    // Such segments are removed before sending (RFC 3986 §5.2.4), which leads to another address.
    return [
      StageFailure(
        .invalidValue, "a part of the path would be . or .., which no address can hold",
        column: columns.first)
    ]
  }

  private func hasDotSegment(_ row: RowContent) -> Bool {
    filled(for: row).prefix { $0 != "?" }.split(separator: "/").contains { $0 == "." || $0 == ".." }
  }

  func filled(for row: RowContent) -> String {
    text.joined { PercentText.encoded(row.text($0) ?? "") }
  }
}

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
      throw TemplateFault("\(name.quoted()) isn't a name of a header field")
    }
    guard !HeaderTemplate.reserved.contains(name.lowercased()) else {
      throw TemplateFault("the header field \(name) is written by the transport: leave it out")
    }
    guard text.utf8.allSatisfy(\.isASCIIPrintable) else {
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

  /// The characters of a name (RFC 9110 §5.6.2).
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(\.isHTTPToken)
  }

  /// Cells that no header field can carry.
  ///
  /// Only printable ASCII is safe: anything else is read in more than one way, and a line break starts a new field.
  func problems(in row: RowContent) -> [StageFailure] {
    text.placeholders.compactMap { placeholder in
      guard let column = placeholder.columnName, let value = row.text(placeholder),
        !value.utf8.allSatisfy(\.isASCIIPrintable)
      else { return nil }
      return .invalid(
        column, "holds a character beyond ASCII, and the header field \(name) needs it")
    }
  }

  var hasSecret: Bool { text.placeholders.contains { $0.secretName != nil } }

  /// The field of one row, nil when there is nothing to say; a secret that is missing leaves its place empty.
  func field(for row: RowContent, with credentials: Credentials?) -> HTTPField? {
    guard !text.isAbsent(in: row) else { return nil }
    let value = text.joined { placeholder in
      let secret = placeholder.secretName.flatMap { credentials?[$0]?.exposed }
      return row.text(placeholder) ?? String(decoding: secret ?? [], as: UTF8.self)
    }
    return HTTPField(name, value)
  }
}
