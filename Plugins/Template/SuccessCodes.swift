/// The status codes that mean success: single ones, and `2xx` for all of them.
struct SuccessCodes: Sendable {
  private let codes: [Int]
  private let isAny: Bool

  init(_ words: [String]) throws(TemplateFault) {
    var codes: [Int] = []
    for word in words where word != "2xx" {
      guard let code = Int(word), (200...299).contains(code) else {
        throw TemplateFault(
          "\"\(TemplateFault.shown(word))\" is no success: write codes from 200 to 299, or 2xx")
      }
      codes.append(code)
    }
    self.codes = codes
    isAny = words.isEmpty || words.contains("2xx")
  }

  func contains(_ status: Int) -> Bool {
    codes.contains(status) || isAny && (200...299).contains(status)
  }
}
