import IntakeCore
import IntakeSystem

/// What stands for options that weren't typed: the environment, the project's file and the user's own.
///
/// Strongest first: environment, the chosen profile, the rest of a file; the project's file before the user's.
struct Configuration {
  static let options = [
    OptionSpec(
      "profile", value: "NAME", completion: .profiles, place: .commandLine,
      help: "the settings of a profile come first; default: the one that a file names"),
    OptionSpec(
      "config", value: "FILE|none", place: .commandLine,
      help:
        "the only file of settings; default: the project's .docintake.json, then the user's own"),
  ]

  /// Settings that belong together, strongest first.
  private let groups: [[Setting]]
  /// About variables that look like settings but aren't.
  private let warnings: [String]

  /// Reads the settings for a command; the project's file is in `folder` or above it.
  init(_ arguments: Arguments, near folder: String, _ commands: [CommandSpec])
    throws(CommandError)
  {
    let known = Configuration.known(commands)
    var environment: [Setting] = []
    for option in known {
      if let setting = try option.fromEnvironment() { environment.append(setting) }
    }
    try environment.check()
    warnings = Configuration.misspelt(known)
    let files = try Configuration.files(arguments["config"], near: folder, known)
    let wanted = arguments["profile"] ?? Terminal.environment("DOCINTAKE_PROFILE")
    let profile = wanted ?? files.lazy.compactMap(\.profile).first
    let chosen = files.flatMap(\.profiles).filter { $0.name == profile }.map(\.settings)
    if let profile, chosen.isEmpty {
      let names = files.flatMap(\.profiles).map(\.name)
      let places = files.map { Sanitizer.clean($0.path) }.joined(separator: " and ")
      throw CommandError(
        .usage, "there is no profile \(profile.quoted(known: names))",
        hint: files.isEmpty
          ? "no file of settings was found; see docintake help configuration"
          : "\(places) \(files.count == 1 ? "has" : "have") \(names.isEmpty ? "none" : names.joined(separator: ", "))"
      )
    }
    groups = [environment] + chosen + files.map(\.general)
  }

  /// The options that a command takes by the names of settings; a name means what it means in `run`.
  private static func known(_ commands: [CommandSpec]) -> [OptionSpec] {
    commands.filter(\.takesSettings).flatMap(\.options).filter { $0.wordCount < 2 }
      .unique(by: \.name)
  }

  /// The settings for the target that the command line names, strongest first.
  func settings(for typed: String?) -> [Setting] {
    let target = typed ?? groups.lazy.compactMap(\.target).first
    return groups.flatMap { $0.applying(to: target) }
  }

  /// The arguments with the settings that the command takes; reports which these are.
  func applied(to arguments: Arguments, _ console: Console) -> Arguments {
    var result = arguments
    let used = settings(for: arguments["to"]).filter { setting in
      let own = arguments.command.options.first { $0.name == setting.option.name }
      guard let own, own.value == setting.option.value else { return false }
      return result.adopt(setting)
    }
    guard !result.has("quiet") else { return result }
    for warning in warnings { console.log(.warning, warning) }
    // A line number each would be too much; `config show` has them.
    let sources = used.map(\.sourceText).unique(by: \.self).map { source in
      used.filter { $0.sourceText == source }.map(\.option.name).joined(separator: ", ")
        + " from " + source
    }
    if !used.isEmpty { console.log(.notice, "settings: " + sources.joined(separator: "; ")) }
    return result
  }
}

// Where settings are looked for.
extension Configuration {
  private static func files(_ given: String?, near folder: String, _ known: [OptionSpec])
    throws(CommandError) -> [ConfigurationFile]
  {
    let named = given ?? Terminal.environment("DOCINTAKE_CONFIG")
    guard named != "none" else { return [] }
    if let named { return [try ConfigurationFile(named, isFound: false, known: known)] }
    var files: [ConfigurationFile] = []
    for (path, isFound) in [(projectFile(near: folder), true), (userFile, false)] {
      guard let path, DurableFile.exists(path) else { continue }
      files.append(try ConfigurationFile(path, isFound: isFound, known: known))
    }
    return files
  }

  /// `.docintake.json` in a folder, else in one above it.
  ///
  /// The search ends below a folder that others may write to: a file in `/tmp` may be anybody's.
  private static func projectFile(near folder: String) -> String? {
    var place = LedgerPlace.absolute(folder)
    while place.hasPrefix("/") {
      let path = (place == "/" ? "" : place) + "/.docintake.json"
      if DurableFile.exists(path) { return path }
      guard place != "/" else { return nil }
      place = DurableFile.folder(of: place)
      if ProgramTrust.isOpenToOthers(place) { return nil }
    }
    return nil
  }

