import IntakeCore
import IntakeSystem

/// A command or subcommand, declared once: dispatch, help and completion come from it.
struct CommandSpec: Sendable {
  /// The words after `docintake`, such as `ledger show`.
  let path: [String]
  let summary: String
  /// The positional arguments as help shows them.
  var arguments = ""
  /// How many positional arguments it takes.
  var argumentCount: ClosedRange<Int> = 0...0
  /// What a shell offers for the positional arguments.
  var completion = Completion.files
  var options: [OptionSpec] = []
  var examples: [String] = []
  /// Paragraphs below the options.
  var notes: [String] = []
  let run: @Sendable (Arguments, Invocation) async throws -> ExitCode

  var name: String { path.joined(separator: " ") }

  /// Every command takes these.
  static let common = [OptionSpec("help", short: "h", help: "show this help")]

  var allOptions: [OptionSpec] { options + CommandSpec.common }
}

/// What every command gets besides its arguments.
struct Invocation: Sendable {
  let registry: StageRegistry
  let signals: SignalHub
  let commands: [CommandSpec]
  let results: ResultWriter
}
