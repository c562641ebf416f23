/// An option of the command line, declared once: reading, help and completion come from it.
struct OptionSpec: Sendable {
  let name: String
  var short: Character?
  /// The placeholder of its value in help; nil for flags.
  var value: String?
  var choices: [String] = []
  var isRepeatable = false
  /// Words it takes: 0 for flags.
  let wordCount: Int
  let help: String
  var defaultText: String?
  /// What a shell offers for its value; the choices where nothing is said.
  let completion: Completion

  init(
    _ name: String, short: Character? = nil, value: String? = nil, choices: [String] = [],
    isRepeatable: Bool = false, wordCount: Int = 1, default defaultText: String? = nil,
    completion: Completion? = nil, help: String
  ) {
    self.completion = completion ?? (choices.isEmpty ? .nothing : .words(choices))
    self.name = name
    self.short = short
    self.value = value ?? (choices.isEmpty ? nil : choices.joined(separator: "|"))
    self.choices = choices
    self.isRepeatable = isRepeatable
    self.wordCount = self.value == nil ? 0 : wordCount
    self.defaultText = defaultText
    self.help = help
  }

  /// The same option where it may be left out.
  func defaulting(to text: String) -> OptionSpec {
    var copy = self
    copy.defaultText = text
    return copy
  }

  /// `-n, --dry-run` or `--endpoint URL`.
  var usage: String {
    (short.map { "-\($0), " } ?? "    ") + "--\(name)" + (value.map { " \($0)" } ?? "")
  }
}
