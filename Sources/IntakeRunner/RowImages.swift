import IntakeCore
import IntakeSystem

/// Takes the images of one row from file to encoded form, within the bytes that the request leaves for them.
struct RowImages: Sendable {
  let pipeline: Pipeline
  /// Permits are bytes of decoded pixels.
  let memory: Permits
  let row: Row
  let context: StageContext

  /// Everything that went wrong, and the images that went well.
  struct Result: Sendable {
    var images: [Side: EncodedImage] = [:]
    var failures: [PipelineError] = []

    /// What became of the images that went well.
    var reports: [Side: ShrinkReport] { images.mapValues(\.prepared.report) }

    init() {}

    fileprivate init(_ sides: [SideResult]) {
      for side in sides {
        switch side {
        case .success(let image): images[image.side] = image
        case .failure(let error): failures.append(error)
        }
      }
    }
  }

  fileprivate typealias SideResult = Swift.Result<EncodedImage, PipelineError>

  /// Prepares every image, even if one fails, so that all errors are reported at once; `budget` is in bytes before base64.
  func encode(_ files: [ImageFile], budget: Int?) async -> Result {
    if let budget, files.count == 2 {
      return Result(await share(budget, files[0], files[1]))
    }
    var sides: [SideResult] = []
    for file in files { sides.append(await attempt(file, budget: budget)) }
    return Result(sides)
  }

  /// Gives each side half; what one does not need the other may have.
  private func share(_ budget: Int, _ first: ImageFile, _ second: ImageFile) async -> [SideResult] {
    let half = budget / 2
    var front = await attempt(first, budget: half)
    let back = await attempt(second, budget: budget - (front.bytes ?? half))
    let left = budget - (back.bytes ?? half)
    // Another try pays only if the first side was pressed and gains at least 15 %: below that quality
    // steps by less than two.
    if front.isPressed(by: half), left > half * 115 / 100 {
      let again = await attempt(first, budget: left)
      if again.bytes != nil { front = again }
    }
    return [front, back]
  }

  private func attempt(_ file: ImageFile, budget: Int?) async -> SideResult {
    do throws(PipelineError) {
      return .success(try await encode(file, context.forSide(file.side, imageBudget: budget)))
    } catch {
      return .failure(error.about(side: file.side, file: file.path))
    }
  }

  private func encode(_ file: ImageFile, _ context: StageContext) async throws(PipelineError)
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
      value = try await row.run(step, on: value, in: context)
    }
    guard let encoded = value as? EncodedImage else {
      let failure = StageFailure(.internalError, "the image stages end in \(type(of: value))")
      throw PipelineError(stage: "plan", row: context.row, underlying: failure)
    }
    return encoded
  }
}

extension RowImages.SideResult {
  /// Bytes before base64; nil when there is no image.
  fileprivate var bytes: Int? { (try? get())?.prepared.bytes.count }

  /// Whether it came within 15 % of the budget, or did not fit at all.
  fileprivate func isPressed(by budget: Int) -> Bool {
    switch self {
    case .success(let image): return image.prepared.bytes.count > budget * 85 / 100
    case .failure(let error): return error.code == .cannotFit
    }
  }
}
