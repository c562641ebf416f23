import IntakeCore

/// What follows the endpoint's own address, with cells percent-encoded in their places.
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
        // Addresses stand in the logs of every server on the way.
        throw TemplateFault("a path takes columns only, neither secrets nor images")
      }
    }
  }

  /// Every cell of the path has to be there, and none may name the folder itself or the one above.
  func problems(in row: RowContent) -> [StageFailure] {
    let missing = text.placeholders.compactMap { placeholder -> StageFailure? in
      guard case .column(let name, _) = placeholder, row.text(placeholder) == nil else {
        return nil
      }
      return StageFailure(
        .missingValue, "column \"\(name)\" is empty, and the path needs it", column: name)
    }
    guard missing.isEmpty, hasDotSegment(row) else { return missing }
    // Such segments are removed before sending (RFC 3986 §5.2.4), which leads to another address.
    return [
      StageFailure(
        .invalidValue, "a part of the path would be . or .., which no address can hold",
        column: text.placeholders.compactMap(\.columnName).first)
    ]
  }

  private func hasDotSegment(_ row: RowContent) -> Bool {
    filled(for: row).prefix { $0 != "?" }.split(separator: "/").contains { $0 == "." || $0 == ".." }
  }

  /// The path of one row.
  func filled(for row: RowContent) -> String {
    text.parts.map { part in
      switch part {
      case .literal(let literal): literal
      case .placeholder(let placeholder): PathTemplate.encoded(row.text(placeholder) ?? "")
      }
    }.joined()
  }

  /// All bytes but the unreserved ones (RFC 3986 §2.3) as `%` and two hexadecimal digits.
  static func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let bytes = text.utf8.flatMap { byte -> [UInt8] in
      isUnreserved(byte)
        ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-._~".utf8.contains(byte)
    }
  }

  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { isUnreserved($0) || "/?:@!$&'()*+,;=%".utf8.contains($0) }
  }
}

extension Placeholder {
  /// The column that it takes its text from.
  var columnName: ColumnName? { if case .column(let name, _) = self { name } else { nil } }
  /// The secret that it stands for.
  var secretName: String? { if case .secret(let name) = self { name } else { nil } }
  /// The side that it shows, unless it is only the name of the format.
  var shownSide: Side? {
    if case .image(let side, let form) = self, form != .mediaType { side } else { nil }
  }
}
