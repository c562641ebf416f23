import IntakeCore

/// The completion script for fish.
struct FishCompletion {
  let commands: [CommandSpec]
  let registry: StageRegistry

  var script: String {
    let first = CompletionCommand.firstWords(commands).map { word in
      let summary = commands.first { $0.path == [word] }?.summary ?? "\(word) …"
      return "complete -c docintake -n __fish_use_subcommand -f -a \(word) -d '\(quoted(summary))'"
    }
    return (first + commands.flatMap(lines)).joined(separator: "\n") + "\n"
  }

  private func lines(_ command: CommandSpec) -> [String] {
    let condition = command.path.map { "__fish_seen_subcommand_from \($0)" }
      .joined(separator: "; and ")
    var lines: [String] = []
    if command.path.count > 1 {
      lines.append(
        "complete -c docintake -n '__fish_seen_subcommand_from \(command.path[0])' -f -a "
          + "\(command.path[1]) -d '\(quoted(command.summary))'")
    }
    let words = command.completion.words(registry)
    if !words.isEmpty {
      lines.append(
        "complete -c docintake -n '\(condition)' -f -a '\(words.joined(separator: " "))'")
    }
    return lines
      + command.allOptions.map { option in
        "complete -c docintake -n '\(condition)' -l \(option.name)\(value(option)) "
          + "-d '\(quoted(option.help))'"
      }
  }

  private func value(_ option: OptionSpec) -> String {
    guard option.value != nil else { return "" }
    let words = option.completion.words(registry)
    guard !words.isEmpty else { return " -r" }
    if case .wordsOrFiles = option.completion { return " -r -a '\(words.joined(separator: " "))'" }
    return " -x -a '\(words.joined(separator: " "))'"
  }

  private func quoted(_ text: String) -> String { text.replacing("'", with: "\\'") }
}
