/// The form that an e-mail address must have for DCAMS to look it up.
enum EmailAddress {
  /// Whether the text has one `@`, a local part of at most 64 bytes and a domain of at least two labels.
  static func isValid(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard parts.count == 2, text.utf8.count <= 254 else { return false }
    return isLocalPart(Array(parts[0])) && isDomain(Array(parts[1]))
  }

  private static func isLocalPart(_ bytes: [UInt8]) -> Bool {
    guard (1...64).contains(bytes.count), hasNoEmptyPart(bytes) else { return false }
    let forbidden = Array(" \"(),:;<>[]\\".utf8)
    return bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && !forbidden.contains($0) }
  }

  private static func isDomain(_ bytes: [UInt8]) -> Bool {
    guard hasNoEmptyPart(bytes), bytes.contains(UInt8(ascii: ".")) else { return false }
    return bytes.split(separator: UInt8(ascii: ".")).allSatisfy { label in
      label.count <= 63 && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        && label.allSatisfy(isDomainByte)
    }
  }

  /// Letters, digits, hyphen, and the bytes of international labels.
  private static func isDomainByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), 0x80...: return true
    default: return false
    }
  }

  private static func hasNoEmptyPart(_ bytes: [UInt8]) -> Bool {
    bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty }
  }
}
