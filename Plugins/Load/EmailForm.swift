/// The form of an e-mail address, as far as a slip of the keyboard or a shifted column shows in it.
enum EmailForm {
  /// What is wrong, nil when the form is right.
  static func problem(of bytes: [UInt8]) -> String? {
    // RFC 5321, 4.5.3.1: 256 with its angle brackets, 64 before the @.
    guard bytes.count <= 254 else { return "has \(bytes.count) bytes, 254 are allowed" }
    let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard parts.count == 2 else { return "is no e-mail address: it needs exactly one @" }
    guard (1...64).contains(parts[0].count), isLocal(parts[0]) else {
      return "is no e-mail address: what stands before the @ is not allowed there"
    }
    return isDomain(parts[1]) ? nil : "is no e-mail address: a domain with a dot must follow the @"
  }

  private static func isLocal(_ local: ArraySlice<UInt8>) -> Bool {
    let refused = Array(" \"(),:;<>[]\\".utf8)
    return local.allSatisfy { !refused.contains($0) } && local.first != UInt8(ascii: ".")
      && local.last != UInt8(ascii: ".")
  }

  /// Labels of letters, digits and hyphens; bytes above ASCII are international names.
  private static func isDomain(_ domain: ArraySlice<UInt8>) -> Bool {
    let hyphen = UInt8(ascii: "-")
    let labels = domain.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.count >= 2
      && labels.allSatisfy { label in
        (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
          && label.allSatisfy { isAlphanumeric($0) || $0 == hyphen || $0 >= 0x80 }
      }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x7A).contains(byte | 0x20)
  }
}