  private static var userFile: String? {
    Terminal.ownFolder("XDG_CONFIG_HOME", below: ".config").map { $0 + "/config.json" }
  }

  /// Warnings about variables whose names are nearly those of settings.
  private static func misspelt(_ known: [OptionSpec]) -> [String] {
    let names = (known.filter { $0.place != .commandLine } + options).map(\.variable)
    return ProcessSetup.variableNames.filter { $0.hasPrefix(OptionSpec.prefix) }.sorted()
      .filter { !names.contains($0) }.compactMap { name in
        // Only what follows the common prefix is compared.
        let ends = names.map { String($0.dropFirst(OptionSpec.prefix.count)) }
        return NearestName.of(String(name.dropFirst(OptionSpec.prefix.count)), among: ends).map {
          "the environment has \(name.quoted()), which is no setting: did you mean \(OptionSpec.prefix)\($0)?"
        }
      }
  }

  /// Every profile with its file, for shells.
  static func profiles(near folder: String, _ commands: [CommandSpec]) -> [(String, String)] {
    let files = (try? files(nil, near: folder, known(commands))) ?? []
    return files.flatMap { file in file.profiles.map { ($0.name, file.path) } }.unique(by: \.0)
  }
}

extension OptionSpec {
  fileprivate static let prefix = "DOCINTAKE_"

  /// `DOCINTAKE_WAIT_FOR_TARGET`.
  fileprivate var variable: String {
    OptionSpec.prefix + name.uppercased().replacing("-", with: "_")
  }

  /// The value in the environment; a repeatable option has one on each line.
  fileprivate func fromEnvironment() throws(CommandError) -> Setting? {
    guard let text = Terminal.environment(variable) else { return nil }
    guard place != .commandLine else {
      // If it were ignored, DOCINTAKE_DRY_RUN would send.
      throw CommandError(
        .usage, "\(variable): --\(name) is about one run: say it on the command line")
    }
    guard value != nil else {
      let words = ["true": [""], "1": [""], "false": [], "0": []]
      guard let values = words[text.lowercased()] else {
        throw CommandError(.usage, "\(variable) takes true or false, not \(text.quoted())")
      }
      return Setting(option: self, values: values, source: variable)
    }
    let values = isRepeatable ? text.split(separator: "\n").map(String.init) : [text]
    for text in values { try check(text, variable) }
    return Setting(option: self, values: values, source: variable)
  }
}

/// `docintake config show`: every setting with its origin.
enum ConfigCommand {
  static let spec = CommandSpec(
    path: ["config", "show"], summary: "print every setting that counts here, with its origin",
    arguments: "[MANIFEST]", argumentCount: 0...1,
    options: Configuration.options + [RunOptions.json],
    examples: [
      "docintake config show customers.csv --profile prod",
      "docintake config show --json | jq -c 'select(.origin!=\"default\")'",
    ],
    notes: [
      "The project's file is looked for from the manifest's folder on, without one from this folder on.\n"
        + "docintake help configuration explains the files."
    ]
  ) { arguments, invocation in
    let folder = Configuration.folder(arguments.positionals.first)
    let configuration = try Configuration(arguments, near: folder, invocation.commands)
    let lines = configuration.lines(invocation.commands)
    let width = lines.map(\.name.count).max() ?? 0
    for line in lines {
      invocation.results.writeLine(
        [("name", line.name), ("value", line.value), ("origin", line.origin)],
        or: "\(line.name.padded(to: width))  \(Sanitizer.clean(line.value))  (\(line.origin))",
        isJSON: arguments.has("json"))
    }
    return .success
  }
}

extension Configuration {
  /// The folder of a manifest, where the search for the project's file begins.
  static func folder(_ manifest: String?) -> String {
    guard let manifest, manifest != "-" else { return "." }
    return Descriptor.kind(of: manifest) == .folder ? manifest : DurableFile.folder(of: manifest)
  }

  /// Each setting that has a value, in the order of help; the values of a repeatable one in the order in which they
  /// are used.
  fileprivate func lines(_ commands: [CommandSpec])
    -> [(name: String, value: String, origin: String)]
  {
    let settings = settings(for: nil)
    return Configuration.known(commands).filter { $0.place != .commandLine }.flatMap { option in
      let given = settings.filter { $0.option.name == option.name }
      guard !given.isEmpty else {
        return option.defaultText.map { [(option.name, $0, "default")] } ?? []
      }
      let shown = option.isRepeatable ? given.reversed() : [given[0]]
      return shown.flatMap { setting in
        let values =
          option.value == nil ? [setting.values.isEmpty ? "false" : "true"] : setting.values
        return values.map { (option.name, $0, setting.origin) }
      }
    }
  }
}
