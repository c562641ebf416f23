/// The form of an e-mail address, as far as a slip of the keyboard or a shifted column shows in it.
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
    let bytes = Array(address.utf8)
    guard bytes.count <= longest else { return .tooLong(bytes: bytes.count) }
    let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard parts.count == 2 else { return .at }
    guard isLocalPart(parts[0], strictly) else { return .localPart }
    return isDomain(parts[1]) ? nil : .domain
  }

  /// An address in the form in which two are compared: ASCII letters in lower case.
  public static func folded(_ address: some StringProtocol) -> [UInt8] {
    address.utf8.map(\.asciiLowercased)
  }

  private static func isLocalPart(_ bytes: ArraySlice<UInt8>, _ strictly: Bool) -> Bool {
    let dot = UInt8(ascii: ".")
    // 64 bytes at most: RFC 5321 §4.5.3.1.1.
    guard (1...64).contains(bytes.count), bytes.first != dot, bytes.last != dot,
      bytes.allSatisfy({ !" \"(),:;<>[]\\".utf8.contains($0) })
    else { return false }
    return !strictly
      || bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F } && !bytes.contains([dot, dot])
  }

  /// Two or more labels of letters, digits and hyphens; bytes above ASCII are international names.
  private static func isDomain(_ domain: ArraySlice<UInt8>) -> Bool {
    let hyphen = UInt8(ascii: "-")
    let labels = domain.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.count >= 2
      && labels.allSatisfy { label in
        (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
          && label.allSatisfy { $0.isASCIIAlphanumeric || $0 == hyphen || $0 >= 0x80 }
      }
  }
}
