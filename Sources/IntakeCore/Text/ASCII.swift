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

  /// The letter in lower case; any other byte as it is.
  @inlinable public var asciiLowercased: UInt8 { isASCIIUppercase ? self | 0x20 : self }

  /// The letter in upper case; any other byte as it is.
  @inlinable public var asciiUppercased: UInt8 { isASCIILowercase ? self & 0xDF : self }
}

extension StringProtocol {
  /// Whether the text is ASCII digits and nothing else, at least one.
  public var isASCIIDigits: Bool { !isEmpty && utf8.allSatisfy(\.isASCIIDigit) }
}

extension BinaryInteger {
  /// The number in decimal with leading zeros up to `width` digits; for numbers of 0 or more.
  public func zeroPadded(_ width: Int) -> String {
    let digits = String(self)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
