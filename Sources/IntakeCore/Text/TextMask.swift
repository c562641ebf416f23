/// Hides personal data in a text that somebody else wrote: given values, and whatever looks like one.
///
/// Hiding a word too many costs the reader a word; one too few puts a customer's name into a log.
public struct TextMask: Sendable {
  /// What stands where something was hidden.
  public static let mark = "[hidden]"

  /// Letters and digits of each value, folded, by the first of them.
  fileprivate typealias Values = [Character: Set<[Character]>]

  private var values: Values = [:]
  /// What is left of those that have letters beyond ASCII without these.
  private var broken: Values = [:]
  private var hidesNothing = false

  /// Shows texts as they are, made harmless for terminals: for operators who ask for that.
  public static let nothing: TextMask = {
    var mask = TextMask(hiding: [])
    mask.hidesNothing = true
    return mask
  }()

  /// Characters that are searched beyond those that are shown, so that no value is cut before it is found.
  private static let lookahead = 2_000

  /// Hides these values whole, and their words of so many letters, in any case, spacing and order.
  ///
  /// Also where the text spells them out (`\u00e9`, `%C3%A9`, `&eacute;`), in base64, and with broken accents.
  public init(hiding values: some Sequence<String>, wordsFrom shortest: Int = 3) {
    for value in values {
      let characters = Array(TextMask.readable(value))
      let signs = Sign.all(in: characters)
      let words = Dictionary(grouping: signs, by: \.word).values.filter { $0.count >= shortest }
      for part in [signs] + words {
        TextMask.add(part, to: &self.values)
        guard let first = part.first, let last = part.last else { continue }
        let text = String(characters[first.place...last.place])
        for text in [text, text.uppercased()] where !text.allSatisfy(\.isASCII) {
          TextMask.add(Sign.all(in: text.map(\.orMark)), to: &broken)
        }
      }
      for text in [value, value.lowercased()] {
        TextMask.add(Sign.all(in: Array(Base64Text.text(Array(text.utf8)))), to: &self.values)
      }
    }
  }

  /// Hides what either of two masks hides.
  public func with(_ other: TextMask) -> TextMask {
    var both = self
    both.values.merge(other.values) { $0.union($1) }
    both.broken.merge(other.broken) { $0.union($1) }
    both.hidesNothing = hidesNothing && other.hidesNothing
    return both
  }

  private static func add(_ value: [Sign], to values: inout Values) {
    if let first = value.first { values[first.folded, default: []].insert(value.map(\.folded)) }
  }

  /// Whether a word, or a part of it between signs, is one of the values or of their words.
  ///
  /// Two letters don't count: `OK` is a state, too.
  public func hides(_ word: String) -> Bool {
    let signs = Sign.all(in: Array(TextMask.readable(word)))
    let parts = [signs] + Dictionary(grouping: signs, by: \.word).values
    return parts.contains { part in
      part.count > 2 && values[part[0].folded]?.contains(part.map(\.folded)) == true
    }
  }

  /// At most `limit` characters of a text on one line, harmless for terminals.
  ///
  /// With `patterns`, e-mail addresses, dates, numbers of five digits or more, keys, and words with broken letters are
  /// hidden, too.
  public func masked(_ text: String, limit: Int = 300, patterns: Bool = true) -> String {
    guard !hidesNothing else { return Sanitizer.clean(text, limit: limit) }
    var text = MaskedText(TextMask.readable(text).prefix(limit + TextMask.lookahead))
    text.hide(values)
    text.hideBroken(broken)
    if patterns {
      text.hideMisread()
      text.hideAddressesAndKeys()
      text.hideNumbersAndDates()
    }
    return Sanitizer.clean(text.shown(limit: limit), limit: 10 * limit)
  }

