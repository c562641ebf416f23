import IntakeCore

/// Puts the options of the command line into a plan.
struct PlanEditing {
  var plan: PipelinePlan
  let registry: StageRegistry

  /// Applies every option of the command line that sets an option of a stage.
  mutating func apply(_ arguments: Arguments) throws(UsageError) {
    try changeStages(arguments)
    if let manifest = arguments.positionals.first {
      set("load", "manifest", .text(manifest))
    }
    let simple = [
      ("format", "load", "format"), ("images-root", "load", "images-root"),
      ("ledger", "record", "ledger"), ("endpoint", "submit", "endpoint"),
      ("credentials", "submit", "credentials"), ("operation", "assemble", "operation"),
    ]
    for (option, role, name) in simple {
      if let value = arguments[option] { set(role, name, .text(value)) }
    }
    if arguments.has("ignore-column") {
      set("load", "ignore-columns", .list(arguments.all("ignore-column")))
    }
    if arguments.has("map") { set("load", "map", .table(try table(arguments))) }
    for text in arguments.all("set") { try setOption(text, arguments.command) }
  }

  /// Sets an option of the stage that has this name or fills this role.
  mutating func set(_ role: String, _ option: String, _ value: OptionValue) {
    guard let index = index(of: role) else { return }
    plan.stages[index].options[option] = value
  }

  private func table(_ arguments: Arguments) throws(UsageError) -> [String: String] {
    var table: [String: String] = [:]
    for text in arguments.all("map") {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw UsageError("--map takes HEADER=COLUMN", command: arguments.command)
      }
      table[parts[0]] = parts[1]
    }
    return table
  }

  private mutating func setOption(_ text: String, _ command: CommandSpec) throws(UsageError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let names = parts[0].split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2, names.count == 2 else {
      throw UsageError(
        "--set takes STAGE.OPTION=VALUE, not \"\(Sanitizer.clean(text, limit: 60))\"",
        command: command)
    }
    let index = try place(of: names[0], "--set", command)
    put(String(parts[1]), in: names[1], of: &plan.stages[index])
  }

  /// Sets an option, or one name of an option that is a table: `options.radius`.
  func put(_ value: String, in name: String, of stage: inout PlannedStage) {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    let option = registry[stage.name]?.descriptor.options.first { $0.name == parts.first }
    guard parts.count == 2, option?.kind == .table else {
      stage.options[name] = .text(value)
      return
    }
    var table: [String: String] = [:]
    if case .table(let given) = stage.options[parts[0]] { table = given }
    table[parts[1]] = value
    stage.options[parts[0]] = .table(table)
  }

  func index(of name: String) -> Int? {
    if let index = plan.stages.firstIndex(where: { $0.name == name }) { return index }
    let filling = plan.stages.indices.filter { entry(plan.stages[$0])?.role == name }
    return filling.count == 1 ? filling[0] : nil
  }

  /// The entry of a stage; for a family, that of the member that its options choose.
  private func entry(_ stage: PlannedStage) -> StageEntry? {
    registry[stage.name]?.choosing(stage)
  }
}

extension PlanEditing {
  /// Whether requests go to the embedded sandbox.
  var wantsSandbox: Bool { option("submit", "endpoint") == NamedTarget.sandboxEndpoint }

  /// What builds the requests.
  var assembler: StageEntry? { name(of: "assemble").flatMap { registry[$0] } }

  /// Whose API the requests are for, nil where the plan alone describes it.
  var vendor: Vendor? { assembler?.vendor }

  /// The text of an option that the plan or the command line gives.
  func option(_ role: String, _ name: String) -> String? {
    guard let index = index(of: role), case .text(let text) = plan.stages[index].options[name]
    else { return nil }
    return text
  }

  /// The name of the stage that fills a role.
  func name(of role: String) -> String? { index(of: role).map { plan.stages[$0].name } }

  /// The assembler's operation unless another one is given.
  var defaultOperation: String? {
    let option = assembler?.descriptor.options.first { $0.name == "operation" }
    guard case .text(let name) = option?.defaultValue
    else { return nil }
    return name
  }
}

/// Inserts, removes and replaces stages, as the command line says.
extension PlanEditing {
  /// Applies `--without`, `--replace` and `--insert`, in that order.
  mutating func changeStages(_ arguments: Arguments) throws(UsageError) {
    let command = arguments.command
    for name in arguments.all("without") {
      plan.stages.remove(at: try place(of: name, "--without", command))
    }
    for (name, text) in arguments.pairs("replace") {
      let index = try place(of: name, "--replace", command)
      plan.stages[index] = try stage(text, "--replace", command)
    }
    for (place, text) in arguments.pairs("insert") { try insert(text, at: place, command) }
  }

  private mutating func insert(_ text: String, at place: String, _ command: CommandSpec)
    throws(UsageError)
  {
    let parts = place.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, ["after", "before"].contains(parts[0]) else {
      throw UsageError(
        "--insert takes after:STAGE or before:STAGE, then the new stage, such as "
          + "--insert after:decode 'external program=./blur.py'", command: command)
    }
    let index = try self.place(of: parts[1], "--insert", command)
    let stage = try self.stage(text, "--insert", command)
    plan.stages.insert(stage, at: parts[0] == "after" ? index + 1 : index)
  }

  private func place(of name: String, _ option: String, _ command: CommandSpec) throws(UsageError)
    -> Int
  {
    guard let index = index(of: name) else {
      let known = plan.stages.map(\.name)
      throw UsageError(
        "\(option): the plan has no stage \"\(Sanitizer.clean(name, limit: 40))\""
          + NearestName.suggestion(for: name, among: known + StageEntry.mainRoles)
          + " (it has \(known.joined(separator: ", ")))", command: command)
    }
    return index
  }

  /// Reads `external program=./blur.py options.radius=4`; values can't hold blanks; in a plan file they can.
  private func stage(_ text: String, _ option: String, _ command: CommandSpec)
    throws(UsageError) -> PlannedStage
  {
    let words = text.split(separator: " ").map(String.init)
    guard let name = words.first else {
      throw UsageError("\(option): the new stage has no name", command: command)
    }
    var stage = PlannedStage(name)
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw UsageError(
          "\(option): after the stage's name comes OPTION=VALUE, not "
            + "\"\(Sanitizer.clean(word, limit: 60))\"", command: command)
      }
      put(String(parts[1]), in: String(parts[0]), of: &stage)
    }
    return stage
  }
}
