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
