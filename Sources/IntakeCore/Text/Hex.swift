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
