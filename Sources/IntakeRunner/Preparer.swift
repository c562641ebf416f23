import IntakeCore
import IntakeCrypto
import IntakeSystem
import Synchronization

/// All local work on one row: from its fields and images to a complete request; nothing is sent.
struct Preparer: Sendable {
  private let pipeline: Pipeline
  private let mode: RunPolicy.Mode
  private let stop: StopSwitch
  /// Whether scans are sent at all; asked once, because a row that is skipped needs hardly more than this.
  let sendsImages: Bool
  /// Rows being prepared at once: one a worker, so that each holds at most one row's files in memory.
  private let local: Permits
  /// Bytes of decoded pixels at once.
  private let memory: Permits

  init(_ runner: Runner) {
    (pipeline, mode, stop) = (runner.pipeline, runner.policy.mode, runner.stop)
    sendsImages = pipeline.assembler.sendsImages
    local = Permits(capacity: runner.policy.workers)
    memory = Permits(capacity: runner.policy.pixelMemory)
  }

  /// A complete request, or why there is none.
  enum Result: Sendable {
    case ready(PreparedRow)
    case refused([PipelineError], images: [Side: ShrinkReport] = [:], RowOrigin? = nil)
    /// The run stopped first.
    case notTried
  }

  /// Prepares a row; a check goes on after the first kind of error, to find them all.
  ///
  /// - Parameter imageBudget: the most bytes for all images, when the room in the request is more than the target takes.
  func prepare(_ loaded: LoadedRow, _ row: Row, imageBudget: Int? = nil) async -> Result {
    let unread = loaded.failures.map {
      PipelineError(stage: "load", row: row.reference, underlying: $0)
    }
    guard unread.isEmpty || mode == .check && !loaded.isShifted else { return .refused(unread) }
    await local.enter()
    defer { local.leave() }
    guard stop.level == .none else { return unread.isEmpty ? .notTried : .refused(unread) }
    var context = row.context
    var images = RowImages.Result()
    do throws(PipelineError) {
      var record = loaded.record
      if unread.isEmpty, !pipeline.recordStages.isEmpty {
        record = try await through(pipeline.recordStages, record, row, context)
        context = row.context(after: record.fields)
      }
      let problems = problems(of: record, row)
      guard unread.isEmpty && problems.isEmpty || mode == .check else { return .refused(problems) }
      // Before the scans are read, so that one replaced in the meantime differs from what is recorded.
      var origin = origin(of: loaded.record, row)
      let prints = ScanPrints()
      record.images = record.images.map(prints.heard)
      images = await encodeImages(of: record, row, context, atMost: imageBudget)
      let known = Set(unread.compactMap(\.failure.column))
      let found = (problems + images.failures).filter {
        $0.failure.column.map { !known.contains($0) } ?? true
      }
      guard unread.isEmpty && found.isEmpty else {
        return .refused(unread + found, images: images.reports, origin)
      }
      let assembly = Assembly(record: record, images: images.images)
      var submission = try await assemble(assembly, row, context)
      origin.images = prints.value(of: record.images)
      submission.origin = origin
      return .ready(
        PreparedRow(submission: submission, fields: record.fields, images: images.reports))
    } catch {
      return .refused([error], images: images.reports)
    }
  }

  /// What a row is made of, found without reading its scans.
  func origin(of record: IntakeRecord, _ row: Row) -> RowOrigin {
    RowOrigin(of: record, identity: row.identity.identity, sendsImages: sendsImages)
  }

  /// Whether a row that looks changed still has the cells and, byte for byte, the scans that were accepted.
  func hasSameImages(_ loaded: LoadedRow, _ row: Row) async -> Bool {
    var origin = origin(of: loaded.record, row)
    guard loaded.failures.isEmpty, let known = row.known,
      known.change(to: origin) == .perhapsImages
    else { return false }
    await local.enter()
    defer { local.leave() }
    guard stop.level == .none else { return false }
    origin.images = ScanPrints.reading(loaded.record.images)
    return origin.images != nil && known.change(to: origin) == .none
  }

  private func problems(of record: IntakeRecord, _ row: Row) -> [PipelineError] {
    pipeline.assembler.problems(in: record).map {
      PipelineError(stage: pipeline.assemblerName, row: row.reference, underlying: $0)
    }
  }

  private func encodeImages(
    of record: IntakeRecord, _ row: Row, _ context: StageContext, atMost budget: Int?
  ) async -> RowImages.Result {
    guard sendsImages, !pipeline.imageStages.isEmpty else {
      return RowImages.Result()
    }
    let room = [pipeline.assembler.imageBudget(for: record), budget].compactMap { $0 }.min()
    let images = RowImages(pipeline: pipeline, memory: memory, row: row, context: context)
    return await images.encode(record.images, budget: room)
  }

  private func assemble(_ assembly: Assembly, _ row: Row, _ context: StageContext)
    async throws(PipelineError) -> Submission
  {
    let step = PipelineStep(pipeline.assembler)
    let assembled = try await row.run(step, timedAs: "assemble", on: assembly, in: context)
    guard let request = assembled as? Submission else {
      let failure = StageFailure(.internalError, "\(step.name) made no request", outcome: .fatal)
      throw PipelineError(stage: step.name, row: row.reference, underlying: failure)
    }
    let submission = try await through(pipeline.submissionStages, request, row, context)
    if let problem = submission.overLimit(followUpsOnly: mode.keepsLedger) {
      throw PipelineError(
        stage: pipeline.assemblerName, row: row.reference, underlying: problem)
    }
    return submission
  }

  /// Sends a value through stages that take and return its type.
  private func through<Value: Sendable>(
    _ steps: [PipelineStep], _ value: Value, _ row: Row, _ context: StageContext
  ) async throws(PipelineError) -> Value {
    var value = value
    for step in steps {
      let output = try await row.run(step, on: value, in: context)
      value = (output as? Value) ?? value
    }
    return value
  }
}

