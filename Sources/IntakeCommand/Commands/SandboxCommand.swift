import IntakeCore
import IntakeSandbox
import IntakeSystem
import SubmitStage

/// `docintake sandbox`: the local emulator of both APIs, on its own.
enum SandboxCommand {
  static let spec = CommandSpec(
    path: ["sandbox"], summary: "serve a local emulator of the receiving APIs, until a signal",
    options: [
      OptionSpec("port", value: "N", default: "any", help: "port on 127.0.0.1"),
      OptionSpec(
        "credentials", value: "FILE|fd:N|command:\"…\"",
        help: "credentials that are accepted; default: user sandbox, pass sandbox"),
      OptionSpec(
        "fault", value: "SPEC", isRepeatable: true, help: "misbehave on purpose; grammar below"),
      OptionSpec(
        "switch", value: "NAME=VALUE", isRepeatable: true,
        help: "choose between readings of the vendors' pages; names below"),
      OptionSpec("state", value: "DIR", help: "keep what arrives across restarts"),
      RunOptions.logFormat,
    ],
    examples: [
      "docintake sandbox --port 8080",
      "docintake run customers.csv --to sandbox --endpoint http://127.0.0.1:8080/v3/stable/api/storage",
    ],
    notes: [
      """
      Credentials: DCAMS takes user sandbox with pass sandbox, Noah any apiKey that starts with apikey_sandbox_,
      signed or not; --credentials names those that are taken instead. With --endpoint, --to sandbox and
      --to noah-sandbox use the built-in ones unless --credentials names others.
      """,
      limits, Sandbox.faultGrammar,
      "Switches (the first value is the default):\n" + SandboxSwitches.help,
    ]
  ) { arguments, invocation in
    let sandbox = try Sandbox(configuration(arguments))
    try sandbox.start()
    defer { sandbox.stop() }
    invocation.results.writeLine(sandbox.readyLine)
    await invocation.signals.wait()
    return .success
  }

  private static let limits = """
    It keeps \(SandboxConfiguration().kept) in memory.
    Beyond that it refuses further customers with 503, and the oldest images give way: DCAMS answers 410 for
    them, and their page says so. With --state DIR, images stay on disk. The sandbox inside `run --to sandbox`
    keeps \(SandboxConfiguration.embedded.kept).
    """

  private static func configuration(_ arguments: Arguments) throws -> SandboxConfiguration {
    var configuration = SandboxConfiguration()
    configuration.port = try arguments.integer("port", in: 0...65_535).map { UInt16($0) } ?? 0
    for text in arguments.all("fault") { configuration.faults.append(try Fault(text)) }
    for text in arguments.all("switch") { try configuration.switches.set(text) }
    configuration.stateDirectory = arguments["state"]
    if let source = arguments["credentials"] {
      configuration.adopt(try CredentialsSource(source).read())
    }
    return configuration
  }
}
