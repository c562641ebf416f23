import IntakeCore
import TestSupport
import Testing

/// What a target says about a row is shown without anything of the row.
struct TextMaskTests {
  private static let row = [
    "Anna Lee", "anna.schmidt@example.com", "Strauß", "12 Main St", "1980-05-21", "CA", "José",
    "王芳", "X-77", "R-1", "Łódź",
  ]

  @Test(arguments: [
    ("ANNA  lee is taken", "[hidden] is taken"), ("STRAUSS or strauß", "[hidden] or [hidden]"),
    ("a-n-n-a, Lee", "[hidden]"), ("leeAnna was refused", "[hidden] was refused"),
    ("xannaschmidty!", "[hidden]!"), ("JOSE, Jose\u{301} and josé", "[hidden] and [hidden]"),
    ("客户王芳不", "客户[hidden]不"), ("not in ca.", "not in [hidden]."), ("(x77)", "([hidden])"),
    ("An\u{200B}na\nis known", "[hidden] is known"), ("12 MAIN st", "[hidden]"),
    ("row R-1", "row [hidden]"), ("born in 1980", "born in [hidden]"),
  ])
  func valuesOfTheRowAreHidden(text: String, shown: String) {
    #expect(TextMask(hiding: Self.row).masked(text) == shown)
  }

  @Test(arguments: [
    ("STRAUSS", true), ("anna", true), ("x:Schmidt", true), ("anna.schmidt", true), ("1980", true),
    ("19800521", true), ("X77", true), ("PASS", false), ("CA", false), ("createCustomer", false),
    ("IN_PROGRESS", false), ("", false),
  ])
  func aWordThatIsAValueIsTold(word: String, isHidden: Bool) {
    #expect(TextMask(hiding: Self.row).hides(word) == isHidden)
  }

  @Test(arguments: [
    ("somebody@example.org is blocked", "[hidden] is blocked"), ("ticket 48213", "ticket [hidden]"),
    ("call +1 (555) 010-9999", "call +[hidden]"), ("no. 12 345", "no. [hidden]"),
    ("٤٨٢١٣", "[hidden]"), ("on 5/21/80", "on [hidden]"), ("May 21st, 1980", "[hidden]"),
    ("21 of Sept is over", "[hidden] is over"), ("2026-11-28 at noon", "[hidden] at noon"),
    ("key \(String(repeating: "aB/", count: 14))", "key [hidden]"),
  ])
  func whatLooksPersonalIsHidden(text: String, shown: String) {
    let mask = TextMask(hiding: [])
    #expect(mask.masked(text) == shown)
    #expect(mask.masked(text, patterns: false).contains("[hidden]") == false)
  }

  @Test func twoMasksHideWhatEitherHides() {
    let (ann, lee) = (TextMask(hiding: ["Anna"]), TextMask(hiding: ["Lee"]))
    let text = "anna or Lee\u{1B} at a@b.example"
    #expect(ann.with(lee).masked(text) == "[hidden] or [hidden]\\u{1b} at [hidden]")
    #expect(TextMask.nothing.with(lee).masked("anna or Lee") == "anna or [hidden]")
    #expect(TextMask.nothing.masked(text) == "anna or Lee\\u{1b} at a@b.example")
  }

