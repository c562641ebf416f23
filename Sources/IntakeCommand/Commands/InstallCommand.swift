import IntakeCore
import IntakeSystem

/// `docintake man`: the manual, for those who look at a page before anything is installed.
enum ManualCommand {
  static let spec = CommandSpec(
    path: ["man"], summary: "print a page of the manual in roff",
    arguments: "[COMMAND|TOPIC]", argumentCount: 0...2,
    examples: ["docintake man run | man -l -", "docintake man ledger show | man -l -"],
    notes: ["docintake install puts all pages where man looks for them."]
  ) { arguments, invocation in
    let pages = ManualPage.all(invocation.commands, invocation.registry)
    let wanted = ([ProgramName.current] + arguments.positionals).joined(separator: "-")
    guard let page = pages.first(where: { $0.name == wanted }) else {
      let given = arguments.positionals.joined(separator: " ")
      let known = invocation.commands.map(\.name) + HelpTopic.allCases.map(\.rawValue)
      throw CommandError(
        .usage, "there is no page \(given.quoted(known: known))", hint: "see docintake --help")
    }
    invocation.results.writeText(page.source)
    return .success
  }
}

/// `docintake install`: puts the program, its man pages and completions under a prefix, or removes them.
enum InstallCommand {
  static let spec = CommandSpec(
    path: ["install"], summary: "put this program, its man pages and completions under a prefix",
    options: [
      OptionSpec(
        "prefix", value: "DIR", default: "/usr/local", help: "where bin and share are or will be"),
      OptionSpec("remove", help: "take away from there what install puts there"),
    ],
    examples: [
      "sudo .build/release/docintake install", "docintake install --prefix ~/.local",
      "docintake install --prefix ~/.local --remove",
    ],
    notes: [
      """
      It prints each file that it has written or removed. To upgrade, install the newer program over the older one;
      runs that are under way go on with the older one. Ledgers and settings are never touched.
      """,
      "zsh looks into PREFIX/share/zsh/site-functions where fpath names it: put\n"
        + "fpath=(PREFIX/share/zsh/site-functions $fpath) before compinit in ~/.zshrc, unless PREFIX is /usr/local.",
    ]
  ) { arguments, invocation in
    let prefix = arguments["prefix"] ?? "/usr/local"
    // A shell leaves the tilde of --prefix=~/.local alone.
    guard !prefix.isEmpty, !prefix.hasPrefix("~") else {
      throw arguments.usageError("--prefix takes a folder, such as /usr/local or \"$HOME/.local\"")
    }
    for file in try files(invocation) {
      let path = prefix + "/" + file.path
      if arguments.has("remove"), !DurableFile.exists(path) { continue }
      let hint = "give --prefix with a folder that is yours, or run it with sudo"
      try CommandError.writing(path, hint: hint) {
        if arguments.has("remove") {
          try DurableFile.remove(path)
        } else {
          try DurableFile.makeFolder(DurableFile.folder(of: path), permissions: 0o755)
          try DurableFile.replace(
            path, file.content, permissions: file.path.hasPrefix("bin/") ? 0o755 : 0o644)
        }
      }
      invocation.results.writeLine(path)
    }
    return .success
  }

  /// What is installed, by its place under the prefix.
  private static func files(_ invocation: Invocation) throws(CommandError)
    -> [(path: String, content: [UInt8])]
  {
    let name = ProgramName.current
    let pages = ManualPage.all(invocation.commands, invocation.registry)
      .map { ("man/man\($0.section)/" + $0.fileName, $0.source) }
    let scripts = [
      ("bash-completion/completions/\(name)", "bash"), ("zsh/site-functions/_\(name)", "zsh"),
      ("fish/vendor_completions.d/\(name).fish", "fish"),
    ].map { ($0, CompletionCommand.script(for: $1) ?? "") }
    return [("bin/\(name)", try program())]
      + (pages + scripts).map { ("share/" + $0, Array($1.utf8)) }
  }

  /// The program's own bytes; the limit of 1 GB is 20 times its size.
  private static func program() throws(CommandError) -> [UInt8] {
    let path = ProcessSetup.executablePath ?? ProgramName.current
    return try CommandError.naming(
      "the program's own file \(Sanitizer.clean(path))", .internalError
    ) { try Descriptor.open(path).wholeFile(atMost: 1 << 30) }
  }
}
