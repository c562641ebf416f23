/// Makes text from outside (servers, programs, file names, cells) harmless in terminals and logs.
public enum Sanitizer {
  /// At most `limit` characters, with what steers or can't be seen written as `\u{…}`: control characters, bidi
  /// overrides (CWE-150), blanks other than the ordinary one.
  public static func clean(_ text: String, limit: Int = 200) -> String {
    if text.utf8.count <= limit, text.utf8.allSatisfy(\.isASCIIPrintable) { return text }
    var result = ""
    for scalar in text.unicodeScalars.prefix(limit + 1) {
      guard result.unicodeScalars.count < limit else { return result + "…" }
      if isHarmful(scalar) {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A server's word such as `PASS`, or `other` for anything but a short plain word: it could echo an e-mail there.
  public static func word(_ text: String) -> String {
    text.isPlain(1...32, or: "_-") ? text : "other"
  }

  fileprivate static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    harmful.contains { $0.contains(scalar.value) }
  }

  private static let harmful: [ClosedRange<UInt32>] = [
    0...0x1F, 0x7F...0xA0, 0xAD...0xAD, 0x180E...0x180E, 0x2000...0x200F, 0x2028...0x202F,
    0x205F...0x206F, 0x3000...0x3000, 0xFEFF...0xFEFF, 0xE0000...0xE007F,
  ]
}

/// Finds the known name that was most likely meant.
public enum NearestName {
  /// The closest of `names`, nil when none is within a third of its length (at least two edits).
  public static func of(_ text: String, among names: some Sequence<String>) -> String? {
    let wanted = Array(text.lowercased().utf8.prefix(64))
    let ranked = names.map { ($0, distance(wanted, Array($0.lowercased().utf8))) }
    guard let best = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
    return best.1 <= max(2, best.0.utf8.count / 3) && best.1 < best.0.utf8.count ? best.0 : nil
  }

  /// `, did you mean "dob"?`, or nothing.
  public static func suggestion(for text: String, among names: some Sequence<String>) -> String {
    of(text, among: names).map { ", did you mean \"\($0)\"?" } ?? ""
  }

  /// Edits between two texts: insert, delete, replace, or swap two neighbours (Damerau, restricted).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        row.append(cost)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}

extension StringProtocol {
  /// The text in quotes, and the known name that was most likely meant: `"shrnk", did you mean "shrink"?`.
  public func quoted(known: some Sequence<String> = []) -> String {
    let text = String(self)
    return "\"\(Sanitizer.clean(text, limit: 60))\""
      + NearestName.suggestion(for: text, among: known)
  }
}

/// Words of a command line as a POSIX shell reads them.
public enum ShellText {
  /// The word as it is, or in single quotes where a shell would take it for something else.
  ///
  /// What steers a terminal or can't be seen is written in octal, as bash, zsh and ksh read it.
  public static func quoted(_ word: String) -> String {
    if word.isPlain(1...Int.max, or: "-_./=:,+@%") { return word }
    guard word.unicodeScalars.contains(where: Sanitizer.isHarmful) else {
      return "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
    let letters = word.unicodeScalars.map { scalar -> String in
      if scalar == "'" || scalar == "\\" { return "\\\(scalar)" }
      guard Sanitizer.isHarmful(scalar) else { return String(scalar) }
      return UTF8.encode(scalar).map { bytes in
        bytes.map { "\\" + String(512 + Int($0), radix: 8).dropFirst() }.joined()
      } ?? ""
    }
    return "$'" + letters.joined() + "'"
  }
}

extension String {
  /// The text with blanks behind it up to `width` characters.
  public func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  /// The lines of the text, broken between words; a word of more than `width` columns has a line of its own.
  public func wrapped(to width: Int) -> [String] {
    split(separator: " ").reduce(into: []) { lines, word in
      if let last = lines.last, last.columns + 1 + String(word).columns <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
  }
}

// The width of texts on terminals, where a character takes one column or two.
extension String {
  /// Columns that the text takes on a terminal.
  public var columns: Int {
    utf8.allSatisfy(\.isASCIIPrintable) ? utf8.count : reduce(0) { $0 + $1.columns }
  }

  /// The start of the text that fits into so many columns, with `…` where something is left out.
  public func cut(toColumns width: Int) -> String {
    guard columns > width else { return self }
    var (result, used) = ("", 0)
    for character in self {
      guard used + character.columns < width else { break }
      result.append(character)
      used += character.columns
    }
    return width > 0 ? result + "…" : ""
  }
}

extension Character {
  /// An accent joins the letter before it, and a picture of several parts is as wide as one.
  fileprivate var columns: Int { unicodeScalars.map(\.columns).max() ?? 0 }
}

extension Unicode.Scalar {
  /// What East Asian Width (UAX 11) calls wide, and pictures, as far as terminals agree.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
    0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
    0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
  ]

  fileprivate var columns: Int {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return Unicode.Scalar.wide.contains { $0.contains(value) } ? 2 : 1
    }
  }
}

extension Sequence {
  /// The elements whose key isn't that of an earlier one.
  public func unique<Key: Hashable>(by key: (Element) -> Key) -> [Element] {
    var seen: Set<Key> = []
    return filter { seen.insert(key($0)).inserted }
  }
}
