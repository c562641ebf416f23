import IntakeCore
import IntakeLedger
import IntakeRunner

/// `ledger show --left MANIFEST`: a check of the manifest that leaves out what a run would skip.
enum LedgerLeft {
  static func show(_ manifest: String, _ arguments: Arguments, _ invocation: Invocation)
    async throws -> ExitCode
  {
    guard arguments.positionals.count < 2 else {
      throw CommandError(
        "--left takes one LEDGER; give others with --history", in: arguments.command)
    }
    let path = arguments.positionals.first
    let target = try path.flatMap { path throws(JournalError) in try LedgerReader(path).target() }
    guard arguments.has("to") || target != nil else {
      throw CommandError(
        "--left needs --to TARGET or a LEDGER: they say what customers are known by",
        in: arguments.command)
    }
    var policy = try RunPolicy(arguments)
    policy.mode = .check
    policy.consultsLedger = true
    var session = arguments.defaulting("ledger", to: path)
    if let target, !arguments.has("to") { session = session.aimed(at: target, invocation.registry) }
    session.positionals = [manifest]
    return try await RunSession(session, invocation, policy: policy).run()
  }
}

extension Arguments {
  /// The options that name the target of a ledger, such as `dcams:dcams.app`; nothing is ever sent there.
  fileprivate func aimed(at target: String, _ registry: StageRegistry) -> Arguments {
    guard let (name, host) = target.halves(at: ":") else { return defaulting("to", to: target) }
    let vendor = registry.vendors.first { $0.name == name }
    if host == "sandbox", let emulation = vendor?.emulation {
      return defaulting("to", to: emulation.name)
    }
    let address = host == "loopback" ? "http://127.0.0.1/" : "https://\(host)/"
    return defaulting("to", to: name).defaulting("endpoint", to: address)
  }
}
