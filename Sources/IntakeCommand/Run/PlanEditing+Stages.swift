import IntakeCore

/// Puts stages in, takes them out and replaces them, as the command line asks for.
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

  /// Reads `external program=./blur.py options.radius=4`; values hold no blanks, a plan file takes any.
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
          "\(option): after the stage's name stand OPTION=VALUE, not "
            + "\"\(Sanitizer.clean(word, limit: 60))\"", command: command)
      }
      put(String(parts[1]), in: String(parts[0]), of: &stage)
    }
    return stage
  }
}