  @Test(arguments: [
    (#"{"fn": "Jos\u00e9", "ln": "Strau\u00df"}"#, #"{"fn": "[hidden]", "ln": "[hidden]"}"#),
    (#"\\\"fn\\\": \\\"Jos\\\\u00e9\\\""#, #"\\\"fn\\\": \\\"[hidden]\\\""#),
    ("fn=Jos%C3%A9&city=Strau%25C3%259F", "fn=[hidden]&city=[hidden]"),
    ("Jos%E9, STRAU%u00DF", "[hidden]"), (#"b'Jos\xc3\xa9'"#, "b'[hidden]'"),
    ("Jos&eacute; or Strau&szlig;e or Jos&amp;eacute;", "[hidden] or [hidden] or [hidden]"),
    ("Jos&#233; and &#x738b;&#x82B3;", "[hidden] and [hidden]"),
    ("JosÃ© of StrauÃŸ", "[hidden] of [hidden]"),
    (#"\u738b\u82b3 or %E7%8E%8B%E8%8A%B3"#, "[hidden] or [hidden]"),
    ("JOSÃ\u{89} or Jos? or Jos\u{FFFD}\u{FFFD}", "[hidden] or [hidden]? or [hidden]"),
    ("?ód? is &unknown;", "?[hidden]? is [hidden]"),
    ("YW5uYS5zY2htaWR0QGV4YW1wbGUuY29t is known", "[hidden] is known"),
    ("«JOSÉ», Ð\u{98}Ð²Ð°Ð½", "[hidden]"),
    (#"up to 100%, C:\users\new, R&B;"#, #"up to 100%, C:\users\new, R&B;"#),
  ])
  func valuesAreHiddenHoweverTheyAreSpelledOut(text: String, shown: String) {
    #expect(TextMask(hiding: Self.row).masked(text) == shown)
  }

  @Test func aLongTextOfEscapesTakesNoLonger() {
    let mask = TextMask(hiding: Self.row)
    for piece in [#"\"#, "%25", "&amp;", #"\ud842\"#, "%", "&a", "Jos%C3%A9"] {
      let text = String(repeating: piece, count: 1_000_000 / piece.utf8.count)
      #expect(mask.masked(text).count <= 310)
    }
  }

  @Test(arguments: [
    "The email address is invalid", "it cannot be longer than 400 bytes", "it may fail 3 times",
    "annual limit, see §12", "FullName.FirstName SchemaValidation: is wrong", "Zoë",
  ])
  func ordinaryWordsStay(text: String) {
    #expect(TextMask(hiding: ["Ann", "Lee", "Li"]).masked(text) == text)
  }

  @Test func theTextIsHarmlessAndShort() {
    let mask = TextMask(hiding: ["Quetzalcoatl"])
    #expect(mask.masked("\u{1B}[2J\r\nred\u{202E}", limit: 20) == "\\u{1b}[2J red")
    #expect(mask.masked(String(repeating: "long ", count: 200_000), limit: 9) == "long long…")
    // A value is not cut before it is found.
    #expect(mask.masked("we know Quetzalcoatl", limit: 12) == "we know [hidden]…")
    #expect(mask.masked("  ") == "")
  }

  /// Noise and values have no letter in common, so any letter of a value that is left is a leak.
  @Test func noValueSurvivesInAnyCaseSpacingOrOrder() {
    var random = SeededRandom.announced()
    for _ in 0..<300 {
      let values = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        Self.words("abcdéfgßhö", using: &random).joined(separator: " ")
      }
      let pieces = values.flatMap {
        [$0] + $0.split(separator: " ").filter { $0.count > 2 }.map(String.init)
      }
      var told = Self.words("xyzq", using: &random)
      for piece in pieces.shuffled(using: &random) {
        told.append(Self.disguised(piece, using: &random))
        told += Self.words("xyzq", using: &random)
      }
      let shown = TextMask(hiding: values).masked(told.joined(separator: " "), limit: 5_000)
      let rest = shown.replacing(TextMask.mark, with: "").lowercased()
      #expect(
        !rest.contains { "abcdéefgßshoö".contains($0) }, "\(values) in \(told): \(shown)")
    }
  }

  /// The letters of an escape must not be left either.
  @Test func noValueSurvivesInAnyEncoding() {
    var random = SeededRandom.announced()
    for round in 0..<600 {
      let values = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        Self.words("abcdéfgßhöśž芳", using: &random).joined(separator: " ")
      }
      let spelled = Self.spellings[round % Self.spellings.count]
      var told = Self.words("xyzq", using: &random)
      for value in values {
        for piece in [value] + value.split(separator: " ").filter({ $0.count > 2 }).map(String.init)
        {
          told.append(spelled(Bool.random(using: &random) ? piece : piece.uppercased()))
          told += Self.words("xyzq", using: &random)
        }
      }
      let shown = TextMask(hiding: values).masked(told.joined(separator: " "), limit: 5_000)
      let rest = shown.replacing(TextMask.mark, with: "").replacing(/\\u{[^}]*}/, with: "")
      #expect(
        !rest.contains { $0.isLetter && !"xyzq".contains($0) }, "\(values) in \(told): \(shown)")
    }
  }

  private static let spellings: [@Sendable (String) -> String] = [
    { escaped($0) }, { escaped(escaped($0).replacing("\\", with: "\\\\")) },
    { PercentText.encoded($0) }, { PercentText.encoded(PercentText.encoded($0)) },
    { PercentText.encoded($0).replacing("%", with: "\\x") },
    { entities($0) { "&#\($0.value);" } },
    { entities($0) { "&#x\(String($0.value, radix: 16));" } },
    { entities($0) { "&amp;#\($0.value);" } },
    { entities($0) { names[$0].map { "&\($0);" } ?? "&#\($0.value);" } },
    { misread($0, as: [:]) }, { escaped(misread($0, as: [:])) },
    { misread($0, as: [0x9F: "Ÿ", 0x9C: "œ", 0x9B: "›", 0x9A: "š", 0x96: "–", 0x89: "‰"]) },
    { $0.replacing(/[^ -~]/, with: "?") }, { $0.replacing(/[^ -~]/, with: "\u{FFFD}\u{FFFD}") },
  ]

  private static let names: [Unicode.Scalar: String] = [
    "é": "eacute", "É": "Eacute", "ö": "ouml", "ß": "szlig", "ś": "sacute", "ž": "zcaron",
  ]

  private static func entities(_ text: String, _ entity: (Unicode.Scalar) -> String) -> String {
    text.unicodeScalars.map { $0.isASCII ? String($0) : entity($0) }.joined()
  }

  private static func escaped(_ text: String) -> String {
    text.utf16.map { unit in
      unit < 0x80
        ? String(decoding: [unit], as: UTF16.self)
        : "\\u" + Hex.text([UInt8(unit >> 8), UInt8(unit & 255)])
    }.joined()
  }

  private static func misread(_ text: String, as table: [UInt8: Character]) -> String {
    String(text.utf8.map { table[$0] ?? Character(Unicode.Scalar($0)) })
  }

  /// One to four words of one to eight of these letters.
  private static func words(_ letters: String, using random: inout SeededRandom) -> [String] {
    let letters = Array(letters)
    return (0..<Int.random(in: 1...4, using: &random)).map { _ in
      String(
        (0..<Int.random(in: 1...8, using: &random)).compactMap { _ in
          letters.randomElement(using: &random)
        })
    }
  }

  /// The same letters in another case, with other blanks between the words, or with punctuation between all of them.
  private static func disguised(_ value: String, using random: inout SeededRandom) -> String {
    let gap = ["", "  ", "-", "\n", "\u{200B}", ", "].randomElement(using: &random) ?? ""
    var text = value.replacing(" ", with: gap)
    if Bool.random(using: &random) { text = text.uppercased() }
    if Int.random(in: 0..<4, using: &random) == 0 {
      text = text.map(String.init).joined(separator: ".")
    }
    return text
  }
}
