import IntakeCore
import TestSupport
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Bytes of random length below `limit`.
private func randomBytes(below limit: Int, _ random: inout SeededRandom) -> [UInt8] {
  (0..<Int.random(in: 0..<limit, using: &random)).map { _ in .random(in: 0...255, using: &random) }
}

struct Base64TextTests {
  /// RFC 4648 §10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func vectorsOfTheStandardHold(plain: String, text: String) {
    #expect(Base64Text.encode(bytes(plain)) == bytes(text))
    #expect(Base64Text.text(bytes(plain)) == text)
    #expect(Base64Text.decode(text) == bytes(plain))
    #expect(Base64Text.decodeStrictly(text) == (text.isEmpty ? nil : bytes(plain)))
  }

  @Test func alphabetsDifferInTwoLetters() {
    let all: [UInt8] = [0xFB, 0xEF, 0xBE, 0xFF, 0xFF]
    #expect(Base64Text.text(all) == "++++//8=")
    #expect(Base64Text.urlSafeText(all) == "----__8")
    #expect(Base64Text.decodeURLSafe("----__8") == all)
    #expect(Base64Text.decode("++++//8=") == all)
    #expect(Base64Text.decode("data:image/png;base64,--+-\r\n __8") == all)
    #expect(Base64Text.decodeStrictly("----__8=") == nil)
    #expect(Base64Text.decodeURLSafe("++++//8") == nil)
  }

  @Test func whatIsEncodedIsDecoded() {
    var random = SeededRandom(seed: 4648)
    for _ in 0..<500 {
      let plain = randomBytes(below: 100, &random)
      let text = Base64Text.text(plain)
      #expect(Base64Text.decode(text) == plain)
      #expect(Base64Text.decodeStrictly(text) == (plain.isEmpty ? nil : plain))
      #expect(
        Base64Text.decodeURLSafe(Base64Text.urlSafeText(plain)) == (plain.isEmpty ? nil : plain))
      #expect(
        Base64Text.decodeStrictly(text[...].dropFirst(4))
          == (plain.count > 3 ? Array(plain.dropFirst(3)) : nil))
    }
  }

  @Test(arguments: ["A", "AAAAA", "AA=A", "AB*D", "Ä", "AAAA=\u{E9}", "=A"])
  func otherTextIsRefusedInEveryForm(text: String) {
    #expect(Base64Text.decode(text) == nil)
    #expect(Base64Text.decodeStrictly(text) == nil)
    #expect(Base64Text.decodeURLSafe(text) == nil)
  }

  @Test(arguments: ["", "AA", "AAA", "A===", "====", "AAAA====", "AAAA\n", " AAA", "AAAAAA= "])
  func paddingAndLengthCountWhereTheFormIsStrict(text: String) {
    #expect(Base64Text.decodeStrictly(text) == nil)
  }
}

struct HexTests {
  @Test func bytesAreTwoDigits() {
    #expect(Hex.text([0x00, 0x0F, 0xA5, 0xFF]) == "000fa5ff")
    #expect(Hex.bytes("000Fa5fF") == [0x00, 0x0F, 0xA5, 0xFF])
    #expect(Hex.bytes("") == [])
  }

  @Test(arguments: ["0", "0g", "+1", " 1", "１１", "0x"])
  func otherTextIsNotHexadecimal(text: String) {
    #expect(Hex.bytes(text) == nil)
  }

  @Test func everyByteHasItsDigit() {
    for byte in UInt8.min ... .max {
      let expected = Int(String(decoding: [byte], as: UTF8.self), radix: 16)
      #expect(Hex.value(of: byte).map(Int.init) == expected)
    }
  }

  @Test func percentEncodingGoesAndComes() {
    #expect(PercentText.encoded("a b/ä~") == "a%20b%2F%C3%A4~")
    #expect(PercentText.encoded("a b", keeping: { $0 != 0x61 }) == "%61 b")
    #expect(PercentText.decoded("a%20b%2f%C3%A4~") == "a b/ä~")
    #expect(PercentText.decoded("100%+%4", plusIsSpace: true) == "100% %4")
    #expect(PercentText.decoded("%+1%zz") == "%+1%zz")
  }
}

struct ChecksumTests {
  @Test func aChecksumContinues() {
    var random = SeededRandom(seed: 3720)
    for _ in 0..<200 {
      let whole = randomBytes(below: 200, &random)
      let cut = Int.random(in: 0...whole.count, using: &random)
      let start = Checksums.fnv64(whole[..<cut])
      #expect(Checksums.fnv64(whole[cut...], after: start) == Checksums.fnv64(whole))
      let rest = whole.span.extracting(cut..<whole.count)
      #expect(Checksums.fnv64(rest, after: start) == Checksums.fnv64(whole))
    }
  }

  /// Values of the authors' own test suite (draft-eastlake-fnv).
  @Test(
    arguments: [
      ("", 0xCBF2_9CE4_8422_2325), ("a", 0xAF63_DC4C_8601_EC8C),
      ("foobar", 0x8594_4171_F739_67E8),
    ] as [(String, UInt64)])
  func hashesAreThoseOfTheirAuthors(text: String, hash: UInt64) {
    #expect(Checksums.fnv64(text.utf8) == hash)
  }
}

