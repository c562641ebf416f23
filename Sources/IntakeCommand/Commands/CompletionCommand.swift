import IntakeCore

/// `docintake completion`: scripts for shells, and the answers to what these ask while somebody types.
///
/// A script asks the program, so that the three shells offer the same: what the declarations of commands and stages say,
/// a third party's among them, and the ledgers and profiles that are there now.
enum CompletionCommand {
  static let spec = CommandSpec(
    path: ["completion"], summary: "print a completion script for bash, zsh or fish",
    arguments: "bash|zsh|fish [-- WORD…]", argumentCount: 1...Int.max,
    completion: .words(["bash", "zsh", "fish"]),
    examples: [
      "docintake completion bash > ~/.local/share/bash-completion/completions/docintake",
      "docintake completion zsh > ~/.zfunc/_docintake   # with fpath=(~/.zfunc $fpath) before compinit",
      "docintake completion fish > ~/.config/fish/completions/docintake.fish",
    ],
    notes: [
      "docintake install puts all three where the shells look for them.\n"
        + "With the words of a command line behind --, it prints what fits in the place of the last one: a line for\n"
        + "each word, with its description behind a tab. The scripts ask so."
    ]
  ) { arguments, invocation in
    guard let script = script(for: arguments.positionals[0]) else {
      throw CommandError("completion takes bash, zsh or fish", in: arguments.command)
    }
    let words = Array(arguments.positionals.dropFirst())
    invocation.results.writeText(
      words.isEmpty
        ? script : Offers(for: words, invocation.commands, invocation.registry).text)
    return .success
  }

  /// The script for a shell, under the name that this program goes by; nil for other shells.
  static func script(for shell: String) -> String? {
    let texts = [
      "bash": PackageResources.completion_bash, "zsh": PackageResources.completion_zsh,
      "fish": PackageResources.completion_fish,
    ]
    return texts[shell].map { builtinText($0, ["docintake": ProgramName.current]) }
  }
}
