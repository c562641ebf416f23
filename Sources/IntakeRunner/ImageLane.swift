import IntakeCore

/// Takes the images of one row from file to encoded form, within the bytes that the request leaves for them.
struct ImageLane: Sendable {
  let pipeline: Pipeline
  /// Permits are bytes of decoded pixels.
  let memory: PermitPool
  let row: RowInProgress
  let context: StageContext

  /// Everything that went wrong, and the images that went well.
  struct Result: Sendable {
    var images: [Side: EncodedImage] = [:]
    var failures: [PipelineError] = []
  }

  /// Prepares every image of a row; looks at all of them even if one fails, so that all errors are told at once.
  func run(_ files: [ImageFile], budget: Int?) async -> Result {
    guard let budget, files.count == 2 else { return await runEach(files, budget: budget) }
    return await share(budget, files[0], files[1])
  }

  private func runEach(_ files: [ImageFile], budget: Int?) async -> Result {
    var result = Result()
    for file in files { add(await attempt(file, budget: budget), to: &result) }
    return result
  }

  /// Gives each side half; what one does not need the other may have.
  private func share(_ budget: Int, _ first: ImageFile, _ second: ImageFile) async -> Result {
    let half = budget / 2
    var front = await attempt(first, budget: half)
    let back = await attempt(second, budget: budget - (front.size ?? half))
    let left = budget - (back.size ?? half)
    // Another try pays only if the first side was pressed (within 15 % of its half, or not at all) and
    // gains at least 15 %: below that quality steps by less than two.
    if front.isPressed(by: half), left > half * 115 / 100 {
      let again = await attempt(first, budget: left)
      if again.size != nil { front = again }
    }
    var result = Result()
    add(front, to: &result)
    add(back, to: &result)
    return result
  }

  private enum Attempt {
    case done(EncodedImage)
    case failed(PipelineError)

    /// Bytes before base64.
    var size: Int? {
      if case .done(let image) = self { return image.prepared.bytes.count }
      return nil
    }

    func isPressed(by budget: Int) -> Bool {
      switch self {
      case .done(let image): return image.prepared.bytes.count > budget * 85 / 100
      case .failed(let error): return error.code == .cannotFit
      }
    }
  }

  private func add(_ attempt: Attempt, to result: inout Result) {
    switch attempt {
    case .done(let image): result.images[image.side] = image
    case .failed(let error): result.failures.append(error)
    }
  }

  private func attempt(_ file: ImageFile, budget: Int?) async -> Attempt {
    let context = context.forSide(file.side, imageBudget: budget)
    do throws(PipelineError) {
      return .done(try await encode(file, in: context))
    } catch {
      let failure = error.failure.about(side: file.side, file: file.path)
      return .failed(PipelineError(stage: error.stage, row: error.row, underlying: failure))
    }
  }

  private func encode(_ file: ImageFile, in context: StageContext) async throws(PipelineError)
    -> EncodedImage
  {
    var value: any Sendable = file
    var admitted = 0
    defer { if admitted > 0 { memory.leave(admitted) } }
    for step in pipeline.imageStages {
      if admitted == 0, let image = value as? DocumentImage {
        admitted = max(1, image.memoryNeeded(fitting: pipeline.edge(for: file.side)))
        await memory.enter(admitted)
      }
      let input = value
      do {
        value = try await row.running(step.name) {
          try await step.run(input, in: context)
        }
      } catch {
        throw PipelineError(stage: step.name, row: context.row, underlying: error)
      }
      row.passed(step.name, input, value)
    }
    guard let encoded = value as? EncodedImage else {
      let failure = StageFailure(.internalError, "the image stages end in \(type(of: value))")
      throw PipelineError(stage: "plan", row: context.row, underlying: failure)
    }
    return encoded
  }
}
