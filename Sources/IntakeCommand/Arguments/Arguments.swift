import IntakeCore

/// The arguments of one command, sorted into options and positionals.
struct Arguments {
  private var values: [String: [String]] = [:]
  /// Where values that weren't typed come from.
  private var origins: [String: String] = [:]
  /// The words as they were typed, those of a long option together.
  private var typed: [(option: String?, words: ArraySlice<String>)] = []
  /// What is left to sort; in the end `--` and what follows.
  private var rest: ArraySlice<String>
  private(set) var positionals: [String] = []
  let command: CommandSpec

  /// Sorts the words after the command's name; an error names the word and the nearest known option.
  init(_ words: [String], for command: CommandSpec) throws(CommandError) {
    self.command = command
    rest = words[...]
    while let word = rest.first, word != "--" {
      let start = rest.startIndex
      rest = rest.dropFirst()
      var option: String?
      if word.hasPrefix("--") {
        option = try readLong(word.dropFirst(2))
      } else if word.hasPrefix("-"), word != "-" {
        try readShort(word.dropFirst())
      } else {
        positionals.append(word)
      }
      typed.append((option, words[start..<rest.startIndex]))
    }
    positionals += rest.dropFirst()
    if !has("help") { try checkCount() }
  }

  func usageError(_ message: String) -> CommandError { command.usageError(message) }

  func has(_ name: String) -> Bool { values[name] != nil }

  /// Whether an option stands on the command line itself, and not only in settings.
  func isTyped(_ name: String) -> Bool { has(name) && origins[name] == nil }

  subscript(name: String) -> String? { values[name]?.last }

  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// Every value of a repeatable option that takes two words.
  func pairs(_ name: String) -> [(String, String)] {
    let words = all(name)
    return stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
  }

  /// The same arguments with a value for an option that wasn't given; it need not be declared.
  func defaulting(_ name: String, to value: String?) -> Arguments {
    guard let value, !has(name) else { return self }
    var copy = self
    copy.values[name] = [value]
    return copy
  }

  func without(_ name: String) -> Arguments {
    var copy = self
    copy.values[name] = nil
    return copy
  }

  /// The same options for a run over that manifest.
  func reading(_ manifest: String) -> Arguments {
    var copy = self
    copy.positionals = [manifest]
    return copy
  }

  /// Takes a setting over, unless it was typed or a stronger one is here; says whether it counts.
  ///
  /// Those of repeatable options add up, and come before the typed ones.
  mutating func adopt(_ setting: Setting) -> Bool {
    let (name, isRepeatable) = (setting.option.name, setting.option.isRepeatable)
    guard isRepeatable || (!has(name) && origins[name] == nil) else { return false }
    if !has(name) { origins[name] = setting.origin }
    // A flag that is turned off has no value, and is as good as one that nobody gave.
    if isRepeatable || !setting.values.isEmpty { values[name] = setting.values + all(name) }
    return true
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(CommandError) -> Int? {
    let form = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    return try value(name, form) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
  }

  /// The value of an option as `read` understands it, nil when it was not given; `form` says what it takes.
  func value<Value>(_ name: String, _ form: String, _ read: (String) -> Value?)
    throws(CommandError) -> Value?
  {
    guard let text = self[name] else { return nil }
    guard let value = read(text) else {
      let origin = origins[name].map { $0 + ": " } ?? ""
      throw usageError("\(origin)--\(name) takes \(form), not \(text.quoted())")
    }
    return value
  }

  /// A duration in seconds: `90`, `90s`, `15m`, `2h`.
  func seconds(_ name: String) throws(CommandError) -> Double? {
    try value(name, "a duration such as 90s, 15m or 2h", DurationText.seconds)
  }

  /// The same command line to be given again, without some options and with words added.
  ///
  /// A command that prints credentials may hold them, so it is shown to the operator alone.
  func again(without dropped: Set<String>, adding words: [String], isPrivate: Bool) -> String {
    let kept = typed.filter { !dropped.contains($0.option ?? "") }.flatMap { option, words in
      option == "credentials" && !isPrivate ? words.map(Arguments.hidingCommand) : Array(words)
    }
    return ([ProgramName.typed] + command.path + kept + words + rest).map(ShellText.quoted)
      .joined(separator: " ")
  }

  private static func hidingCommand(_ word: String) -> String {
    word.firstRange(of: "command:").map { word[..<$0.upperBound] + "…" } ?? word
  }

  /// Returns the option's name.
  private mutating func readLong(_ word: Substring) throws(CommandError) -> String {
    let (name, value) = word.halves(at: "=") ?? (String(word), nil)
    guard let option = command.allOptions.first(where: { $0.name == name }) else {
      let known = command.allOptions.map { "--" + $0.name }
      throw usageError("unknown option " + "--\(name)".quoted(known: known))
    }
    try take(option, inline: value)
    return name
  }

  private mutating func readShort(_ letters: Substring) throws(CommandError) {
    for (index, letter) in letters.enumerated() {
      guard let option = command.allOptions.first(where: { $0.short == letter }) else {
        throw usageError("unknown option " + "-\(letter)".quoted())
      }
      guard option.value != nil else {
        try take(option, inline: nil)
        continue
      }
      let inline = letters.dropFirst(index + 1)
      return try take(option, inline: inline.isEmpty ? nil : String(inline))
    }
  }

  private mutating func take(_ option: OptionSpec, inline: String?) throws(CommandError) {
    guard let placeholder = option.value else {
      guard inline == nil else {
        throw usageError("--\(option.name) takes no value")
      }
      values[option.name] = [""]
      return
    }
    guard let value = inline ?? rest.popFirst() else {
      throw usageError("--\(option.name) needs a value: \(placeholder)")
    }
    if let problem = option.problem(with: value) { throw usageError(problem) }
    guard option.isRepeatable || values[option.name] == nil else {
      throw usageError("--\(option.name) was given twice")
    }
    values[option.name, default: []].append(value)
    for _ in 1..<option.wordCount {
      guard let next = rest.popFirst() else {
        throw usageError("--\(option.name) needs more: \(placeholder)")
      }
      values[option.name, default: []].append(next)
    }
  }

  private func checkCount() throws(CommandError) {
    let count = positionals.count
    guard count >= command.argumentCount.lowerBound else {
      throw usageError("an argument is missing: \(command.arguments)")
    }
    guard count <= command.argumentCount.upperBound else {
      let extra = positionals[command.argumentCount.upperBound]
      throw usageError("unexpected argument \(extra.quoted())")
    }
  }
}
