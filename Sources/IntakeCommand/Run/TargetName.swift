import IntakeCore

/// What a ledger is bound to: the vendor, where it is, and the operation.
struct TargetName: Sendable {
  /// `dcams`, `noah`, `sandbox`: part of the ledger's default name.
  let short: String
  /// `dcams:dcams.app`: what the ledger refuses to be mixed up with.
  let full: String
  /// The operation as the vendor spells it; part of every row's key.
  let operation: String

  init(_ editing: PlanEditing, isSandbox: Bool) {
    let vendor = editing.name(of: "assemble") ?? "target"
    short = isSandbox ? (vendor == "dcams" ? "sandbox" : vendor + "-sandbox") : vendor
    let host = isSandbox ? "sandbox" : TargetName.host(editing.option("submit", "endpoint") ?? "")
    full = "\(vendor):\(host)"
    operation = editing.option("assemble", "operation") ?? editing.defaultOperation ?? vendor
  }

  /// The host of an address; every loopback address counts as one, for test servers change ports.
  private static func host(_ endpoint: String) -> String {
    guard let start = endpoint.firstRange(of: "://")?.upperBound else { return "unknown" }
    let authority = endpoint[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let host =
      authority.hasPrefix("[")
      ? String(authority.prefix { $0 != "]" }) + "]" : String(authority.prefix { $0 != ":" })
    let isLoopback = host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
    return isLoopback ? "loopback" : host.lowercased()
  }
}
