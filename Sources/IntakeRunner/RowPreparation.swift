import IntakeCore

/// All local work on one row: from the record to a complete request, nothing sent.
struct RowPreparation: Sendable {
  let pipeline: Pipeline
  let memory: Gate
  let clock: any RunClock
  /// Whether to go on looking for errors after the first kind.
  let findsEverything: Bool

  /// A request, or everything that is wrong with the row.
  struct Result: Sendable {
    var submission: Submission?
    var failures: [PipelineError] = []
    var images: [Side: ShrinkReport] = [:]
  }

  func run(_ record: IntakeRecord, as row: RowInProgress) async -> Result {
    let context = StageContext(row: row.reference, time: clock.wall, log: row.log)
    var result = Result()
    do throws(PipelineError) {
      let record = try await enrich(record, row, context)
      result.failures = problems(of: record, row)
      guard result.failures.isEmpty || findsEverything else { return result }
      let images = await prepareImages(of: record, row, context)
      result.failures += images.failures
      result.images = images.images.mapValues(\.prepared.report)
      guard result.failures.isEmpty else { return result }
      let assembly = Assembly(record: record, images: images.images)
      result.submission = try await assemble(assembly, row, context)
    } catch {
      result.failures.append(error)
    }
    return result
  }

  /// What else is wrong with a row that could not be loaded, nothing said twice about a column.
  func inspect(
    _ record: IntakeRecord, knowing failures: [StageFailure], as row: RowInProgress
  ) async -> Result {
    // A row with a cell too many has its cells under the wrong headers: what they seem to say is no finding.
    guard !failures.contains(where: { $0.code == .malformedRow && $0.column == nil }) else {
      return Result()
    }
    let context = StageContext(row: row.reference, time: clock.wall, log: row.log)
    let known = Set(failures.compactMap(\.column))
    let images = await prepareImages(of: record, row, context)
    let found = problems(of: record, row) + images.failures
    return Result(
      failures: found.filter { $0.failure.column.map { !known.contains($0) } ?? true },
      images: images.images.mapValues(\.prepared.report))
  }

  private func prepareImages(
    of record: IntakeRecord, _ row: RowInProgress, _ context: StageContext
  ) async -> ImageLane.Result {
    let lane = ImageLane(pipeline: pipeline, memory: memory, row: row, context: context)
    let wantsImages = pipeline.assembler.sendsImages && !pipeline.imageStages.isEmpty
    return await lane.run(
      wantsImages ? record.images : [], budget: pipeline.assembler.imageBudget(for: record))
  }

  private func enrich(_ record: IntakeRecord, _ row: RowInProgress, _ context: StageContext)
    async throws(PipelineError) -> IntakeRecord
  {
    try await through(pipeline.recordStages, record, row, context)
  }

  private func problems(of record: IntakeRecord, _ row: RowInProgress) -> [PipelineError] {
    pipeline.assembler.problems(in: record).map {
      PipelineError(stage: pipeline.assemblerName, row: row.reference, underlying: $0)
    }
  }

  private func assemble(_ assembly: Assembly, _ row: RowInProgress, _ context: StageContext)
    async throws(PipelineError) -> Submission
  {
    let assembled: Submission
    do {
      assembled = try await row.running("assemble") {
        try await run(pipeline.assembler, assembly, context)
      }
    } catch {
      throw PipelineError(stage: pipeline.assemblerName, row: row.reference, underlying: error)
    }
    row.passed(pipeline.assemblerName, assembly, assembled)
    return try await through(pipeline.submissionStages, assembled, row, context)
  }

  private func run<A: Assembler>(_ assembler: A, _ assembly: Assembly, _ context: StageContext)
    async throws -> Submission
  {
    try await assembler.run(assembly, in: context)
  }

  /// Sends a value through stages that take and return its type.
  private func through<Value: Sendable>(
    _ steps: [PipelineStep], _ value: Value, _ row: RowInProgress, _ context: StageContext
  ) async throws(PipelineError) -> Value {
    var value = value
    for step in steps {
      let input = value
      do {
        let output = try await row.running(step.name) {
          try await step.run(input, in: context)
        }
        row.passed(step.name, input, output)
        value = (output as? Value) ?? input
      } catch {
        throw PipelineError(stage: step.name, row: row.reference, underlying: error)
      }
    }
    return value
  }
}
