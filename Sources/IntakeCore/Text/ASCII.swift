/// The classes of ASCII that formats are made of; a byte of 0x80 or more is in none of them.
extension UInt8 {
  /// Whether the byte is one of `0` to `9`.
  @inlinable public var isASCIIDigit: Bool { self &- 0x30 < 10 }

  /// Whether the byte is one of `A` to `Z`.
  @inlinable public var isASCIIUppercase: Bool { self &- 0x41 < 26 }

  /// Whether the byte is one of `a` to `z`.
  @inlinable public var isASCIILowercase: Bool { self &- 0x61 < 26 }

  /// Whether the byte is a letter of either case.
  @inlinable public var isASCIILetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// Whether the byte is a letter or a digit.
  @inlinable public var isASCIIAlphanumeric: Bool { isASCIILetter || isASCIIDigit }

  /// Whether the byte is a blank, TAB, LF, VT, FF or CR.
  @inlinable public var isASCIISpace: Bool { self == 0x20 || self &- 0x09 < 5 }

  /// Whether the byte is printable: 0x20 (the blank) to 0x7E.
  @inlinable public var isASCIIPrintable: Bool { self &- 0x20 < 0x5F }

  /// Whether a name of a header field may hold the byte (a token of RFC 9110 §5.6.2).
  public var isHTTPToken: Bool { isASCIIAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(self) }

  /// The letter in lower case; any other byte as it is.
  @inlinable public var asciiLowercased: UInt8 { isASCIIUppercase ? self | 0x20 : self }

  /// The letter in upper case; any other byte as it is.
  @inlinable public var asciiUppercased: UInt8 { isASCIILowercase ? self & 0xDF : self }
}

extension StringProtocol {
  /// Whether the text is ASCII digits and nothing else, at least one.
  public var isASCIIDigits: Bool { !isEmpty && utf8.allSatisfy(\.isASCIIDigit) }

  /// Whether the text is so many bytes of ASCII letters, digits and `others`, and nothing else.
  public func isPlain(_ bytes: ClosedRange<Int>, or others: String) -> Bool {
    bytes.contains(utf8.count)
      && utf8.allSatisfy { $0.isASCIIAlphanumeric || others.utf8.contains($0) }
  }

  /// What stands before and after the first `separator`; nil without one.
  public func halves(at separator: Character) -> (String, String)? {
    guard let index = firstIndex(of: separator) else { return nil }
    return (String(self[..<index]), String(self[self.index(after: index)...]))
  }
}

extension BinaryInteger {
  /// The number in decimal with leading zeros up to `width` digits; for numbers of 0 or more.
  public func zeroPadded(_ width: Int) -> String {
    let digits = String(self)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

/// Hexadecimal digits, and the percent-encoding that is made of them.
public enum Hex {
  /// Two lower-case digits a byte.
  public static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.flatMap { [digit($0 >> 4), digit($0)] }, as: UTF8.self)
  }

  /// The bytes of a text of digits, two a byte, in either case; nil for anything else.
  public static func bytes(_ text: some StringProtocol) -> [UInt8]? { bytes(Array(text.utf8)[...]) }

  /// The bytes of digits, two a byte, in either case; nil for anything else.
  public static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
    guard digits.count % 2 == 0 else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
      guard let high = value(of: digits[index]), let low = value(of: digits[index + 1]) else {
        return nil
      }
      result.append(high << 4 | low)
    }
    return result
  }

  /// The lower-case digit of the lower four bits.
  @inlinable public static func digit(_ value: UInt8) -> UInt8 {
    let digit = value & 15
    return digit < 10 ? 0x30 + digit : 0x57 + digit
  }

  /// What a digit of either case stands for, 0 to 15; nil for other bytes.
  @inlinable public static func value(of digit: UInt8) -> UInt8? {
    if digit.isASCIIDigit { return digit - 0x30 }
    let letter = digit | 0x20
    return letter &- 0x61 < 6 ? letter - 0x57 : nil
  }
}

/// Percent-encoding of paths and queries (RFC 3986 §2.1).
public enum PercentText {
  /// Whether a byte needs no escape anywhere: letters, digits and `-._~` (RFC 3986 §2.3).
  public static func isUnreserved(_ byte: UInt8) -> Bool {
    byte.isASCIIAlphanumeric || "-._~".utf8.contains(byte)
  }

  /// Bytes that are not `kept` as `%` and two upper-case digits.
  public static func encoded(
    _ text: some StringProtocol, keeping isKept: (UInt8) -> Bool = isUnreserved
  ) -> String {
    String(decoding: text.utf8.flatMap { isKept($0) ? [$0] : escape($0) }, as: UTF8.self)
  }

  /// A byte as `%` and two upper-case digits.
  public static func escape(_ byte: UInt8) -> [UInt8] {
    [
      UInt8(ascii: "%"), Hex.digit(byte >> 4).asciiUppercased, Hex.digit(byte).asciiUppercased,
    ]
  }

  /// The text with `%41` turned into `A`; whatever isn't a valid escape stays as it is.
  public static func decoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let code = Hex.bytes(bytes[(index + 1)...(index + 2)])
      {
        result += code
        index += 3
      } else {
        let isSpace = plusIsSpace && bytes[index] == UInt8(ascii: "+")
        result.append(isSpace ? 0x20 : bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
