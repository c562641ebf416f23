import IntakeCore
import IntakeSandbox
import IntakeSystem

/// The sandbox inside the command: started on a free port, filled with credentials of its own.
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

  /// Points the plan at the sandbox; the credentials travel through a pipe, never through a file or argv.
  func connect(_ editing: inout PlanEditing) throws(CommandError) {
    let isNoah = editing.name(of: "assemble") == "noah"
    editing.set("submit", "endpoint", .text(isNoah ? sandbox.noahEndpoint : sandbox.dcamsEndpoint))
    try EmbeddedSandbox.giveCredentials(to: &editing)
  }

  /// Gives them to a plan for a sandbox that somebody else started, unless it has its own.
  static func giveMissingCredentials(to editing: inout PlanEditing, for name: String?)
    throws(CommandError)
  {
    guard name.flatMap(BuiltinPlan.init)?.isSandbox == true, !editing.wantsSandbox,
      editing.option("submit", "credentials") == nil
    else { return }
    try giveCredentials(to: &editing)
  }

  /// Those that every sandbox takes unless it was told others.
  private static func giveCredentials(to editing: inout PlanEditing) throws(CommandError) {
    let json = #"{"user":"sandbox","pass":"sandbox","apiKey":"apikey_sandbox_docintake"}"#
    guard let descriptor = RawDescriptor.holding(Array(json.utf8)) else {
      throw CommandError(.internalError, "no descriptor is left for a pipe")
    }
    editing.set("submit", "credentials", .text("fd:\(descriptor)"))
  }

  func stop() { sandbox.stop() }
}
