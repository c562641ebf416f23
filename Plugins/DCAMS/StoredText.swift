/// A field as the target shows it, which may be in its own spelling or partly hidden.
struct StoredText {
  private let text: String

  init(_ text: String) { self.text = text }

  /// Whether it can be what was sent: the same letters and digits, with hidden places and a country's prefix allowed.
  func agrees(with sent: String) -> Bool {
    let stored = StoredText.gist(text)
    let sent = StoredText.gist(sent)
    return stored == sent || isSameNumber(stored, sent) || isMasked(stored, sent)
  }

  /// A phone number with or without its country's code; seven digits are the shortest subscriber number.
  private func isSameNumber(_ stored: [Character], _ sent: [Character]) -> Bool {
    let shorter = min(stored.count, sent.count)
    guard shorter >= 7, (stored + sent).allSatisfy(\.isNumber) else { return false }
    return stored.suffix(shorter) == sent.suffix(shorter)
  }

  /// `XXXX0521` or `****0521`: what can be read must be the same.
  private func isMasked(_ stored: [Character], _ sent: [Character]) -> Bool {
    let hidden: Set<Character> = ["x", "*", "•"]
    guard stored.count == sent.count, stored.contains(where: hidden.contains) else { return false }
    return zip(stored, sent).allSatisfy { hidden.contains($0) || $0 == $1 }
  }

  /// Letters, digits and marks that hide, in lower case.
  private static func gist(_ text: String) -> [Character] {
    text.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "*" || $0 == "•" }
  }
}
