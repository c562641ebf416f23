import IntakeCore
import IntakeCrypto
import IntakeSystem

/// The plan that `--to` names, with what the other options of the command line change in it.
struct PlanEditing {
  private(set) var plan: PipelinePlan
  let registry: StageRegistry
  /// The command, for messages about its options.
  private let command: CommandSpec

  init(_ arguments: Arguments, _ registry: StageRegistry) throws {
    plan = try PlanEditing.plan(arguments, registry)
    self.registry = registry
    command = arguments.command
    try changeStages(arguments)
    if let manifest = arguments.positionals.first { set("load", "manifest", .text(manifest)) }
    if let operation = arguments["operation"] { set("assemble", "operation", .text(operation)) }
    for spec in RunOptions.stageOptions where arguments.has(spec.name) {
      guard let (stage, option) = spec.declared else { continue }
      set(stage, option.name, try value(option.kind, of: spec, arguments))
    }
    if command.path == ["check"], declares("load", "unused-files") {
      set("load", "unused-files", .flag(!arguments.has("hide-paths")))
    }
    for text in arguments.all("set") { try setOption(text) }
  }

  /// Sets an option of the stage that has this name or fills this role.
  mutating func set(_ role: String, _ option: String, _ value: OptionValue) {
    guard let index = index(of: role) else { return }
    plan.stages[index].set(option, to: value)
  }

  private func value(_ kind: OptionKind, of spec: OptionSpec, _ arguments: Arguments)
    throws(CommandError) -> OptionValue
  {
    let words = arguments.all(spec.name)
    switch kind {
    case .flag: return .flag(true)
    case .list where spec.isRepeatable: return .list(words)
    case .table:
      var table: [String: String] = [:]
      for word in words {
        guard let (name, text) = word.halves(at: "="), !name.isEmpty, !text.isEmpty else {
          throw command.usageError("--\(spec.name) takes \(spec.value ?? "NAME=VALUE")")
        }
        table[name] = text
      }
      return .table(table)
    default: return .text(words.last ?? "")
    }
  }

  private mutating func setOption(_ text: String) throws(CommandError) {
    guard let (place, value) = text.halves(at: "="), let (stage, option) = place.halves(at: "."),
      !stage.isEmpty, !option.isEmpty
    else {
      throw command.usageError("--set takes STAGE.OPTION=VALUE, not \(text.quoted())")
    }
    let index = try self.place(of: stage, "--set")
    put(value, in: option, of: &plan.stages[index])
  }

  /// Sets an option, or one name of an option that is a table: `options.radius`.
  private func put(_ value: String, in name: String, of stage: inout PlannedStage) {
    let options = registry[stage.name]?.descriptor.options ?? []
    guard let (option, key) = name.halves(at: "."), !key.isEmpty,
      options.contains(where: { $0.name == option && $0.kind == .table })
    else {
      return stage.set(name, to: .text(value))
    }
    var table: [String: String] = [:]
    if case .table(let given) = stage.options[option] { table = given }
    table[key] = value
    stage.set(option, to: .table(table))
  }

  private func index(of name: String) -> Int? {
    if let index = plan.stages.firstIndex(where: { $0.name == name }) { return index }
    // A stage of a family fills the role of the member that its options choose.
    let filling = plan.stages.indices.filter { index in
      let stage = plan.stages[index]
      return registry[stage.name]?.choosing(stage).role == name
    }
    return filling.count == 1 ? filling[0] : nil
  }
}

extension PlanEditing {
  /// Notes in the ledger which manifest and plan the run used, for reports.
  mutating func noteDigests(of manifest: String) {
    guard declares("record", "manifest-digest"), declares("record", "plan-digest") else { return }
    // What is about one batch or machine is left out: all runs of a plan have the same digest.
    var plain = plan
    for index in plain.stages.indices {
      let isRecord = registry[plain.stages[index].name]?.role == "record"
      if isRecord { plain.stages[index].options = [:] }
      for name in ["manifest", "images-root", "credentials"] {
        plain.stages[index].options[name] = nil
      }
    }
    // A run must not fail for want of a digest: the report then shows none.
    if let digest = try? Digest.sha256(Array(plain.json.utf8)) {
      set("record", "plan-digest", .text(Hex.text(digest)))
    }
    if let digest = try? PlanEditing.digest(ofFile: manifest) {
      set("record", "manifest-digest", .text(Hex.text(digest)))
    }
  }

