/// `docintake completion`: scripts for shells, made from the declarations of the commands.
enum CompletionCommand {
  static let spec = CommandSpec(
    path: ["completion"], summary: "print a completion script for bash, zsh or fish",
    arguments: "bash|zsh|fish", argumentCount: 1...1,
    examples: [
      "docintake completion bash > ~/.local/share/bash-completion/completions/docintake",
      "docintake completion fish > ~/.config/fish/completions/docintake.fish",
    ]
  ) { arguments, invocation in
    switch arguments.positionals[0] {
    case "bash": invocation.results.writeText(bash(invocation.commands))
    case "zsh":
      // zsh runs bash's scripts once its own emulation is loaded.
      invocation.results.writeText(
        "#compdef docintake\nautoload -U +X bashcompinit && bashcompinit\n"
          + bash(invocation.commands))
    case "fish": invocation.results.writeText(fish(invocation.commands))
    default:
      throw UsageError("completion takes bash, zsh or fish", command: arguments.command)
    }
    return .success
  }

  private static func firstWords(_ commands: [CommandSpec]) -> [String] {
    var words: [String] = []
    for command in commands where !words.contains(command.path[0]) { words.append(command.path[0]) }
    return words
  }

  private static func bash(_ commands: [CommandSpec]) -> String {
    let groups = firstWords(commands).compactMap { word -> String? in
      let seconds = commands.filter { $0.path.count > 1 && $0.path[0] == word }.map { $0.path[1] }
      return seconds.isEmpty ? nil : "    \(word)) words=\"\(seconds.joined(separator: " "))\" ;;"
    }
    let options = commands.map { command in
      let names = command.allOptions.map { "--" + $0.name }.joined(separator: " ")
      return "    \"\(command.name)\") words=\"\(names)\" ;;"
    }
    let choices = Dictionary(
      commands.flatMap(\.allOptions).filter { !$0.choices.isEmpty }.map { ($0.name, $0.choices) },
      uniquingKeysWith: { $0.count >= $1.count ? $0 : $1 })
    let values = choices.sorted { $0.key < $1.key }.map {
      "    --\($0.key)) COMPREPLY=($(compgen -W \"\($0.value.joined(separator: " "))\" -- \"$word\")); return ;;"
    }
    return """
      _docintake() {
        local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""
        local first="${COMP_WORDS[1]}" both="${COMP_WORDS[1]} ${COMP_WORDS[2]}"
        case "$before" in
      \(values.joined(separator: "\n"))
        esac
        if [ "$COMP_CWORD" -eq 1 ]; then words="\(firstWords(commands).joined(separator: " ")) --help --version"
        elif [[ "$word" != -* ]]; then
          [ "$COMP_CWORD" -eq 2 ] && case "$first" in
      \(groups.joined(separator: "\n"))
          esac
          [ -z "$words" ] && { COMPREPLY=($(compgen -f -- "$word")); return; }
        else
          case "$both" in
      \(options.joined(separator: "\n"))
          esac
          [ -z "$words" ] && case "$first" in
      \(options.joined(separator: "\n"))
          esac
        fi
        COMPREPLY=($(compgen -W "$words" -- "$word"))
      }
      complete -o filenames -F _docintake docintake

      """
  }

  private static func fish(_ commands: [CommandSpec]) -> String {
    let first = firstWords(commands).map { word in
      let summary = commands.first { $0.path == [word] }?.summary ?? "\(word) …"
      return "complete -c docintake -n __fish_use_subcommand -f -a \(word) -d '\(quoted(summary))'"
    }
    let rest = commands.flatMap { command -> [String] in
      let condition = command.path.map { "__fish_seen_subcommand_from \($0)" }.joined(
        separator: "; and ")
      let options = command.allOptions.map { option in
        let value =
          option.value == nil
          ? ""
          : option.choices.isEmpty ? " -r" : " -x -a '\(option.choices.joined(separator: " "))'"
        return
          "complete -c docintake -n '\(condition)' -l \(option.name)\(value) -d '\(quoted(option.help))'"
      }
      guard command.path.count > 1 else { return options }
      return [
        "complete -c docintake -n '__fish_seen_subcommand_from \(command.path[0])' -f -a \(command.path[1]) -d '\(quoted(command.summary))'"
      ] + options
    }
    return (first + rest).joined(separator: "\n") + "\n"
  }

  private static func quoted(_ text: String) -> String { text.replacing("'", with: "\\'") }
}
