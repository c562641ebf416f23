import IntakeCore
import IntakeSandbox

enum HelpText {
  static let summary =
    "take in customers with scanned IDs, shrink the images, submit them, record what became of each"

  static func overview(_ commands: [CommandSpec]) -> String {
    ProgramName.applied(
      to: """
        docintake: \(summary)

        Usage: docintake COMMAND …

        \(list(commands))

        Start here:
          docintake run samples/customers.csv --to sandbox --verbose
          docintake check customers.csv
          docintake COMMAND --help

        docintake help TOPIC explains:
        \(HelpTopic.allCases.map { "  " + $0.rawValue.padded(to: 15) + $0.summary }.joined(separator: "\n"))

        Results are JSON Lines on standard output (words on a terminal); everything else goes to standard error.

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

  private static func list(_ commands: [CommandSpec]) -> String {
    let width = commands.map { $0.name.count }.max() ?? 0
    return commands.map { "  " + $0.name.padded(to: width) + "  " + $0.summary }.joined(
      separator: "\n")
  }

  private static func options(_ options: [OptionSpec], _ registry: StageRegistry) -> String {
    options.map { option in
      // A usage that is wider than its column gets a line of its own, as in GNU tools.
      let usage = "  " + option.usage
      let indent = "\n" + String(repeating: " ", count: 32)
      let text = option.helpText(registry).wrapped(to: width - 32).joined(separator: indent)
      return usage.count <= 30 ? usage.padded(to: 32) + text : usage + indent + text
    }.joined(separator: "\n")
  }

  /// Columns of a help page: a terminal of that width never breaks a line within a word.
  static let width = 110
}

/// What `docintake help TOPIC` explains besides the commands.
enum HelpTopic: String, CaseIterable {
  case columns
  case exitCodes = "exit-codes"
  case credentials, plan, configuration, faults

  var summary: String {
    switch self {
    case .columns: "what a manifest is, and its columns"
    case .exitCodes: "how a command ends, and what a script does about it"
    case .credentials: "where credentials come from, and what they hold"
    case .plan: "plan files: stages of your own choice and order"
    case .configuration: "settings in files, profiles and the environment"
    case .faults: "what the sandbox can be told to do wrong"
    }
  }

  func text(_ registry: StageRegistry) -> String {
    switch self {
    case .columns: RunCommand.manifest
    case .exitCodes: builtinText(PackageResources.exit_codes_txt, ["__TABLE__": ExitCode.table])
    case .credentials:
      builtinText(PackageResources.credentials_txt, ["__VENDORS__": HelpTopic.fields(registry)])
    case .plan: builtinText(PackageResources.plan_txt, ["__STAGES__": HelpTopic.stages(registry)])
    case .configuration: builtinText(PackageResources.configuration_txt)
    case .faults: Sandbox.faultGrammar
    }
  }

  /// What the credentials of each vendor hold, a line a vendor.
  private static func fields(_ registry: StageRegistry) -> String {
    registry.vendors.filter { !$0.credentials.isEmpty }.map { vendor in
      let fields = vendor.credentials.map { "\"\($0.name)\":\"…\"" }.joined(separator: ",")
      return "  \(vendor.name.padded(to: 10))  {\(fields)}"
    }.joined(separator: "\n")
  }

  private static func stages(_ registry: StageRegistry) -> String {
    registry.entries.map { "  \($0.descriptor.name.padded(to: 10))  \($0.descriptor.summary)" }
      .joined(separator: "\n")
  }
}

/// What the program was started as: a third party's command isn't called `docintake`.
enum ProgramName {
  static let current: String = {
    let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    return name.isPlain(1...255, or: "-_.") ? name : declared
  }()

  private static let declared = "docintake"

  /// The word that started it, for command lines to paste.
  static var typed: String { CommandLine.arguments.first ?? declared }

  /// A text for people, with that name where this program is meant: `see docintake run --help`.
  static func applied(to text: String) -> String {
    guard current != declared else { return text }
    return text.replacing(declared + " ", with: current + " ")
      .replacing(declared + ":", with: current + ":")
  }
}
