/// A text whose letters another program has spelled out, as JSON, URLs, HTML and debuggers do.
struct EscapedText {
  private var rest: ArraySlice<UInt8>
  private var plain: [UInt8] = []

  private static let backslash = UInt8(ascii: "\\")

  /// The text with `\u00e9`, `\xc3\xa9`, `%C3%A9`, `&#233;` and `&eacute;` turned into `é`.
  ///
  /// What can't be read becomes U+FFFD.
  static func plain(_ text: String) -> String {
    var bytes = Array(text.utf8)
    // A text within a text within a text has a layer for each; taking one off makes it shorter.
    for _ in 1...5 {
      var layer = EscapedText(rest: bytes[...])
      while let byte = layer.rest.popFirst() { layer.plain += layer.letter(after: byte) ?? [byte] }
      guard layer.plain.count < bytes.count else { break }
      bytes = layer.plain
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes for the escape that begins with this one; nil, with nothing read, where none does.
  private mutating func letter(after byte: UInt8) -> [UInt8]? {
    switch byte {
    case EscapedText.backslash:
      guard let letter = rest.first == UInt8(ascii: "x") ? octet(after: 1) : unit() else {
        return nil
      }
      // In quotes within quotes, each backslash has one before it.
      while plain.last == byte { plain.removeLast() }
      return letter
    case UInt8(ascii: "%"): return octet(after: 0) ?? unit()
    case UInt8(ascii: "&"): return entity()
    default: return nil
    }
  }

  /// Reads two digits.
  private mutating func octet(after skipped: Int) -> [UInt8]? {
    number(digits: 2, after: skipped).map { [UInt8($0)] }
  }

  /// Reads `u` and four digits; twice where they are one half of a character.
  private mutating func unit() -> [UInt8]? {
    guard rest.first == UInt8(ascii: "u"), let first = number(digits: 4, after: 1) else {
      return nil
    }
    var units = [first]
    let marks = rest.prefix { $0 == EscapedText.backslash || $0 == UInt8(ascii: "%") }.count
    if UTF16.isLeadSurrogate(first), rest.dropFirst(marks).first == UInt8(ascii: "u"),
      let second = number(digits: 4, after: marks + 1)
    {
      units.append(second)
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  private mutating func number(digits: Int, after skipped: Int) -> UInt16? {
    let values = rest.dropFirst(skipped).prefix(digits).compactMap(Hex.value)
    guard values.count == digits else { return nil }
    rest = rest.dropFirst(skipped + digits)
    return values.reduce(0) { $0 << 4 | UInt16($1) }
  }

  /// Reads `#233;`, `#xe9;` or `eacute;`.
  private mutating func entity() -> [UInt8]? {
    let name = rest.prefix(12).prefix { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "#") }
    guard rest.dropFirst(name.count).first == UInt8(ascii: ";"),
      let text = EscapedText.text(ofEntity: String(decoding: name, as: UTF8.self))
    else { return nil }
    rest = rest.dropFirst(name.count + 1)
    return Array(text.utf8)
  }

  private static func text(ofEntity name: String) -> String? {
    if name.hasPrefix("#") {
      let isHex = name.dropFirst().lowercased().hasPrefix("x")
      let number = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10)
      return number.map { Unicode.Scalar($0).map { String($0) } ?? "\u{FFFD}" }
    }
    guard name.count > 1, name.first?.isLetter == true else { return nil }
    return entities[name] ?? accents[String(name.dropFirst())].map { name.prefix(1) + $0 }
      ?? "\u{FFFD}"
  }

  private static let entities = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "shy": "",
    "szlig": "ß", "aelig": "æ", "AElig": "Æ", "oelig": "œ", "OElig": "Œ", "eth": "ð", "ETH": "Ð",
    "thorn": "þ", "THORN": "Þ",
  ]

  /// The name of an accented letter is the letter and one of these: `eacute`.
  private static let accents = [
    "grave": "\u{300}", "acute": "\u{301}", "circ": "\u{302}", "tilde": "\u{303}",
    "macr": "\u{304}", "breve": "\u{306}", "dot": "\u{307}", "uml": "\u{308}", "ring": "\u{30A}",
    "dblac": "\u{30B}", "caron": "\u{30C}", "cedil": "\u{327}", "ogon": "\u{328}",
    "strok": "\u{335}", "slash": "\u{338}",
  ]
}