  /// The text without escapes and invisible characters, and with one blank for each run of white space.
  public static func readable(_ text: String) -> String {
    // 20,000 are more than any message has: the rest of a hostile one costs nothing.
    let start = EscapedText.plain(String(text.unicodeScalars.prefix(20_000)))
    var visible = String.UnicodeScalarView()
    visible.append(
      contentsOf: start.unicodeScalars.filter { !$0.properties.isDefaultIgnorableCodePoint })
    return String(visible).split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// A letter or digit of a text in the form in which it is compared, and where it stands.
private struct Sign {
  enum Kind { case letter, digit, ideograph }

  let folded: Character
  let kind: Kind
  /// The character's index in the text.
  let place: Int
  /// The number of the word, a run of letters and digits.
  let word: Int
  /// Whether a stretch of letters or of digits begins or ends here.
  let begins: Bool
  var ends = false

  static func all(in characters: [Character]) -> [Sign] {
    var signs: [Sign] = []
    for (place, character) in characters.enumerated() {
      guard character.isLetter || character.isNumber else { continue }
      // Scripts without case (Chinese, Arabic, Thai …) may set no blanks: each of their letters counts as a word.
      let kind: Kind = character.isNumber ? .digit : character.isCased ? .letter : .ideograph
      let last = signs.last
      let touches = last?.place == place - 1
      let begins = !touches || last?.kind != kind || kind == .ideograph
      if begins { signs.endLast() }
      let word = (last?.word ?? 0) + (touches ? 0 : 1)
      for (index, folded) in fold(character).enumerated() {
        signs.append(
          Sign(
            folded: folded, kind: kind, place: place, word: word, begins: begins && index == 0))
      }
    }
    signs.endLast()
    return signs
  }

  /// Without accents and in capitals and back, because ß is SS in capitals; digits of every script as ASCII.
  private static func fold(_ character: Character) -> String {
    if let digit = character.wholeNumberValue { return String(digit) }
    if character.isASCII { return character.lowercased() }
    let scalars = character.unicodeScalars.filter {
      $0.properties.generalCategory != .nonspacingMark
    }
    return scalars.map(withoutAccent).joined().uppercased().lowercased()
  }

  /// `E` of LATIN SMALL LETTER E WITH ACUTE: the name is the one table of accents that needs no library.
  private static func withoutAccent(_ scalar: Unicode.Scalar) -> String {
    let words = scalar.properties.name?.split(separator: " ") ?? []
    guard words.first == "LATIN", let with = words.firstIndex(of: "WITH") else {
      return String(scalar)
    }
    return String(words[with - 1])
  }
}

extension [Sign] {
  fileprivate mutating func endLast() {
    if let index = indices.last { self[index].ends = true }
  }
}

/// A text of which some characters are hidden.
private struct MaskedText {
  private let characters: [Character]
  private let signs: [Sign]
  private var isHidden: [Bool]

  /// Inside a longer word ("annaschmidt") a value needs four letters: "ann" is in "cannot".
  private static let shortestPart = 4
  /// Across words ("anna sch midt") it needs six, unless it begins and ends with whole words.
  private static let shortestAcross = 6
  init(_ text: Substring) {
    characters = Array(text)
    signs = Sign.all(in: characters)
    isHidden = Array(repeating: false, count: characters.count)
  }

  private mutating func hide(_ places: ClosedRange<Int>) {
    for place in places { isHidden[place] = true }
  }

  /// Values by their first letter or digit, where they are words of their own or long enough.
  mutating func hide(_ values: TextMask.Values) { hide(values, as: signs) }

  /// Values of which the letters beyond ASCII are lost (`Ren?e`) or were read as Latin-1 or Windows-1252 (`RenÃ©e`).
  mutating func hideBroken(_ values: TextMask.Values) {
    let found = isHidden
    isHidden = Array(repeating: false, count: characters.count)
    hide(values, as: Sign.all(in: characters.map(\.orMark)))
    // `?ódź`: what is left of a value may touch letters that were not lost.
    for place in characters.indices.dropFirst() where isHidden[place - 1] {
      isHidden[place] = isHidden[place] || !characters[place].isASCII
    }
    for place in characters.indices.dropLast().reversed() where isHidden[place + 1] {
      isHidden[place] = isHidden[place] || !characters[place].isASCII
    }
    for place in characters.indices where found[place] { isHidden[place] = true }
  }

  /// Words with letters that were lost or misread.
  mutating func hideMisread() {
    for run in runs where run.contains(where: { characters[$0] == "\u{FFFD}" || isMisread($0) }) {
      hide(run.startIndex...run.endIndex - 1)
    }
  }

  /// Whether the bytes of one character of UTF-8 stand here as a character each.
  private func isMisread(_ place: Int) -> Bool {
    let more: Int
    switch characters[place] {
    case "\u{C2}"..."\u{DF}": more = 1
    case "\u{E0}"..."\u{EF}": more = 2
    case "\u{F0}"..."\u{F4}": more = 3
    default: return false
    }
    let next = characters[place...].dropFirst().prefix(more)
    return next.count == more
      && next.allSatisfy {
        ("\u{80}"..."\u{BF}").contains($0) || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains($0)
      }
  }

  /// Stretches without a blank or a mark that ends a word.
  private var runs: [Range<Int>.SubSequence] {
    characters.indices.split { " \"'<>()[]{},;:".contains(characters[$0]) }
  }

  private mutating func hide(_ values: TextMask.Values, as signs: [Sign]) {
    let words = Dictionary(grouping: signs.indices, by: { signs[$0].word })
    var isPart = [Bool](repeating: false, count: signs.count)
    for (start, first) in signs.enumerated() {
      for value in values[first.folded] ?? [] {
        let end = start + value.count - 1
        guard end < signs.count, zip(signs[start...end], value).allSatisfy({ $0.folded == $1 })
        else { continue }
        let last = signs[end]
        let isInOneWord = first.word == last.word
        let enough = isInOneWord ? MaskedText.shortestPart : MaskedText.shortestAcross
        if first.begins && last.ends {
          hide(first.place...last.place)
        } else if value.count >= enough, let from = words[first.word]?.first,
          let to = words[last.word]?.last
        {
          hide(signs[from].place...signs[to].place)
        }
        if isInOneWord { for index in start...end { isPart[index] = true } }
      }
    }
    // A word that consists of nothing but values: "leeann".
    for word in words.values where word.allSatisfy({ isPart[$0] }) {
      for index in word { isHidden[signs[index].place] = true }
    }
  }

  /// E-mail addresses, and stretches of 40 characters without a break: tokens, keys, images in base64.
  mutating func hideAddressesAndKeys() {
    for run in runs where run.count >= 40 || run.count > 1 && run.contains(where: isAt) {
      hide(run.startIndex...run.endIndex - 1)
    }
  }

  private func isAt(_ place: Int) -> Bool { characters[place] == "@" || characters[place] == "＠" }

  /// Numbers of five digits or more however they are grouped, three in a row such as 5/21/80, and `May 21st, 1980`.
  mutating func hideNumbersAndDates() {
    let runs = Run.all(in: signs)
    for index in runs.indices {
      let isMonth = Run.months.contains(runs[index].text)
      guard isMonth || runs[index].isNumber else { continue }
      let belongs: (Run) -> Bool = isMonth ? { $0.isPartOfDate } : { $0.isNumber }
      var (start, end) = (index, index)
      while end + 1 < runs.count, belongs(runs[end + 1]), runs[end].isNear(runs[end + 1]) {
        end += 1
      }
      while isMonth, start > 0, belongs(runs[start - 1]), runs[start - 1].isNear(runs[start]) {
        start -= 1
      }
      let stretch = runs[start...end]
      let digits = stretch.reduce(0) { $0 + $1.text.count }
      // "may" alone is no month.
      guard isMonth ? stretch.contains(where: \.isNumber) : digits >= 5 || stretch.count >= 3 else {
        continue
      }
      hide(runs[start].places.lowerBound...runs[end].places.upperBound)
    }
  }

  /// The first `limit` characters, with one mark for neighbours that only punctuation separates.
  func shown(limit: Int) -> String {
    var (text, gap, isAfterMark) = ("", "", false)
    for (place, character) in characters.enumerated().prefix(limit) {
      if isHidden[place] {
        if !isAfterMark { text += gap + TextMask.mark }
        (gap, isAfterMark) = ("", true)
      } else {
        gap.append(character)
        guard character.isLetter || character.isNumber else { continue }
        text += gap
        (gap, isAfterMark) = ("", false)
      }
    }
    return text + gap + (characters.count > limit ? "…" : "")
  }
}

/// A stretch of digits or of letters, as numbers and dates are made of.
private struct Run {
  let isNumber: Bool
  let text: String
  let places: ClosedRange<Int>

  static let months: Set<String> = Set(
    [
      "january", "february", "march", "april", "may", "june", "july", "august", "september",
      "october", "november", "december",
    ].flatMap { [$0, String($0.prefix(3))] } + ["sept"])

  var isPartOfDate: Bool { isNumber || ["st", "nd", "rd", "th", "of"].contains(text) }

  /// Whether at most three characters of punctuation lie between: `(555) - 0199`.
  func isNear(_ next: Run) -> Bool { next.places.lowerBound - places.upperBound <= 4 }

  static func all(in signs: [Sign]) -> [Run] {
    let starts = signs.indices.filter { signs[$0].begins }
    return zip(starts, starts.dropFirst() + [signs.endIndex]).map { start, end in
      Run(
        isNumber: signs[start].kind == .digit, text: String(signs[start..<end].map(\.folded)),
        places: signs[start].place...signs[end - 1].place)
    }
  }
}

extension Character {
  /// The character, or a mark for one beyond ASCII.
  fileprivate var orMark: Character { isASCII ? self : "?" }
}
