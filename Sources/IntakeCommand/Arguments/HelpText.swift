import IntakeCore

enum HelpText {
  static func overview(_ commands: [CommandSpec]) -> String {
    ProgramName.applied(
      to: """
        docintake: take in customers with scanned IDs, shrink the images, submit them, record what became of each

        Usage: docintake COMMAND …

        \(list(commands))

        Start here:
          docintake run samples/customers.csv --to sandbox --verbose
          docintake check customers.csv
          docintake COMMAND --help

        Results are JSON Lines on standard output; everything else goes to standard error.

        \(ExitCode.table)

        """)
  }

  static func page(_ command: CommandSpec, _ registry: StageRegistry) -> String {
    let arguments = command.arguments.isEmpty ? "" : " " + command.arguments
    var parts = [command.summary, "Usage: docintake \(command.name)\(arguments) [OPTIONS]"]
    if !command.examples.isEmpty {
      parts.append("Examples:\n" + command.examples.map { "  " + $0 }.joined(separator: "\n"))
    }
    parts.append("Options:\n" + options(command.allOptions, registry))
    parts += command.notes
    return ProgramName.applied(to: parts.joined(separator: "\n\n") + "\n")
  }

  /// The page of a group such as `ledger`.
  static func group(_ word: String, _ commands: [CommandSpec]) -> String {
    ProgramName.applied(
      to: "Usage: docintake \(word) COMMAND …\n\n" + list(commands)
        + "\n\ndocintake \(word) COMMAND --help says more.\n")
  }

  /// A line for each command, summaries aligned.
  private static func list(_ commands: [CommandSpec]) -> String {
    let width = commands.map { $0.name.count }.max() ?? 0
    return commands.map { "  " + $0.name.padded(to: width) + "  " + $0.summary }.joined(
      separator: "\n")
  }

  private static func options(_ options: [OptionSpec], _ registry: StageRegistry) -> String {
    options.map { option in
      let note = option.defaultText.map { " [default: \($0)]" } ?? ""
      let repeatable = option.isRepeatable ? " (repeatable)" : ""
      let help = option.helpText(registry) + note + repeatable
      // A usage that is wider than its column gets a line of its own, as in GNU tools.
      let usage = "  " + option.usage
      let indent = "\n" + String(repeating: " ", count: 32)
      let text = help.wrapped(to: width - 32).joined(separator: indent)
      return usage.count <= 30 ? usage.padded(to: 32) + text : usage + indent + text
    }.joined(separator: "\n")
  }

  /// Columns of a help page, so that a terminal of 110 columns never breaks a line within a word.
  static let width = 110
}

/// What the program was started as: a third party's command isn't called `docintake`.
enum ProgramName {
  static let current: String = {
    let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    return name.isPlain(1...255, or: "-_.") ? name : declared
  }()

  private static let declared = "docintake"

  /// A text for people, with that name where this program is meant: `see docintake run --help`.
  static func applied(to text: String) -> String {
    guard current != declared else { return text }
    return text.replacing(declared + " ", with: current + " ")
      .replacing(declared + ":", with: current + ":")
  }
}
