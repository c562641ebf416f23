import IntakeCore
import IntakeSandbox
import IntakeSystem

/// The sandbox inside the command: started on a free port, with credentials of its own.
struct EmbeddedSandbox {
  private let sandbox: Sandbox

  init() throws(CommandError) {
    do {
      sandbox = try Sandbox(EmbeddedSandbox.configuration)
      try sandbox.start()
    } catch {
      throw CommandError(.usage, "the embedded sandbox cannot start: \(error)")
    }
  }

  /// Keeps 16 MB of images and 1,000 customers whole, so that a long batch needs hardly more memory than a short one.
  private static var configuration: SandboxConfiguration {
    var configuration = SandboxConfiguration()
    configuration.keptCustomers = 5_000_000
    configuration.wholeCustomers = 1000
    // A row asks for an address and uses it at once; 256 rows at most are on their way.
    configuration.keptUploadAddresses = 1000
    configuration.keptRequests = 1000
    configuration.keptImageBytes = 16 << 20
    return configuration
  }

  var address: String { sandbox.address }

  /// Points the plan at the sandbox; a stage without a vendor, such as `template`, gets the first vendor's path.
  func connect(_ editing: inout PlanEditing) throws(CommandError) {
    let emulations = editing.registry.vendors.compactMap(\.emulation)
    guard let emulation = editing.vendor == nil ? emulations.first : editing.vendor?.emulation
    else {
      throw CommandError(
        .usage, "the sandbox doesn't emulate \(editing.name(of: "assemble") ?? "this target")",
        hint: "give --endpoint with the address of the target, or of a test server")
    }
    editing.set("submit", "endpoint", .text(address + emulation.path))
    try EmbeddedSandbox.giveCredentials(to: &editing)
  }

  /// Gives the built-in credentials to a plan for a sandbox that runs elsewhere, unless it has others.
  static func giveMissingCredentials(to editing: inout PlanEditing, for name: String?)
    throws(CommandError)
  {
    guard name.flatMap(editing.registry.target)?.isSandbox == true, !editing.wantsSandbox,
      editing.option("submit", "credentials") == nil
    else { return }
    try giveCredentials(to: &editing)
  }

  /// Those that every sandbox accepts, through a pipe: never through a file or argv.
  private static func giveCredentials(to editing: inout PlanEditing) throws(CommandError) {
    let secrets = editing.registry.vendors.compactMap(\.emulation).flatMap(\.credentials)
    let fields = Dictionary(secrets.map { ($0.key, $0.value) }) { first, _ in first }
    let json = JSONOutput.object(fields.sorted { $0.key < $1.key }.map { ($0, .string($1)) }).text
    guard let descriptor = RawDescriptor.holding(Array(json.utf8)) else {
      throw CommandError(.internalError, "no descriptor is left for a pipe")
    }
    editing.set("submit", "credentials", .text("fd:\(descriptor)"))
  }

  func stop() { sandbox.stop() }
}
