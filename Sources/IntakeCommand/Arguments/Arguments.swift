import IntakeCore

/// The arguments of one command, sorted into options and positionals.
struct Arguments {
  private var values: [String: [String]] = [:]
  /// Where the values come from that weren't typed.
  private var origins: [String: String] = [:]
  var positionals: [String] = []
  let command: CommandSpec

  /// Sorts the words after the command's name.
  ///
  /// - Throws: `CommandError` that names the word and the nearest known option.
  init(_ words: [String], for command: CommandSpec) throws(CommandError) {
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
    if !has("help") { try checkCount() }
  }

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

  /// Takes a setting over that wasn't typed; those of repeatable options come before the typed ones.
  mutating func adopt(_ setting: Setting) {
    let name = setting.option.name
    if setting.option.isRepeatable {
      if !has(name) { origins[name] = setting.origin }
      values[name] = setting.values + all(name)
    } else if !has(name), !setting.values.isEmpty {
      values[name] = setting.values
      origins[name] = setting.origin
    }
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
      throw CommandError("\(origin)--\(name) takes \(form), not \(text.quoted())", in: command)
    }
    return value
  }

  /// A duration in seconds: `90`, `90s`, `15m`, `2h`.
  func seconds(_ name: String) throws(CommandError) -> Double? {
    try value(name, "a duration such as 90s, 15m or 2h", DurationText.seconds)
  }

  private mutating func readLong(_ word: Substring, _ rest: inout ArraySlice<String>)
    throws(CommandError)
  {
    let (name, value) = word.halves(at: "=") ?? (String(word), nil)
    guard let option = command.allOptions.first(where: { $0.name == name }) else {
      let known = command.allOptions.map { "--" + $0.name }
      throw CommandError("unknown option " + "--\(name)".quoted(known: known), in: command)
    }
    try take(option, inline: value, &rest)
  }

  private mutating func readShort(_ letters: Substring, _ rest: inout ArraySlice<String>)
    throws(CommandError)
  {
    for (index, letter) in letters.enumerated() {
      guard let option = command.allOptions.first(where: { $0.short == letter }) else {
        throw CommandError("unknown option " + "-\(letter)".quoted(), in: command)
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
  ) throws(CommandError) {
    guard let placeholder = option.value else {
      guard inline == nil else {
        throw CommandError("--\(option.name) takes no value", in: command)
      }
      values[option.name] = [""]
      return
    }
    guard let value = inline ?? rest.popFirst() else {
      throw CommandError("--\(option.name) needs a value: \(placeholder)", in: command)
    }
    if let problem = option.problem(with: value) { throw CommandError(problem, in: command) }
    guard option.isRepeatable || values[option.name] == nil else {
      throw CommandError("--\(option.name) was given twice", in: command)
    }
    values[option.name, default: []].append(value)
    for _ in 1..<option.wordCount {
      guard let next = rest.popFirst() else {
        throw CommandError("--\(option.name) needs more: \(placeholder)", in: command)
      }
      values[option.name, default: []].append(next)
    }
  }

  private func checkCount() throws(CommandError) {
    let count = positionals.count
    guard count >= command.argumentCount.lowerBound else {
      throw CommandError("an argument is missing: \(command.arguments)", in: command)
    }
    guard count <= command.argumentCount.upperBound else {
      let extra = positionals[command.argumentCount.upperBound]
      throw CommandError("unexpected argument \(extra.quoted())", in: command)
    }
  }
}
