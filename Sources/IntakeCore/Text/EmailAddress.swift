/// Checks the form of e-mail addresses: enough to notice a typing error or a shifted column.
public enum EmailAddress {
  /// What is wrong with a text that should be an address.
  public enum Problem: Sendable, Equatable {
    /// More than `longest` bytes.
    case tooLong(bytes: Int)
    /// None or several of `@`.
    case at
    /// What stands before the `@`.
    case localPart
    /// What stands after the `@`.
    case domain
  }

  /// The most bytes of an address: 256 with its angle brackets (RFC 5321 §4.5.3.1.3).
  public static let longest = 254

  /// What is wrong with the form of an address, nil when it is right.
  ///
  /// `strictly` also refuses control characters, and two dots in a row, which some providers have let through.
  public static func problem(in address: some StringProtocol, strictly: Bool = false) -> Problem? {
    var text = String(address)
    return text.withUTF8 { bytes in
      guard bytes.count <= longest else { return .tooLong(bytes: bytes.count) }
      guard let at = bytes.firstIndex(of: UInt8(ascii: "@")),
        !bytes[(at + 1)...].contains(UInt8(ascii: "@"))
      else { return .at }
      guard isLocalPart(bytes[..<at], strictly) else { return .localPart }
      return isDomain(bytes[(at + 1)...]) ? nil : .domain
    }
  }

  /// A part of an address without a copy, because every row is checked twice.
  private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

  /// An address in the form in which two are compared: in lower case.
  public static func folded(_ address: String) -> [UInt8] {
    address.utf8.contains { $0 >= 0x80 }
      ? Array(address.lowercased().utf8) : address.utf8.map { $0.asciiLowercased }
  }

  private static func isLocalPart(_ bytes: Bytes, _ strictly: Bool) -> Bool {
    let dot = UInt8(ascii: ".")
    // 64 bytes at most: RFC 5321 §4.5.3.1.1.
    guard (1...64).contains(bytes.count), bytes.first != dot, bytes.last != dot,
      !bytes.contains(where: isSpecial)
    else { return false }
    return !strictly
      || bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F } && !bytes.contains([dot, dot])
  }

  /// What may stand before the @ in quotes only: ` "(),:;<>[\]`.
  private static func isSpecial(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x22, 0x28, 0x29, 0x2C, 0x3A, 0x3B, 0x3C, 0x3E, 0x5B, 0x5C, 0x5D: true
    default: false
    }
  }

  /// Two or more labels of letters, digits and hyphens; bytes above ASCII are international names.
  private static func isDomain(_ domain: Bytes) -> Bool {
    let hyphen = UInt8(ascii: "-")
    var (rest, labels) = (domain, 0)
    while true {
      let label = rest.prefix { $0 != UInt8(ascii: ".") }
      guard (1...63).contains(label.count), label.first != hyphen, label.last != hyphen,
        label.allSatisfy({ $0.isASCIIAlphanumeric || $0 == hyphen || $0 >= 0x80 })
      else { return false }
      labels += 1
      guard label.endIndex < rest.endIndex else { return labels >= 2 }
      rest = rest[(label.endIndex + 1)...]
    }
  }
}
