import IntakeCore

/// `docintake completion`: scripts for shells, and the answers to what they ask while somebody types.
///
/// A script asks the program, so that the three shells offer the same: what commands and stages declare, a third
/// party's among them, and the ledgers and profiles that exist now.
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
      throw arguments.usageError("completion takes bash, zsh or fish")
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

/// What a shell offers for a word of the command line.
enum Completion: Equatable {
  case nothing
  case files
  case folders
  case words([String])
  /// The ledgers of the state directory, or a file.
  case ledgers
  /// The targets that `--to` takes by name, or a file.
  case targets
  case operations
  /// The profiles of the files that count in this folder.
  case profiles
  case stages
  /// `after:STAGE` and `before:STAGE`; the new stage is the next word.
  case places
  /// `STAGE.OPTION=`, and the value where there are only a few.
  case stageOptions

  /// What a placeholder says: `FILE.csv` is a file, `DIR` a folder, `NAME` may be anything.
  init(placeholder: String) {
    switch placeholder.drop(while: { $0 == "[" }).prefix(while: \.isUppercase) {
    case "FILE", "PATH", "MANIFEST", "OUT", "PROGRAM": self = .files
    case "DIR": self = .folders
    case "LEDGER": self = .ledgers
    case "TARGET": self = .targets
    default: self = .nothing
    }
  }
}

/// What fits at the end of a half-typed command line: the answer of `docintake completion`.
struct Offers {
  private let typed: String
  private let commands: [CommandSpec]
  private let registry: StageRegistry
  /// What stands before a value in the same word: `--to=`.
  private var lead = ""
  private(set) var words: [(word: String, help: String)] = []
  /// Which names of the file system fit as well: `files` or `folders`.
  private(set) var names: String?

  /// Finds what fits in the place of the last word, which may be empty or half typed.
  init(for line: [String], _ commands: [CommandSpec], _ registry: StageRegistry) {
    (typed, self.commands, self.registry) = (line.last ?? "", commands, registry)
    let before = Array(line.dropLast())
    if ["help", "man"].contains(before.first) {
      offerPages(behind: before.dropFirst())
    } else if let command = commands.first(where: { before.starts(with: $0.path) }) {
      offer(in: command, behind: before.dropFirst(command.path.count))
    } else {
      offerPages(behind: before[...], isHelp: false)
    }
    words = words.filter { $0.word.hasPrefix(typed) }
  }

  /// A line for each word, with its description after a tab; last, after a colon, the kind of names that fit as well.
  var text: String {
    words.map { "\($0.word)\t\($0.help)\n" }.joined() + (names.map { ":\($0)\n" } ?? "")
  }

  /// The next word of the commands that begin with these.
  private mutating func offerPages(behind path: ArraySlice<String>, isHelp: Bool = true) {
    let fitting = commands.filter { $0.path.count > path.count && $0.path.starts(with: path) }
    words = fitting.unique { $0.path[path.count] }.map { command in
      let word = command.path[path.count]
      let group = fitting.filter { $0.path[path.count] == word }.map {
        $0.path.dropFirst(path.count + 1)
      }
      return (
        word,
        group.first?.isEmpty == true ? command.summary : group.joined().joined(separator: ", ")
      )
    }
    guard path.isEmpty else { return }
    words += HelpTopic.allCases.filter { _ in isHelp }.map { ($0.rawValue, $0.summary) }
    if !isHelp {
      words += [
        ("help", "show the help of a command or about a topic"),
        ("--help", "list the commands"), ("--version", VersionCommand.spec.summary),
      ]
    }
  }

  /// What fits in a command, after its words and those that were typed since.
  private mutating func offer(in command: CommandSpec, behind before: ArraySlice<String>) {
    var rest = before
    var given: Set<String> = []
    var count = 0
    while let word = rest.popFirst() {
      if word == "--" { return offerArgument(of: command, count + rest.count) }
      guard word.hasPrefix("-"), word != "-" else {
        count += 1
        continue
      }
      guard let option = option(word, of: command) else { continue }
      given.insert(option.name)
      let taken = word.hasPrefix("--") && word.contains("=") ? 1 : 0
      let missing = max(0, option.wordCount - taken)
      guard rest.count >= missing else { return offerValue(of: option, at: taken + rest.count) }
      rest = rest.dropFirst(missing)
    }
    if typed.hasPrefix("--"), let (name, _) = typed.halves(at: "=") {
      guard let option = option(name, of: command) else { return }
      lead = name + "="
      return offerValue(of: option, at: 0)
    }
    guard !typed.hasPrefix("-") else { return offerOptions(of: command, given) }
    offerArgument(of: command, count)
    if words.isEmpty, names == nil { offerOptions(of: command, given) }
  }

  private func option(_ word: String, of command: CommandSpec) -> OptionSpec? {
    let name = word.halves(at: "=")?.0 ?? word
    return command.allOptions.first {
      name.hasPrefix("--") ? name == "--" + $0.name : $0.short == name.last && $0.value != nil
    }
  }

  private mutating func offerOptions(of command: CommandSpec, _ given: Set<String>) {
    words = command.allOptions.filter { $0.isRepeatable || !given.contains($0.name) }
      .map { ("--" + $0.name, $0.helpText(registry)) }
  }

  private mutating func offerArgument(of command: CommandSpec, _ index: Int) {
    guard index < command.argumentCount.upperBound else { return }
    offer(command.completion ?? Completion(placeholder: command.arguments))
  }

  /// The second word of `--insert` and `--replace` begins with the name of the new stage.
  private mutating func offerValue(of option: OptionSpec, at index: Int) {
    offer(index == 0 ? option.completion : .stages)
  }

  private mutating func offer(_ completion: Completion) {
    switch completion {
    case .nothing: break
    case .files: names = "files"
    case .folders: names = "folders"
    case .words(let list): words = list.map { ($0, "") }
    case .ledgers:
      words = ((try? LedgerPlace.all()) ?? []).map { ($0, "a ledger of the state directory") }
      names = "files"
    case .targets:
      words = registry.targets.map { target in
        let summary = registry[target.vendor.name]?.descriptor.summary ?? ""
        return (
          target.name, target.isSandbox ? "the local emulator of \(target.vendor.name)" : summary
        )
      }
      names = "files"
    case .operations:
      words = registry.entries.flatMap { entry in
        entry.descriptor.options.filter { $0.name == "operation" }
          .flatMap { $0.kind.words.map { ($0, entry.descriptor.name) } }
      }
    case .profiles:
      words = Configuration.profiles(near: ".", commands).map { ($0, "a profile in \($1)") }
    case .stages: words = registry.entries.map { ($0.descriptor.name, $0.descriptor.summary) }
    case .places:
      words = registry.names.flatMap { [("after:" + $0, ""), ("before:" + $0, "")] }
    case .stageOptions: words = stageOptions
    }
    words = words.map { (lead + $0.word, $0.help) }
  }

  /// `shrink.edge=`; behind the equals sign the values, where the option has a few.
  private var stageOptions: [(word: String, help: String)] {
    registry.entries.flatMap { entry in
      entry.descriptor.options.flatMap { option in
        let name = "\(entry.descriptor.name).\(option.name)="
        guard typed.hasPrefix(lead + name) else { return [(name, option.help)] }
        return option.kind.words.map { (name + $0, "") }
      }
    }
  }
}

extension OptionKind {
  /// The values, where there are only a few.
  fileprivate var words: [String] {
    switch self {
    case .choice(let words): words
    case .flag: ["true", "false"]
    default: []
    }
  }
}
