import IntakeCore
import IntakeSystem

/// A command or subcommand, declared once: dispatch, help, man page and completion come from it.
struct CommandSpec {
  /// The words after `docintake`, such as `ledger show`.
  let path: [String]
  let summary: String
  /// The positional arguments as help shows them.
  var arguments = ""
  var argumentCount: ClosedRange<Int> = 0...0
  /// What a shell offers for the positional arguments; by default what their placeholder suggests.
  var completion: Completion?
  var options: [OptionSpec] = []
  var examples: [String] = []
  var notes: [String] = []
  let run: @Sendable (Arguments, Invocation) async throws -> ExitCode

  var name: String { path.joined(separator: " ") }

  /// Whether files of settings and the environment are read: for every command that takes a target.
  var takesSettings: Bool { options.contains { $0.name == "to" } }

  /// The options, with those that many commands take and the one that every command takes.
  var allOptions: [OptionSpec] {
    options + (takesSettings ? Configuration.options : [])
      + [OptionSpec("help", short: "h", help: "show this help")]
  }

  /// A command line that cannot be understood; nothing has been done.
  func usageError(_ message: String) -> CommandError {
    CommandError(.usage, message, hint: "see docintake \(name) --help")
  }
}

/// What every command gets besides its arguments.
struct Invocation {
  let registry: StageRegistry
  let commands: [CommandSpec]
  let signals: SignalHub
  let results: ResultWriter
  /// Replaced where settings ask for messages in another form.
  var console: Console
  /// Who is told of the end, whatever it is; nil when nobody wants to hear.
  var notifier: Notifier?
  /// Where the numbers of a run go, nil when nobody wants them.
  var metrics: MetricsFile?
}

/// An option of the command line, declared once: reading, help, man page and completion come from it.
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
  /// What a shell offers for its value: by default the choices, or what the placeholder suggests.
  let completion: Completion
  /// Where it may be given besides the command line.
  let place: Place
  /// The option of a stage that it sets, nil where it sets none.
  private(set) var declared: (stage: String, option: OptionDescriptor)?

  enum Place {
    case anywhere
    /// Beside the target that it belongs to: an address or a ledger of one target is wrong for every other.
    case besideTarget
    /// Nowhere: it is about one run.
    case commandLine
  }

  init(
    _ name: String, short: Character? = nil, value: String? = nil, choices: [String] = [],
    isRepeatable: Bool = false, wordCount: Int = 1, default defaultText: String? = nil,
    completion: Completion? = nil, place: Place = .anywhere, help: String
  ) {
    let offered = choices.isEmpty ? Completion(placeholder: value ?? "") : .words(choices)
    self.completion = completion ?? offered
    self.place = place
    self.name = name
    self.short = short
    self.value = value ?? (choices.isEmpty ? nil : choices.joined(separator: "|"))
    self.choices = choices
    self.isRepeatable = isRepeatable
    self.wordCount = self.value == nil ? 0 : wordCount
    self.defaultText = defaultText
    self.help = help
  }

  /// An option of a built-in stage, with the choices, default and help that the stage declares.
  init(
    _ name: String, of stage: String, _ option: String? = nil, value: String? = nil,
    isRepeatable: Bool = false, completion: Completion? = nil, place: Place = .anywhere,
    help: String? = nil
  ) {
    let options = StageRegistry.builtin[stage]?.descriptor.options ?? []
    guard let declared = options.first(where: { $0.name == option ?? name }) else {
      preconditionFailure("the stage \(stage) has no option \(option ?? name)")
    }
    var (choices, text): ([String], String?) = ([], nil)
    if case .choice(let words) = declared.kind { choices = words }
    if case .text(let word) = declared.defaultValue { text = word }
    self.init(
      name, value: value, choices: choices, isRepeatable: isRepeatable, default: text,
      completion: completion, place: place, help: help ?? declared.help)
    self.declared = (stage, declared)
  }

  /// The help text, with the default; that of `--to` starts with the names of the targets.
  func helpText(_ registry: StageRegistry) -> String {
    let names = completion == .targets ? registry.targets.map { $0.name + ", " } : []
    let note = defaultText.map { " [default: \($0)]" } ?? ""
    return names.joined() + help + note + (isRepeatable ? " (repeatable)" : "")
  }

  /// What is wrong with a value of an option that has choices, nil when nothing is.
  func problem(with value: String) -> String? {
    guard !choices.isEmpty, !choices.contains(value) else { return nil }
    return "--\(name) takes \(choices.joined(separator: ", ")), not \(value.quoted(known: choices))"
  }

  /// `-n, --dry-run` or `--endpoint URL`.
  var usage: String {
    (short.map { "-\($0), " } ?? "    ") + "--\(name)" + (value.map { " \($0)" } ?? "")
  }
}
