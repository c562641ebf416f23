import IntakeCore

/// Characters that have no place in a cell: those that steer terminals, hide text or turn it around.
enum CharacterRule {
  /// What is wrong with a text, nil when nothing is.
  static func problem(of text: String, in column: Column) -> String? {
    guard !text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return nil }
    for (index, scalar) in text.unicodeScalars.enumerated() {
      guard let kind = kind(of: scalar, in: column) else { continue }
      let hex = String(scalar.value, radix: 16, uppercase: true)
      let code = String(repeating: "0", count: max(0, 4 - hex.utf8.count)) + hex
      return "holds \(kind) (U+\(code)) at character \(index + 1)"
    }
    return nil
  }

  private static func kind(of scalar: Unicode.Scalar, in column: Column) -> String? {
    switch scalar.value {
    case 0: return "a NUL"
    case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: return "a line break"
    case 1..<0x20, 0x7F...0x9F: return "a control character"
    // What copying from contact lists leaves around phone numbers.
    case 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB:
      return "an invisible character"
    // Persian and Indic names and right-to-left text need these; codes and addresses do not.
    case 0xAD, 0x200B...0x200F, 0x2060...0x2064, 0xE0000...0xE007F:
      return isProse(column) ? nil : "an invisible character"
    default: return nil
    }
  }

  /// Columns that people write for people.
  private static func isProse(_ column: Column) -> Bool {
    switch column {
    case .fn, .ln, .mn, .addr, .addr2, .city, .state, .front, .back: return true
    default: return false
    }
  }
}