/// A complete request, and what became of the row's images.
struct PreparedRow: Sendable {
  let submission: Submission
  /// The cells that the request was made from.
  let fields: CustomerFields
  let images: [Side: ShrinkReport]

  /// The row as a check or dry run reports it.
  func ready(_ row: Row) -> Outcome {
    var outcome = row.outcome(.skipped)
    outcome.images = images
    outcome.receipt = Receipt(.accepted)
    outcome.receipt?.bodyBytes = submission.bodySize(with: nil)
    outcome.receipt?.steps = submission.plannedSteps
    return outcome
  }
}

/// Takes the images of one row from file to encoded form, within the bytes that the request has room for.
struct RowImages: Sendable {
  let pipeline: Pipeline
  /// Permits are bytes of decoded pixels.
  let memory: Permits
  let row: Row
  let context: StageContext

  /// The images that went well, and everything that went wrong.
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
    var sides: [SideResult] = []
    var files = files
    // Once for each file, however often its side is encoded below.
    if !pipeline.fileStages.isEmpty {
      (files, sides) = await convert(files)
    }
    if let budget, files.count == 2 {
      return Result(await share(budget, files[0], files[1]))
    }
    for file in files { sides.append(await attempt(file, budget: budget)) }
    return Result(sides)
  }

  /// Converts other formats to JPEG or PNG; returns failures separately.
  private func convert(_ files: [ImageFile]) async -> ([ImageFile], [SideResult]) {
    var (converted, failures): ([ImageFile], [SideResult]) = ([], [])
    for file in files {
      do throws(PipelineError) {
        var value: any Sendable = file
        for step in pipeline.fileStages {
          value = try await row.run(
            step, on: value, in: context.forSide(file.side, imageBudget: nil))
        }
        converted.append((value as? ImageFile) ?? file)
      } catch {
        failures.append(.failure(error.about(side: file.side, file: file.path)))
      }
    }
    return (converted, failures)
  }

  /// Gives each side half, and what one does not need to the other.
  private func share(_ budget: Int, _ first: ImageFile, _ second: ImageFile) async -> [SideResult] {
    let half = budget / 2
    var front = await attempt(first, budget: half)
    let back = await attempt(second, budget: budget - (front.bytes ?? half))
    let left = budget - (back.bytes ?? half)
    // Another try pays only if the first side was tight and gains at least 15 %: with less, quality gains fewer than
    // two points.
    if front.isTight(in: half), left > half * 115 / 100 {
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
    return file.original.map(encoded.converted) ?? encoded
  }
}

extension RowImages.SideResult {
  /// Bytes before base64; nil when there is no image.
  fileprivate var bytes: Int? { (try? get())?.prepared.bytes.count }

  /// Whether it came within 15 % of the budget, or did not fit.
  fileprivate func isTight(in budget: Int) -> Bool {
    switch self {
    case .success(let image): return image.prepared.bytes.count > budget * 85 / 100
    case .failure(let error): return error.code == .cannotFit
    }
  }
}

/// The digests of a row's scans, taken while the files are read for sending.
final class ScanPrints: Sendable {
  private let digests = Mutex<[Side: [UInt8]]>([:])

  /// Larger files are not read just to be compared; their rows are prepared, which has limits of its own.
  private static let limit = 64 << 20

  /// Reads scans for their digests alone; nil when one of them cannot be read.
  static func reading(_ files: [ImageFile]) -> Personal<[UInt8]>? {
    let prints = ScanPrints()
    // The stage that reads the file next says what is wrong with it.
    for file in files { _ = try? prints.heard(file).read(atMost: limit) }
    return prints.value(of: files)
  }

  /// The same scan; its digest is taken when somebody reads it.
  func heard(_ file: ImageFile) -> ImageFile {
    file.heard { [self] bytes in
      let digest = try? Digest.sha256(bytes)
      digests.withLock { $0[file.side] = digest }
    }
  }

  /// All digests by side, nil while one is missing.
  func value(of files: [ImageFile]) -> Personal<[UInt8]>? {
    let digests = digests.withLock { $0 }
    guard files.allSatisfy({ digests[$0.side] != nil }) else { return nil }
    let sides = files.map(\.side).sorted()
    return Personal(sides.flatMap { Array(";\($0.rawValue)=".utf8) + (digests[$0] ?? []) })
  }
}

// A request together with what follows it.
extension Submission {
  /// Bytes of all bodies, without credentials.
  var totalBytes: Int {
    followUps.reduce(bodySize(with: nil)) { $0 + $1.request.bodySize(with: nil) }
  }

  /// The steps of a row that takes several, as a check reports them; empty for one request.
  fileprivate var plannedSteps: [StepReport] {
    guard !followUps.isEmpty else { return [] }
    let requests = [(operation, self)] + followUps.map { ($0.name, $0.request) }
    return requests.map { StepReport($0, .accepted, bodyBytes: $1.bodySize(with: nil)) }
  }

  /// What is over its limit without credentials, nil when everything fits: found before anything is sent.
  fileprivate func overLimit(followUpsOnly: Bool) -> StageFailure? {
    let requests =
      (followUpsOnly ? [] : [(nil, self, nil)]) + followUps.map { ($0.name, $0.request, $0.side) }
    for (name, request, side) in requests {
      let bytes = request.bodySize(with: nil)
      guard bytes > request.bodyLimit else { continue }
      return StageFailure(
        .bodyTooLarge,
        "\(name ?? "the body") has \(bytes) bytes, the limit is \(request.bodyLimit)",
        side: side)
    }
    return nil
  }
}
