extension StageRegistry {
  /// Makes the stages of a plan and checks that neighbours fit, before any file is read.
  ///
  /// With `checksOptions` the stages look at the files and addresses that their options name.
  public func assemble(_ plan: PipelinePlan, checksOptions: Bool = false) throws(PlanError)
    -> Pipeline
  {
    do throws(RegistrationError) {
      try check()
    } catch {
      throw PlanError(error.description, at: nil)
    }
    var builder = PipelineBuilder(registry: self, plan: plan, checksOptions: checksOptions)
    for stage in plan.stages { try builder.add(stage) }
    return try builder.pipeline()
  }
}

/// Walks along a plan and remembers what the last stage returned.
private struct PipelineBuilder {
  let registry: StageRegistry
  let plan: PipelinePlan
  let checksOptions: Bool
  var loader: (any Loader)?
  var recordStages: [PipelineStep] = []
  var fileStages: [PipelineStep] = []
  var imageStages: [PipelineStep] = []
  var assembler: (any Assembler)?
  var submissionStages: [PipelineStep] = []
  var submitter: (any Submitter)?
  var journal: (any Journal)?
  var recorders: [any Recorder] = []
  /// What the stages so far return; nothing before the loader.
  var current: any Any.Type = Void.self

  mutating func add(_ planned: PlannedStage) throws(PlanError) {
    guard let entry = registry[planned.name] else {
      throw PlanError(
        "there is no stage " + planned.name.quoted(known: registry.names)
          + " (known: \(registry.names.joined(separator: ", ")))",
        at: plan.position(planned.offset), hint: PipelineBuilder.list)
    }
    guard entry.shapes.contains(where: fits) else { throw misfit(entry, planned) }
    let chosen = try reading(planned) { () throws(OptionError) in
      try planned.checkTypes(of: entry.descriptor.options)
      return try entry.choosing(planned.options)
    }
    guard fits(chosen.shape) else { throw misfit(chosen, planned) }
    guard !chosen.keepsLedger || journal == nil else {
      throw PlanError(
        "stage \"\(planned.name)\" keeps the ledger, and an earlier stage already does: remove one of them",
        at: plan.position(planned.offset), hint: PipelineBuilder.list)
    }
    let plugin = try reading(planned) { () throws(OptionError) in
      let plugin = try chosen.plugin.init(given: planned.options)
      if checksOptions { try plugin.checkOptions() }
      return plugin
    }
    place(plugin, chosen.shape)
    current = chosen.shape.input == Outcome.self ? current : chosen.shape.output
  }

  /// Adds the place in the plan to what is wrong with an option.
  private func reading<Result>(_ planned: PlannedStage, _ body: () throws(OptionError) -> Result)
    throws(PlanError) -> Result
  {
    do throws(OptionError) {
      return try body()
    } catch {
      // A value of the command line stands nowhere in the plan.
      let isGiven = planned.options[error.option] != nil
      let offset = isGiven ? planned.optionOffsets[error.option] : planned.offset
      throw PlanError(
        error.description, at: plan.position(offset),
        hint: error.hint ?? "see docintake stages show \(planned.name)")
    }
  }

  private static let list = "see docintake stages list"

  /// Whether a stage of this shape may stand next.
  private func fits(_ shape: StageShape) -> Bool { fits(shape, after: current) }

  private func fits(_ shape: StageShape, after before: any Any.Type) -> Bool {
    if shape.input == ImageFile.self {
      return before == IntakeRecord.self || before == ImageFile.self
    }
    if shape.input == Assembly.self {
      return before == EncodedImage.self || before == IntakeRecord.self
    }
    if shape.input == Outcome.self { return before == Receipt.self }
    return shape.input == before
  }

  private func misfit(_ entry: StageEntry, _ planned: PlannedStage) -> PlanError {
    let fitting = registry.entries.filter { $0.shapes.contains(where: fits) }
    let candidates = fitting.map(\.descriptor.name)
    // A stage that was left out: with it in between, all would fit.
    let link = fitting.first { candidate in
      entry.shapes.contains { fits($0, after: candidate.shape.output) }
    }
    let advice = link.map { #"; add {"stage":"\#($0.descriptor.name)"} before it"# } ?? ""
    let takes = entry.shapes.map { StageShape.name($0.input) }.joined(separator: " or ")
    let before =
      current == Void.self
      ? "nothing comes before it" : "\(StageShape.name(current)) comes before it"
    let list = candidates.isEmpty ? "nothing" : candidates.joined(separator: ", ")
    return PlanError(
      "stage \"\(planned.name)\" does not fit here: it takes \(takes == "·" ? "nothing" : takes) and \(before) "
        + "(what fits: \(list))\(advice)",
      at: plan.position(planned.offset), hint: PipelineBuilder.list)
  }

  private mutating func place(_ plugin: any Plugin, _ shape: StageShape) {
    switch plugin {
    case let journal as any Journal: self.journal = journal
    case let stage as any Loader: loader = stage
    case let stage as any Recorder: recorders.append(stage)
    case let stage as any Assembler: assembler = stage
    case let stage as any Submitter: submitter = stage
    case let stage as any Stage where shape.input == IntakeRecord.self:
      recordStages.append(PipelineStep(stage))
    case let stage as any Stage where shape.input == Submission.self:
      submissionStages.append(PipelineStep(stage))
    case let stage as any Stage where shape.output == ImageFile.self:
      fileStages.append(PipelineStep(stage))
    case let stage as any Stage: imageStages.append(PipelineStep(stage))
    default: break
    }
  }

  func pipeline() throws(PlanError) -> Pipeline {
    guard let loader else { throw missing("a loader", "load", "at the beginning") }
    guard let assembler else {
      throw missing("an assembler", "assemble", "before the submitter")
    }
    guard let submitter else { throw missing("a submitter", "submit", "after the assembler") }
    guard let journal else {
      throw missing("a recorder that keeps the ledger", "record", "after the submitter")
    }
    return Pipeline(
      loader: loader, recordStages: recordStages, fileStages: fileStages, imageStages: imageStages,
      assembler: assembler, submissionStages: submissionStages, submitter: submitter,
      journal: journal, recorders: recorders)
  }

  /// Says what to add and where, with the stages that this registry has for it.
  private func missing(_ what: String, _ role: String, _ place: String) -> PlanError {
    let names = registry.entries.filter { $0.role == role && (role != "record" || $0.keepsLedger) }
      .map(\.descriptor.name)
    let entry = names.first.map { #"{"stage":"\#($0)"} "# }
    let choice = names.count > 1 ? " (or \(names.dropFirst().joined(separator: ", ")))" : ""
    let noun = what.drop { $0 != " " }.dropFirst()
    return PlanError(
      "the plan has no \(noun): add " + (entry.map { $0 + place } ?? what) + choice, at: nil,
      hint: PipelineBuilder.list)
  }
}
