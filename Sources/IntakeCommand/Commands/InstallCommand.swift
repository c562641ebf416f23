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

/// `docintake install`: the program, its man pages and completions under a prefix, and away again.
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
      throw CommandError(
        "--prefix takes a folder, such as /usr/local or \"$HOME/.local\"", in: arguments.command)
    }
    for file in try InstalledFile.all(invocation) {
      let path = prefix + "/" + file.path
      if arguments.has("remove"), !DurableFile.exists(path) { continue }
      let hint = "give --prefix with a folder that is yours, or run it with sudo"
      try CommandError.writing(path, hint: hint) { () throws(SystemCallFailure) in
        if arguments.has("remove") {
          try DurableFile.remove(path)
        } else {
          try DurableFile.makeFolder(DurableFile.folder(of: path), permissions: 0o755)
          try DurableFile.replace(
            path, file.content, permissions: file.isProgram ? 0o755 : 0o644)
        }
      }
      invocation.results.writeLine(path)
    }
    return .success
  }
}

/// A file of the installed program, at its place under the prefix.
private struct InstalledFile {
  let path: String
  let content: [UInt8]
  var isProgram = false

  static func all(_ invocation: Invocation) throws(CommandError) -> [InstalledFile] {
    let name = ProgramName.current
    let pages = ManualPage.all(invocation.commands, invocation.registry)
      .map { ("man/man\($0.section)/" + $0.fileName, $0.source) }
    let scripts = [
      ("bash-completion/completions/\(name)", "bash"), ("zsh/site-functions/_\(name)", "zsh"),
      ("fish/vendor_completions.d/\(name).fish", "fish"),
    ].map { ($0, CompletionCommand.script(for: $1) ?? "") }
    return [InstalledFile(path: "bin/\(name)", content: try program(), isProgram: true)]
      + (pages + scripts).map { InstalledFile(path: "share/" + $0, content: Array($1.utf8)) }
  }

  /// This program itself; at most 1 GB, 20 times what it has.
  private static func program() throws(CommandError) -> [UInt8] {
    let path = ProcessSetup.executablePath ?? ProgramName.current
    do throws(FileFailure) {
      return try Descriptor.open(path).wholeFile(atMost: 1 << 30)
    } catch {
      throw CommandError(
        .internalError, "the program's own file \(Sanitizer.clean(path)): \(error)")
    }
  }
}
