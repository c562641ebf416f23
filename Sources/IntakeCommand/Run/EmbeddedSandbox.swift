import IntakeCore
import IntakeSandbox
import IntakeSystem

extension SandboxConfiguration {
  /// The sandbox inside the command: 16 MiB of images and 1,000 whole customers, so that a long batch needs hardly
  /// more memory than a short one.
  static var embedded: SandboxConfiguration {
    var configuration = SandboxConfiguration()
    configuration.keptCustomers = 5_000_000
    configuration.wholeCustomers = 1000
    // A row asks for an address and uses it at once; 256 rows at most are on their way.
    configuration.keptUploadAddresses = 1000
    configuration.keptRequests = 1000
    configuration.keptImageBytes = 16 << 20
    return configuration
  }
}

extension Sandbox {
  /// Starts the sandbox inside the command, on a free port.
  static func embedded() throws(CommandError) -> Sandbox {
    do {
      let sandbox = try Sandbox(.embedded)
      try sandbox.start()
      return sandbox
    } catch {
      throw CommandError(.usage, "the embedded sandbox cannot start: \(error)")
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

  /// Those that every sandbox accepts, through a pipe: never through a file or argv.
  private mutating func useSandboxCredentials() throws(CommandError) {
    let secrets = registry.vendors.compactMap(\.emulation).flatMap(\.credentials)
    let fields = Dictionary(secrets.map { ($0.key, $0.value) }) { first, _ in first }
    guard let descriptor = RawDescriptor.holding(Array(fields.json.text.utf8)) else {
      throw CommandError(.internalError, "no descriptor is left for a pipe")
    }
    set("submit", "credentials", .text("fd:\(descriptor)"))
  }
}