  /// SHA-256 of a regular file, read in pieces; nil for a pipe or a folder.
  static func digest(ofFile path: String) throws -> [UInt8]? {
    guard Descriptor.kind(of: path) == .regular else { return nil }
    let file = try Descriptor.open(path)
    var stream = try SHA256Stream()
    while true {
      let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if piece.isEmpty { return try stream.finish() }
      try stream.update(piece)
    }
  }

  var wantsSandbox: Bool { option("submit", "endpoint") == NamedTarget.sandboxEndpoint }

  var assembler: StageEntry? { name(of: "assemble").flatMap { registry[$0] } }

  /// Whose API the requests are for, nil where the plan alone describes it.
  var vendor: Vendor? { assembler?.vendor }

  /// Whether the stage that fills a role has such an option.
  func declares(_ role: String, _ option: String) -> Bool {
    let options = name(of: role).flatMap { registry[$0] }?.descriptor.options ?? []
    return options.contains { $0.name == option }
  }

  /// The value that the plan or the command line gives an option.
  func value(_ role: String, _ name: String) -> OptionValue? {
    index(of: role).flatMap { plan.stages[$0].options[name] }
  }

  /// The same where it is a text.
  func option(_ role: String, _ name: String) -> String? {
    if case .text(let text) = value(role, name) { text } else { nil }
  }

  func name(of role: String) -> String? { index(of: role).map { plan.stages[$0].name } }

  /// The assembler's operation unless another one is given.
  var defaultOperation: String? {
    let option = assembler?.descriptor.options.first { $0.name == "operation" }
    guard case .text(let name) = option?.defaultValue else { return nil }
    return name
  }
}

// Inserts, removes and replaces stages, as the command line says.
extension PlanEditing {
  /// Applies `--without`, `--replace` and `--insert`, in that order.
  private mutating func changeStages(_ arguments: Arguments) throws(CommandError) {
    for name in arguments.all("without") {
      plan.stages.remove(at: try place(of: name, "--without"))
    }
    for (name, text) in arguments.pairs("replace") {
      plan.stages[try place(of: name, "--replace")] = try stage(text, "--replace")
    }
    for (place, text) in arguments.pairs("insert") { try insert(text, at: place) }
  }

  private mutating func insert(_ text: String, at place: String) throws(CommandError) {
    guard let (word, name) = place.halves(at: ":"), ["after", "before"].contains(word),
      !name.isEmpty
    else {
      throw command.usageError(
        "--insert takes after:STAGE or before:STAGE, then the new stage, such as "
          + "--insert after:decode 'external program=./blur.py'")
    }
    let index = try self.place(of: name, "--insert")
    let stage = try self.stage(text, "--insert")
    plan.stages.insert(stage, at: word == "after" ? index + 1 : index)
  }

  private func place(of name: String, _ option: String) throws(CommandError) -> Int {
    guard let index = index(of: name) else {
      let known = plan.stages.map(\.name)
      throw command.usageError(
        "\(option): the plan has no stage \(name.quoted(known: known + StageEntry.mainRoles))"
          + " (it has \(known.joined(separator: ", ")))")
    }
    return index
  }

  /// Reads `external program=./blur.py options.radius=4`; only a plan file can hold values with blanks.
  private func stage(_ text: String, _ option: String) throws(CommandError) -> PlannedStage {
    let words = text.split(separator: " ")
    guard let name = words.first else {
      throw command.usageError("\(option): the new stage has no name")
    }
    var stage = PlannedStage(String(name))
    for word in words.dropFirst() {
      guard let (name, value) = word.halves(at: "=") else {
        throw command.usageError(
          "\(option): after the stage's name comes OPTION=VALUE, not \(word.quoted())")
      }
      put(value, in: name, of: &stage)
    }
    return stage
  }
}

// Where the plan comes from.
extension PlanEditing {
  private static func plan(_ arguments: Arguments, _ registry: StageRegistry) throws -> PipelinePlan
  {
    guard let name = arguments["to"] else {
      throw CommandError(
        .usage, "--to is missing: it names the target to send the customers to",
        hint: "try --to sandbox, which sends nothing outside this machine")
    }
    if let target = registry.target(named: name) { return target.plan }
    guard name.hasSuffix(".json") || name.contains("/") else {
      let names = registry.targets.map(\.name)
      throw arguments.usageError(
        "--to takes \(names.joined(separator: ", ")) or a plan file, not "
          + name.quoted(known: names))
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
