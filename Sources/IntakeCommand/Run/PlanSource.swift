import IntakeCore
import IntakeSystem

enum PlanSource {
  static func plan(_ arguments: Arguments, for registry: StageRegistry) throws -> PipelinePlan {
    guard let name = arguments["to"] else {
      throw CommandError(
        .usage, "--to is missing: it names the target to send the customers to",
        hint: "try --to sandbox, which sends nothing outside this machine")
    }
    if let target = registry.target(named: name) { return target.plan }
    guard name.hasSuffix(".json") || name.contains("/") else {
      let names = registry.targets.map(\.name)
      throw CommandError(
        "--to takes \(names.joined(separator: ", ")) or a plan file, not "
          + name.quoted(known: names), in: arguments.command)
    }
    return try read(name, registry)
  }

  private static func read(_ path: String, _ registry: StageRegistry) throws(CommandError)
    -> PipelinePlan
  {
    do {
      // A plan is a page of text: a file of more than a megabyte is something else.
      var plan = try PipelinePlan(json: Descriptor.open(path).wholeFile(atMost: 1 << 20))
      plan.resolvePaths(in: DurableFile.folder(of: path), for: registry)
      return plan
    } catch {
      let hint = error is PlanError ? nil : "give the path of a plan file"
      throw CommandError(.usage, "\(Sanitizer.clean(path)): \(error)", hint: hint)
    }
  }
}

/// A word that `--to` takes: a vendor, or the sandbox in its place.
struct NamedTarget {
  let name: String
  let vendor: Vendor
  let isSandbox: Bool

  /// The endpoint that stands for the embedded sandbox until it has started and has an address.
  static let sandboxEndpoint = "sandbox"

  /// Every stage that an ordinary run needs; images are read only where the vendor's requests hold them.
  var plan: PipelinePlan {
    let endpoint = isSandbox ? NamedTarget.sandboxEndpoint : vendor.endpoint
    let stages = ["load", "decode", "shrink", "base64", vendor.name].map { PlannedStage($0) }
    let submit = PlannedStage("submit", endpoint.map { ["endpoint": .text($0)] } ?? [:])
    return PipelinePlan(stages + [submit, PlannedStage("record")])
  }
}

extension StageRegistry {
  /// Every vendor in the order of the stages, then the sandbox in the place of each that it emulates.
  var targets: [NamedTarget] {
    vendors.map { NamedTarget(name: $0.name, vendor: $0, isSandbox: false) }
      + vendors.compactMap { vendor in
        vendor.emulation.map { NamedTarget(name: $0.name, vendor: vendor, isSandbox: true) }
      }
  }

  func target(named name: String) -> NamedTarget? { targets.first { $0.name == name } }
}
