public import IntakeCore
import IntakeCrypto
import IntakeImaging
import IntakeSystem
import IntakeTransport

/// The command line as a library: a third party's program is `IntakeCommand.main(.builtin.adding(…))`.
public enum IntakeCommand {
  /// Runs the command that the process was started with, and exits.
  ///
  /// The calling thread waits for signals from then on, so call it from `main.swift` and nowhere else.
  public static func main(_ registry: StageRegistry) -> Never {
    if let parent = DecoderWorker.parent(of: CommandLine.arguments) {
      DecoderWorker.run(for: parent)
    }
    ProcessSetup.harden()
    let signals = SignalHub()
    let results = ResultWriter()
    let words = Array(CommandLine.arguments.dropFirst())
    Task.detached {
      let code = await run(words, registry: registry, signals: signals, results: results)
      ProcessSetup.exit(with: code.rawValue)
    }
    signals.waitForever()
  }

  /// Finds the command, reads its arguments and runs it; errors become messages and exit codes here only.
  static func run(
    _ words: [String], registry: StageRegistry, signals: SignalHub, results: ResultWriter
  ) async -> ExitCode {
    var invocation = Invocation(
      registry: registry, commands: CommandTable.commands(registry), signals: signals,
      results: results,
      console: Console(format: Console.format(in: words), statusLine: results.statusLine))
    do {
      let code = try await dispatch(words, &invocation)
      if code == .success { try results.checkSpace() }
      return code
    } catch {
      let error = CommandError(error)
      invocation.console.error(error.message, hint: error.hint(after: words))
      invocation.metrics?.end(with: error.code)
      invocation.notifier?.run(error, console: invocation.console)
      return error.code
    }
  }

  private static func dispatch(_ words: [String], _ invocation: inout Invocation) async throws
    -> ExitCode
  {
    let found = try CommandTable.find(words, for: invocation)
    guard let (command, rest) = found else { return .success }
    var arguments = try Arguments(rest, for: command)
    if arguments.has("help") {
      invocation.results.writeText(HelpText.page(command, invocation.registry))
      return .success
    }
    if command.takesSettings { arguments = try settled(arguments, &invocation) }
    invocation.notifier = try arguments["notify"].map(Notifier.init)
    invocation.metrics = try arguments["metrics"].map { [console = invocation.console] in
      try MetricsFile($0, console: console)
    }
    return try await command.run(arguments, invocation)
  }

  /// The arguments with what files of settings and the environment add.
  private static func settled(_ arguments: Arguments, _ invocation: inout Invocation)
    throws(CommandError) -> Arguments
  {
    let isManifest = arguments.command.arguments == "MANIFEST"
    let manifest =
      isManifest ? arguments.positionals.first : arguments["manifest"] ?? arguments["left"]
    func console(_ format: String?) -> Console {
      Console(format: format, statusLine: invocation.results.statusLine, isTimed: true)
    }
    invocation.console = console(arguments["log-format"])
    let configuration = try Configuration(
      arguments, near: Configuration.folder(manifest), invocation.commands)
    let format = configuration.settings(for: arguments["to"])
      .first { $0.option.name == "log-format" }?.values.first
    if let format, !arguments.has("log-format") { invocation.console = console(format) }
    return configuration.applied(to: arguments, invocation.console)
  }
}

/// Every command, in the order of help.
enum CommandTable {
  static func commands(_ registry: StageRegistry) -> [CommandSpec] {
    [
      RunCommand.spec, CheckCommand.spec(registry), HistoryCommand.spec, ReconcileCommand.spec,
      ReportCommand.spec,
    ]
      + CustomerCommands.all(registry) + LedgerCommands.all + [
        ConfigCommand.spec, StagesCommands.list, StagesCommands.show, StageAuthorCommands.new,
        StageAuthorCommands.check, StagesCommands.reference, SandboxCommand.spec,
        CompletionCommand.spec, ManualCommand.spec, InstallCommand.spec, VersionCommand.spec,
      ]
  }

  /// The command that the words name, with the words after it; nil when help was asked for and given.
  static func find(_ words: [String], for invocation: Invocation) throws(CommandError) -> (
    CommandSpec, [String]
  )? {
    let (commands, results) = (invocation.commands, invocation.results)
    guard let first = words.first else {
      throw CommandError(.usage, "no command was given", hint: "see docintake --help")
    }
    if ["--help", "-h", "help"].contains(first) {
      // `help run` is `run --help`.
      let named = words.dropFirst().filter { !$0.hasPrefix("-") }
      guard let word = named.first else {
        results.writeText(HelpText.overview(commands))
        return nil
      }
      guard let topic = HelpTopic(rawValue: word) else {
        return try find(named + ["--help"], for: invocation)
      }
      results.writeText(ProgramName.applied(to: topic.text(invocation.registry)) + "\n")
      return nil
    }
    if ["--version", "-V"].contains(first) {
      return (VersionCommand.spec, Array(words.dropFirst()))
    }
    if let command = commands.first(where: { words.starts(with: $0.path) }) {
      return (command, Array(words.dropFirst(command.path.count)))
    }
    let group = commands.filter { $0.path.count > 1 && $0.path[0] == first }
    guard !group.isEmpty else {
      let topics = words.last == "--help" ? HelpTopic.allCases.map(\.rawValue) : []
      throw unknown(first, among: Set(commands.map { $0.path[0] }).sorted() + topics)
    }
    guard words.count > 1, !["--help", "-h"].contains(words[1]) else {
      results.writeText(HelpText.group(first, group))
      return nil
    }
    throw unknown(words[1], of: first + " ", among: group.map { $0.path[1] })
  }

  private static func unknown(_ word: String, of group: String = "", among known: [String])
    -> CommandError
  {
    CommandError(
      .usage,
      "unknown command \"\(group)\(Sanitizer.clean(word, limit: 40))\""
        + NearestName.suggestion(for: word, among: known), hint: "see docintake \(group)--help")
  }
}

/// `docintake version`: the program and the libraries that decide what it can do.
enum VersionCommand {
  static let spec = CommandSpec(
    path: ["version"], summary: "print the versions of the program and of its C libraries",
    options: [RunOptions.json]
  ) { arguments, invocation in
    // libcurl reports its name, its version and its own libraries in one text.
    let libcurl = ("libcurl", String(HTTPLibrary.version.trimmingPrefix("libcurl/")))
    let versions =
      [("docintake", ProductVersion.number)] + ImagingLibraries.versions
      + [
        libcurl, ("libcrypto", CryptoLibrary.version),
        ("isolation", DecoderPool.isAvailable ? Isolation.inForce : "unavailable"),
      ]
    if arguments.has("json") {
      invocation.results.writeLine(versions.map { ($0, $1) })
    } else {
      for (name, version) in versions { invocation.results.writeLine("\(name) \(version)") }
    }
    return .success
  }
}