struct ASCIITests {
  @Test func classesHoldWhatTheirNamesSay() {
    for byte in UInt8.min ... .max {
      let scalar = Character(Unicode.Scalar(byte))
      let isLetter = scalar.isASCII && scalar.isLetter
      #expect(byte.isASCIIDigit == ("0"..."9").contains(scalar))
      #expect(byte.isASCIILetter == isLetter)
      #expect(byte.isASCIIUppercase == (isLetter && scalar.isUppercase))
      #expect(byte.isASCIILowercase == (isLetter && scalar.isLowercase))
      #expect(byte.isASCIIAlphanumeric == (byte.isASCIILetter || byte.isASCIIDigit))
      #expect(byte.isASCIISpace == "\t\n\u{B}\u{C}\r ".utf8.contains(byte))
      #expect(byte.isASCIIPrintable == (0x20...0x7E).contains(byte))
      #expect(byte.asciiLowercased == (isLetter ? scalar.lowercased().utf8.first : byte))
      #expect(byte.asciiUppercased == (isLetter ? scalar.uppercased().utf8.first : byte))
    }
  }

  @Test func digitsAreAsciiAndAtLeastOne() {
    #expect("0123456789".isASCIIDigits && !"".isASCIIDigits && !"１".isASCIIDigits)
    #expect(!"-1".isASCIIDigits && !"1 ".isASCIIDigits)
    #expect(7.zeroPadded(2) == "07" && 123.zeroPadded(2) == "123" && 0.zeroPadded(3) == "000")
  }
}

struct EmailAddressTests {
  @Test(arguments: [
    "ava@example.com", "a.b+c@x-y.example", "o'brien@example.co", "zoë@bücher.example", "a@b.c",
  ])
  func addressesAreRight(text: String) {
    #expect(EmailAddress.problem(in: text) == nil)
    #expect(EmailAddress.problem(in: text, strictly: true) == nil)
  }

  @Test(
    arguments: [
      ("", .at), ("ava", .at), ("a@b@example.com", .at), ("@example.com", .localPart),
      (".a@example.com", .localPart), ("a.@example.com", .localPart),
      ("a b@example.com", .localPart),
      ("ava@", .domain), ("ava@example", .domain), ("ava@-x.com", .domain), ("ava@x..com", .domain),
      ("ava@exa_mple.com", .domain), ("ava@example.com.", .domain),
    ] as [(String, EmailAddress.Problem)])
  func problemsAreNamed(text: String, problem: EmailAddress.Problem) {
    #expect(EmailAddress.problem(in: text) == problem)
  }

  @Test func lengthsAreThoseOfTheStandard() {
    let label = String(repeating: "x", count: 63)
    #expect(EmailAddress.problem(in: label + "y@\(label).com") == nil)
    #expect(EmailAddress.problem(in: label + "yy@\(label).com") == .localPart)
    #expect(EmailAddress.problem(in: "a@\(label)x.com") == .domain)
    let long = "a@" + [String](repeating: label, count: 4).joined(separator: ".")
    #expect(EmailAddress.problem(in: long) == .tooLong(bytes: 257))
  }

  @Test(arguments: ["a..b@example.com", "a\u{7F}b@example.com", "a\tb@example.com"])
  func slipsAreRefusedStrictly(text: String) {
    #expect(EmailAddress.problem(in: text) == nil)
    #expect(EmailAddress.problem(in: text, strictly: true) == .localPart)
  }

  @Test func addressesAreComparedInLowerCase() {
    #expect(EmailAddress.folded("Ava@EXAMPLE.com") == bytes("ava@example.com"))
    #expect(EmailAddress.folded("ÄB@x.y") == bytes("äb@x.y"))
  }
}

struct UTCTimeTests {
  /// The example of RFC 9110 §5.6.7, the days around 1970, and the ends of the calendar.
  @Test(arguments: [
    (784_111_777, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
    (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
    (-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    (951_782_400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
    (-62_135_596_800, "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 GMT"),
    (253_402_300_799, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func momentsAreWrittenAndRead(seconds: Double, rfc3339: String, http: String) {
    let time = UTCTime(seconds: seconds)
    #expect(time.rfc3339 == rfc3339)
    #expect(time.httpDate == http)
    #expect(UTCTime(rfc3339: Array(rfc3339.utf8).span) == time)
  }

  @Test func fractionsAreShownWhereTheyCount() {
    let time = UTCTime(seconds: 1_795_257_000.2509)
    #expect(time.rfc3339Milliseconds == "2026-11-21T10:30:00.250Z")
    #expect(time.readable == "2026-11-21 10:30:00 UTC")
    #expect(UTCTime(seconds: -0.25).rfc3339Milliseconds == "1969-12-31T23:59:59.750Z")
    // The next number below midnight that a double holds.
    #expect(UTCTime(seconds: (1_795_219_200.0).nextDown).rfc3339 == "2026-11-20T23:59:59Z")
  }

  @Test(arguments: [
    "", "1994-11-06T08:49:37", "1994-11-06 08:49:37Z", "1994-02-30T08:49:37Z",
    "1994-11-06T24:00:00Z", "1994-11-06T08:60:00Z", "1994-11-06T08:49:61Z", "1994-11-06T08:49:3aZ",
  ])
  func otherTextIsNotAMoment(text: String) {
    #expect(UTCTime(rfc3339: Array(text.utf8).span) == nil)
  }

  @Test func everyDayIsFoundAgain() {
    var random = SeededRandom(seed: 9110)
    for _ in 0..<2000 {
      let days = Int.random(in: -719_162...2_932_896, using: &random)
      let date = CalendarDate(daysSince1970: days)
      #expect(date.daysSince1970 == days)
      #expect(CalendarDate(date.dashed) == date)
      #expect(CalendarDate(daysSince1970: days + 1) > date || days == 2_932_896)
    }
  }
}
