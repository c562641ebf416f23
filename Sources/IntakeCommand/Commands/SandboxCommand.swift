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
        "fault", value: "SPEC", isRepeatable: true, completion: .words(Sandbox.faultNames),
        help: "misbehave on purpose; grammar below"),
      OptionSpec(
        "switch", value: "NAME=VALUE", isRepeatable: true,
        completion: .words(SandboxSwitches.words),
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
      configuration.adopt(try CredentialsSource.read(source))
    }
    return configuration
  }
}

extension SandboxConfiguration {
  /// The sandbox inside the command: 16 MiB of images and 1,000 whole customers, so that a long batch needs hardly
  /// more memory than a short one.
  static var embedded: SandboxConfiguration {
    var configuration = SandboxConfiguration()
    configuration.keptCustomers = 5_000_000
    configuration.wholeCustomers = 1000
    // A row uses the address that it asks for at once, and at most 256 rows are in flight.
    configuration.keptUploadAddresses = 1000
    configuration.keptRequests = 1000
    configuration.keptImageBytes = 16 << 20
    return configuration
  }
}

extension Sandbox {
  /// Starts the sandbox inside the command, on a free port.
  static func embedded() throws(CommandError) -> Sandbox {
    try CommandError.naming("the embedded sandbox cannot start") {
      let sandbox = try Sandbox(.embedded)
      try sandbox.start()
      return sandbox
    }
  }
}

extension PlanEditing {
  /// Points the plan at a sandbox; a stage without a vendor, such as `template`, gets the first vendor's path.
  mutating func connect(to sandbox: Sandbox) throws(CommandError) {
    let emulations = registry.vendors.compactMap(\.emulation)
    guard let emulation = vendor == nil ? emulations.first : vendor?.emulation else {
      throw CommandError(
        .usage, "the sandbox doesn't emulate \(name(of: "assemble") ?? "this target")",
        hint: "give --endpoint with the address of the target, or of a test server")
    }
    set("submit", "endpoint", .text(sandbox.address + emulation.path))
    try useSandboxCredentials()
  }

  /// Gives the built-in credentials to a plan for a sandbox that runs elsewhere, unless it has others.
  mutating func completeCredentials(for target: String?) throws(CommandError) {
    guard target.flatMap(registry.target)?.isSandbox == true, !wantsSandbox,
      option("submit", "credentials") == nil
    else { return }
    try useSandboxCredentials()
  }

  /// Passes the credentials that every sandbox accepts through a pipe, never through a file or argv.
  private mutating func useSandboxCredentials() throws(CommandError) {
    let secrets = registry.vendors.compactMap(\.emulation).flatMap(\.credentials)
    let fields = Dictionary(secrets.map { ($0.key, $0.value) }) { first, _ in first }
    guard let descriptor = RawDescriptor.holding(Array(fields.json.text.utf8)) else {
      throw CommandError(.internalError, "no descriptor is left for a pipe")
    }
    set("submit", "credentials", .text("fd:\(descriptor)"))
  }
}
