import IntakeCore

/// Every command, in the order of help.
enum CommandTable {
  static let commands: [CommandSpec] =
    [RunCommand.spec, CheckCommand.spec, ReconcileCommand.spec, ReportCommand.spec]
    + CustomerCommands.all + LedgerCommands.all + [
      StagesCommands.list, StagesCommands.show, StageAuthorCommands.new,
      StageAuthorCommands.check, ReferenceCommand.spec, SandboxCommand.spec,
      CompletionCommand.spec, VersionCommand.spec,
    ]

  /// The command that the words name, with the words after it; nil when help was asked for and given.
  static func find(_ words: [String], in commands: [CommandSpec], _ results: ResultWriter)
    throws(UsageError) -> (CommandSpec, [String])?
  {
    guard let first = words.first else {
      throw UsageError("no command was given", hint: "see docintake --help")
    }
    switch first {
    case "--help", "-h", "help":
      // `help run` is `run --help`.
      let named = words.dropFirst().filter { !$0.hasPrefix("-") }
      guard named.isEmpty else { return try find(named + ["--help"], in: commands, results) }
      results.writeText(HelpText.overview(commands))
      return nil
    case "--version": return (VersionCommand.spec, Array(words.dropFirst()))
    default: break
    }
    if let command = commands.first(where: { words.starts(with: $0.path) }) {
      return (command, Array(words.dropFirst(command.path.count)))
    }
    let group = commands.filter { $0.path.count > 1 && $0.path[0] == first }
    guard !group.isEmpty else {
      throw UsageError(
        "unknown command \"\(Sanitizer.clean(first, limit: 40))\""
          + NearestName.suggestion(for: first, among: Set(commands.map { $0.path[0] }).sorted()),
        hint: "see docintake --help")
    }
    return try findHelp(words, first, group, results)
  }

  private static func findHelp(
    _ words: [String], _ first: String, _ group: [CommandSpec], _ results: ResultWriter
  ) throws(UsageError) -> (CommandSpec, [String])? {
    let second = words.dropFirst().first
    if second == nil || second == "--help" || second == "-h" {
      results.writeText(HelpText.group(first, group))
      return nil
    }
    throw UsageError(
      "unknown command \"\(first) \(Sanitizer.clean(second ?? "", limit: 40))\""
        + NearestName.suggestion(for: second ?? "", among: group.map { $0.path[1] }),
      hint: "see docintake \(first) --help")
  }
}
