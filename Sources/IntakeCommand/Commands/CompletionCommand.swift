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
    let fish = FishCompletion(commands: invocation.commands, registry: invocation.registry)
    let script: String
    switch arguments.positionals[0] {
    case "bash": script = bash.script
    // zsh runs bash's scripts once its own emulation is loaded.
    case "zsh":
      script = "#compdef docintake\nautoload -U +X bashcompinit && bashcompinit\n" + bash.script
    case "fish": script = fish.script
    default: throw CommandError("completion takes bash, zsh or fish", in: arguments.command)
    }
    invocation.results.writeText(script.replacing("docintake", with: ProgramName.current))
    return .success
  }
}

/// The completion script for bash, which zsh runs as well.
struct BashCompletion {
  let commands: [CommandSpec]
  let registry: StageRegistry

  var script: String {
    builtinText(
      PackageResources.completion_bash,
      [
        "__VALUES__": values, "__GROUPS__": groups,
        "__COMMANDS__": firstWords.joined(separator: " "),
        "__ARGUMENTS_1__": arguments(ofCommandsWith: 1),
        "__OPTIONS_1__": options(ofCommandsWith: 1),
        "__ARGUMENTS_2__": arguments(ofCommandsWith: 2),
        "__OPTIONS_2__": options(ofCommandsWith: 2),
      ])
  }

  /// The words after which a value follows, with what is offered for it.
  private var values: String {
    commands.flatMap(\.allOptions).filter { $0.completion != .nothing }.unique(by: \.name)
      .sorted { $0.name < $1.name }
      .map { "    --\($0.name)) \(reply($0.completion)); return ;;" }.joined(separator: "\n")
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

  private var firstWords: [String] { commands.map { $0.path[0] }.unique(by: \.self) }

  private var groups: String {
    let groups = Dictionary(grouping: commands.filter { $0.path.count > 1 }) { $0.path[0] }
    return cases(
      firstWords.compactMap { word in groups[word].map { (word, $0.map { $0.path[1] }) } })
  }

  private func arguments(ofCommandsWith wordCount: Int) -> String {
    let offers = commands.filter { $0.path.count == wordCount }
      .map { ("\"\($0.name)\"", $0.completion.words(registry)) }
    return cases(offers.filter { !$0.1.isEmpty }) + "\n    *) ;;"
  }

  private func options(ofCommandsWith wordCount: Int) -> String {
    cases(
      commands.filter { $0.path.count == wordCount }
        .map { ("\"\($0.name)\"", $0.allOptions.map { "--" + $0.name }) })
  }

  private func cases(_ offers: [(pattern: String, words: [String])]) -> String {
    offers.map { "    \($0.pattern)) words=\"\($0.words.joined(separator: " "))\" ;;" }
      .joined(separator: "\n")
  }
}

struct FishCompletion {
  let commands: [CommandSpec]
  let registry: StageRegistry

  var script: String {
    let first = commands.unique { $0.path[0] }.map { command in
      let word = command.path[0]
      let summary = command.path == [word] ? command.summary : "\(word) …"
      return line("-n __fish_use_subcommand -f -a \(word)", summary)
    }
    return (first + commands.flatMap(lines)).joined(separator: "\n") + "\n"
  }

  private func lines(_ command: CommandSpec) -> [String] {
    let seen = command.path.map { "__fish_seen_subcommand_from \($0)" }
    let condition = "-n '\(seen.joined(separator: "; and "))'"
    var lines: [String] = []
    if command.path.count > 1 {
      lines.append(line("-n '\(seen[0])' -f -a \(command.path[1])", command.summary))
    }
    let words = command.completion.words(registry)
    if !words.isEmpty { lines.append(line("\(condition) -f -a '\(words.joined(separator: " "))'")) }
    return lines
      + command.allOptions.map { option in
        line("\(condition) -l \(option.name)\(value(option))", option.helpText(registry))
      }
  }

  private func value(_ option: OptionSpec) -> String {
    guard option.value != nil else { return "" }
    let words = option.completion.words(registry)
    guard !words.isEmpty else { return " -r" }
    let kind = option.completion == .targets ? "-r" : "-x"
    return " \(kind) -a '\(words.joined(separator: " "))'"
  }

  private func line(_ words: String, _ summary: String? = nil) -> String {
    let description = summary.map { " -d '\($0.replacing("'", with: "\\'"))'" } ?? ""
    return "complete -c docintake \(words)\(description)"
  }
}
