import IntakeCore
import IntakeSystem

/// A command or subcommand, declared once: dispatch, help and completion come from it.
struct CommandSpec {
  /// The words after `docintake`, such as `ledger show`.
  let path: [String]
  let summary: String
  /// The positional arguments as help shows them.
  var arguments = ""
  var argumentCount: ClosedRange<Int> = 0...0
  /// What a shell offers for the positional arguments.
  var completion = Completion.files
  var options: [OptionSpec] = []
  var examples: [String] = []
  var notes: [String] = []
  let run: @Sendable (Arguments, Invocation) async throws -> ExitCode

  var name: String { path.joined(separator: " ") }

  /// The options, with the one that every command takes.
  var allOptions: [OptionSpec] {
    options + [OptionSpec("help", short: "h", help: "show this help")]
  }
}

/// What every command gets besides its arguments.
struct Invocation {
  let registry: StageRegistry
  let commands: [CommandSpec]
  let signals: SignalHub
  let results: ResultWriter
  let console: Console
}

/// An option of the command line, declared once: reading, help and completion come from it.
struct OptionSpec {
  let name: String
  let short: Character?
  /// The placeholder of its value in help; nil for flags.
  let value: String?
  let choices: [String]
  let isRepeatable: Bool
  /// Words it takes: 0 for flags.
  let wordCount: Int
  let help: String
  var defaultText: String?
  /// What a shell offers for its value; the choices where nothing is said.
  let completion: Completion

  init(
    _ name: String, short: Character? = nil, value: String? = nil, choices: [String] = [],
    isRepeatable: Bool = false, wordCount: Int = 1, default defaultText: String? = nil,
    completion: Completion? = nil, help: String
  ) {
    self.completion = completion ?? (choices.isEmpty ? .nothing : .words(choices))
    self.name = name
    self.short = short
    self.value = value ?? (choices.isEmpty ? nil : choices.joined(separator: "|"))
    self.choices = choices
    self.isRepeatable = isRepeatable
    self.wordCount = self.value == nil ? 0 : wordCount
    self.defaultText = defaultText
    self.help = help
  }

  /// The help text; that of `--to` starts with the names of the targets.
  func helpText(_ registry: StageRegistry) -> String {
    guard completion == .targets else { return help }
    return (completion.words(registry) + [help]).joined(separator: ", ")
  }

  /// `-n, --dry-run` or `--endpoint URL`.
  var usage: String {
    (short.map { "-\($0), " } ?? "    ") + "--\(name)" + (value.map { " \($0)" } ?? "")
  }
}

/// What a shell offers for a word of the command line.
enum Completion: Equatable {
  case nothing
  case files
  case words([String])
  /// The targets that `--to` takes by name, or a file.
  case targets
  case stages
  /// `STAGE.OPTION=`, after which the value is typed.
  case stageOptions

  /// The words that are known when the script is made; stages of third parties are among them.
  func words(_ registry: StageRegistry) -> [String] {
    switch self {
    case .nothing, .files: return []
    case .words(let words): return words
    case .targets: return registry.targets.map(\.name)
    case .stages: return registry.names
    case .stageOptions:
      return registry.entries.flatMap { entry in
        entry.descriptor.options.map { "\(entry.descriptor.name).\($0.name)=" }
      }
    }
  }
}
