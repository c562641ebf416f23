import IntakeCore
import IntakeSystem

/// Finds the plan that `--to` names.
enum PlanSource {
  static func plan(_ arguments: Arguments, for registry: StageRegistry) throws -> PipelinePlan {
    guard let name = arguments["to"] else {
      throw UsageError(
        "--to is missing: where are the customers to be sent?",
        hint: "try --to sandbox, which sends nothing outside this machine")
    }
    if let builtin = BuiltinPlan(rawValue: name) { return builtin.plan }
    guard name.hasSuffix(".json") || name.contains("/") else {
      throw UsageError(
        "--to takes \(BuiltinPlan.names.joined(separator: ", ")) or a plan file, not "
          + "\"\(Sanitizer.clean(name, limit: 60))\""
          + NearestName.suggestion(for: name, among: BuiltinPlan.names),
        command: arguments.command)
    }
    return try read(name, registry)
  }

  private static func read(_ path: String, _ registry: StageRegistry) throws(CommandError)
    -> PipelinePlan
  {
    let shown = Sanitizer.clean(path)
    do {
      // A plan is a page of text; a megabyte is somebody's mistake.
      var plan = try PipelinePlan(json: Descriptor.open(path).wholeFile(atMost: 1 << 20))
      plan.resolvePaths(in: DurableFile.folder(of: path), for: registry)
      return plan
    } catch let error as PlanError {
      throw CommandError(.usage, "\(shown): \(error)")
    } catch {
      throw CommandError(.usage, "\(shown): \(error)", hint: "give the path of a plan file")
    }
  }
}

/// The plans that come with the program.
enum BuiltinPlan: String, CaseIterable {
  case dcams, noah, sandbox
  case noahSandbox = "noah-sandbox"

  static let names = allCases.map(\.rawValue)

  /// Whether it goes to the emulator.
  var isSandbox: Bool { self == .sandbox || self == .noahSandbox }

  /// The addresses that the vendors document.
  private var endpoint: String {
    switch self {
    case .dcams: return "https://dcams.app/v3/stable/api/storage"
    case .noah: return "https://api.noah.com/v1"
    case .sandbox, .noahSandbox: return PlanEditing.sandboxEndpoint
    }
  }

  var plan: PipelinePlan {
    let assembler: String
    switch self {
    case .dcams, .sandbox: assembler = "dcams"
    // No image is read unless `noah.documents` says that they are uploaded.
    case .noah, .noahSandbox: assembler = "noah"
    }
    let stages = ["load", "decode", "shrink", "base64", assembler].map { PlannedStage($0) }
    let submit = PlannedStage("submit", ["endpoint": .text(endpoint)])
    return PipelinePlan(stages + [submit, PlannedStage("record")])
  }
}
