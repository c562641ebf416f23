import IntakeCore

/// `docintake completion`: scripts for shells, made from the declarations of the commands and stages.
enum CompletionCommand {
  static let spec = CommandSpec(
    path: ["completion"], summary: "print a completion script for bash, zsh or fish",
    arguments: "bash|zsh|fish", argumentCount: 1...1, completion: .words(["bash", "zsh", "fish"]),
    examples: [
      "docintake completion bash > ~/.local/share/bash-completion/completions/docintake",
      "docintake completion fish > ~/.config/fish/completions/docintake.fish",
    ]
  ) { arguments, invocation in
    let bash = BashCompletion(commands: invocation.commands, registry: invocation.registry)
    switch arguments.positionals[0] {
    case "bash": invocation.results.writeText(ProgramName.put(intoScript: bash.script))
    case "zsh":
      // zsh runs bash's scripts once its own emulation is loaded.
      invocation.results.writeText(
        ProgramName.put(
          intoScript: "#compdef docintake\nautoload -U +X bashcompinit && bashcompinit\n"
            + bash.script))
    case "fish":
      let fish = FishCompletion(commands: invocation.commands, registry: invocation.registry)
      invocation.results.writeText(ProgramName.put(intoScript: fish.script))
    default:
      throw UsageError("completion takes bash, zsh or fish", command: arguments.command)
    }
    return .success
  }

  /// The first word of every command, each once.
  static func firstWords(_ commands: [CommandSpec]) -> [String] {
    var words: [String] = []
    for command in commands where !words.contains(command.path[0]) { words.append(command.path[0]) }
    return words
  }
}

/// The completion script for bash, which zsh runs as well.
struct BashCompletion {
  let commands: [CommandSpec]
  let registry: StageRegistry

  var script: String {
    """
    _docintake() {
      local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""
      local first="${COMP_WORDS[1]}" both="${COMP_WORDS[1]} ${COMP_WORDS[2]}"
      # To bash, --to=sandbox is three words.
      [ "$word" = "=" ] && word=""
      [ "$before" = "=" ] && before="${COMP_WORDS[COMP_CWORD-2]}"
      case "$before" in
    \(values.joined(separator: "\n"))
      esac
      if [ "$COMP_CWORD" -eq 1 ]; then words="\(firstWords.joined(separator: " ")) help --help --version"
      elif [ "$first" = help ]; then words="\(firstWords.joined(separator: " "))"
      elif [[ "$word" != -* ]]; then
        [ "$COMP_CWORD" -eq 2 ] && case "$first" in
    \(groups.joined(separator: "\n"))
        esac
        [ -z "$words" ] && case "$both" in
    \(arguments { $0.path.count == 2 }.joined(separator: "\n"))
        esac
        [ -z "$words" ] && case "$first" in
    \(arguments { $0.path.count == 1 }.joined(separator: "\n"))
        esac
        [ -z "$words" ] && { COMPREPLY=($(compgen -f -- "$word")); return; }
      else
        case "$both" in
    \(options { $0.path.count == 2 }.joined(separator: "\n"))
        esac
        [ -z "$words" ] && case "$first" in
    \(options { $0.path.count == 1 }.joined(separator: "\n"))
        esac
      fi
      COMPREPLY=($(compgen -W "$words" -- "$word"))
    }
    complete -o filenames -F _docintake docintake

    """
  }

  /// The words after which a value follows, with what is offered for it.
  private var values: [String] {
    let options = Dictionary(
      commands.flatMap(\.allOptions).filter { $0.completion != .nothing }.map {
        ($0.name, $0.completion)
      }, uniquingKeysWith: { first, _ in first })
    return options.sorted { $0.key < $1.key }.map {
      "    --\($0.key)) \(reply($0.value)); return ;;"
    }
  }

  private func reply(_ completion: Completion) -> String {
    let words = completion.words(registry).joined(separator: " ")
    let list = words.isEmpty ? "" : #"$(compgen -W "\#(words)" -- "$word")"#
    switch completion {
    case .files: return #"COMPREPLY=($(compgen -f -- "$word"))"#
    case .targets: return #"COMPREPLY=(\#(list) $(compgen -f -- "$word"))"#
    // The value follows at once; zsh has no compopt.
    case .stageOptions: return "COMPREPLY=(\(list)); compopt -o nospace 2>/dev/null"
    case .nothing, .words, .stages: return "COMPREPLY=(\(list))"
    }
  }

  private var firstWords: [String] { CompletionCommand.firstWords(commands) }

  private var groups: [String] {
    firstWords.compactMap { word in
      let seconds = commands.filter { $0.path.count > 1 && $0.path[0] == word }.map { $0.path[1] }
      return seconds.isEmpty ? nil : entry(word, seconds)
    }
  }

  private func arguments(_ isWanted: (CommandSpec) -> Bool) -> [String] {
    commands.filter(isWanted).compactMap { command in
      let words = command.completion.words(registry)
      return words.isEmpty ? nil : entry("\"\(command.name)\"", words)
    } + ["    *) ;;"]
  }

  private func options(_ isWanted: (CommandSpec) -> Bool) -> [String] {
    commands.filter(isWanted).map { command in
      entry("\"\(command.name)\"", command.allOptions.map { "--" + $0.name })
    }
  }

  private func entry(_ pattern: String, _ words: [String]) -> String {
    "    \(pattern)) words=\"\(words.joined(separator: " "))\" ;;"
  }
}

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
          + "-d '\(quoted(option.helpText(registry)))'"
      }
  }

  private func value(_ option: OptionSpec) -> String {
    guard option.value != nil else { return "" }
    let words = option.completion.words(registry)
    guard !words.isEmpty else { return " -r" }
    if option.completion == .targets { return " -r -a '\(words.joined(separator: " "))'" }
    return " -x -a '\(words.joined(separator: " "))'"
  }

  private func quoted(_ text: String) -> String { text.replacing("'", with: "\\'") }
}
