import IntakeCore

/// The arguments of one command, sorted into options and positionals.
struct Arguments: Sendable {
  private var values: [String: [String]] = [:]
  private(set) var positionals: [String] = []
  let command: CommandSpec

  /// Sorts the words after the command's name.
  ///
  /// - Throws: `UsageError` that names the word and the nearest known option.
  init(_ words: [String], for command: CommandSpec) throws(UsageError) {
    self.command = command
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        positionals += rest
        break
      }
      if word.hasPrefix("--") {
        try readLong(word.dropFirst(2), &rest)
      } else if word.hasPrefix("-"), word != "-" {
        try readShort(word.dropFirst(), &rest)
      } else {
        positionals.append(word)
      }
    }
    if !wantsHelp { try checkCount() }
  }

  var wantsHelp: Bool { has("help") }

  func has(_ name: String) -> Bool { values[name] != nil }

  /// The last value of an option, nil when it was not given.
  subscript(name: String) -> String? { values[name]?.last }

  /// Every value of a repeatable option.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// Every value of a repeatable option that takes two words.
  func pairs(_ name: String) -> [(String, String)] {
    let words = all(name)
    return stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
  }

  /// The same arguments with one more option, for defaults that need no declaration.
  func adding(_ name: String, _ value: String) -> Arguments {
    var copy = self
    copy.values[name, default: []].append(value)
    return copy
  }

  /// The same options with other positional arguments.
  func replacingPositionals(_ words: [String]) -> Arguments {
    var copy = self
    copy.positionals = words
    return copy
  }

  /// A whole number in a range.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw UsageError(
        "--\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not "
          + "\"\(Sanitizer.clean(text, limit: 40))\"", command: command)
    }
    return number
  }

  private mutating func readLong(_ word: Substring, _ rest: inout ArraySlice<String>)
    throws(UsageError)
  {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = command.allOptions.first(where: { $0.name == name }) else {
      let known = command.allOptions.map { "--" + $0.name }
      throw UsageError(
        "unknown option \"--\(Sanitizer.clean(name, limit: 40))\""
          + NearestName.suggestion(for: "--" + name, among: known), command: command)
    }
    try take(option, inline: parts.count > 1 ? String(parts[1]) : nil, &rest)
  }

  private mutating func readShort(_ letters: Substring, _ rest: inout ArraySlice<String>)
    throws(UsageError)
  {
    for (index, letter) in letters.enumerated() {
      guard let option = command.allOptions.first(where: { $0.short == letter }) else {
        throw UsageError(
          "unknown option \"-\(Sanitizer.clean(String(letter), limit: 4))\"", command: command)
      }
      guard option.value != nil else {
        try take(option, inline: nil, &rest)
        continue
      }
      let inline = letters.dropFirst(index + 1)
      return try take(option, inline: inline.isEmpty ? nil : String(inline), &rest)
    }
  }

  private mutating func take(
    _ option: OptionSpec, inline: String?, _ rest: inout ArraySlice<String>
  ) throws(UsageError) {
    guard let placeholder = option.value else {
      guard inline == nil else {
        throw UsageError("--\(option.name) takes no value", command: command)
      }
      values[option.name] = [""]
      return
    }
    guard let value = inline ?? rest.popFirst() else {
      throw UsageError("--\(option.name) needs a value: \(placeholder)", command: command)
    }
    guard option.choices.isEmpty || option.choices.contains(value) else {
      throw UsageError(
        "--\(option.name) takes \(option.choices.joined(separator: ", ")), not "
          + "\"\(Sanitizer.clean(value, limit: 40))\""
          + NearestName.suggestion(for: value, among: option.choices), command: command)
    }
    guard option.isRepeatable || values[option.name] == nil else {
      throw UsageError("--\(option.name) was given twice", command: command)
    }
    values[option.name, default: []].append(value)
    for _ in 1..<option.wordCount {
      guard let next = rest.popFirst() else {
        throw UsageError("--\(option.name) needs more: \(placeholder)", command: command)
      }
      values[option.name, default: []].append(next)
    }
  }

  private func checkCount() throws(UsageError) {
    let count = positionals.count
    guard !command.argumentCount.contains(count) else { return }
    if count < command.argumentCount.lowerBound {
      throw UsageError("an argument is missing: \(command.arguments)", command: command)
    }
    let extra = positionals[command.argumentCount.upperBound]
    throw UsageError(
      "unexpected argument \"\(Sanitizer.clean(extra, limit: 60))\"", command: command)
  }
}

/// A command line that cannot be understood; nothing has been done.
struct UsageError: Error, Sendable {
  let message: String
  /// What to type to learn more.
  let hint: String

  init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }

  init(_ message: String, command: CommandSpec) {
    self.init(message, hint: "see docintake \(command.name) --help")
  }
}
