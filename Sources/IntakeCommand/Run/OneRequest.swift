import IntakeCore
import IntakeRunner
import IntakeSystem

/// Sends one request outside of any batch and brings back the answer; nothing is recorded.
struct OneRequest: Sendable {
  private let arguments: Arguments
  private let registry: StageRegistry
  /// The name of the stage whose API is asked.
  private let vendor: String

  init(_ arguments: Arguments, _ invocation: Invocation, vendor: String) {
    self.arguments = arguments
    registry = invocation.registry
    self.vendor = vendor
  }

  func ask(_ submission: Submission) async throws -> OneAnswer {
    let submitter = try self.submitter()
    do {
      try await submitter.prepare()
      try submitter.check(submission.target)
      let response = try await send(submission, through: submitter)
      await submitter.finish()
      return try OneAnswer(response, to: submission)
    } catch let failure as StageFailure {
      await submitter.finish()
      throw CommandError(failure)
    }
  }

  /// On a thread that may block: nothing that waits for a network runs on the cooperative pool.
  private func send(_ submission: Submission, through submitter: any Submitter) async throws
    -> HTTPResponse
  {
    let pool = try WorkerPool(threads: 1)
    defer { pool.stop() }
    let context = StageContext(row: RowReference(line: 0), time: SystemTime.wall)
    return try await withTaskExecutorPreference(pool) {
      try await submitter.ask(submission, in: context)
    }
  }

  private func submitter() throws -> any Submitter {
    var editing = PlanEditing(plan: try plan(), registry: registry)
    try editing.apply(arguments)
    guard editing.name(of: "assemble") == vendor else {
      throw UsageError(
        "--to: only \(vendor) answers this, and the target is another", command: arguments.command)
    }
    guard !editing.wantsSandbox else {
      throw UsageError(
        "the embedded sandbox is empty: a running one is to be asked",
        hint: "start `docintake sandbox`, and give --endpoint with the address that it prints")
    }
    try EmbeddedSandbox.giveMissingCredentials(to: &editing, for: arguments["to"])
    do throws(PlanError) {
      return try registry.assemble(editing.plan).submitter
    } catch {
      throw CommandError(.usage, error.description, hint: error.hint)
    }
  }

  private func plan() throws -> PipelinePlan {
    if arguments["to"] == nil, let plan = BuiltinPlan(rawValue: vendor)?.plan { return plan }
    return try PlanSource.plan(arguments, for: registry)
  }
}

/// The answer to one request.
struct OneAnswer: Sendable {
  private let isAccepted: Bool
  private var body: JSONOutput
  private let parsed: JSONValue
  private let receipt: Receipt

  init(_ response: HTTPResponse, to submission: Submission) throws(CommandError) {
    receipt = submission.target.receipt(for: response, to: submission)
    guard let parsed = try? JSONParser.parse(response.body) else {
      throw CommandError(
        .notAccepted, receipt.detail ?? "the answer \(response.status) is not readable",
        hint: receipt.hint ?? receipt.code?.hint)
    }
    self.parsed = parsed
    body = JSONOutput(parsed)
    isAccepted = receipt.outcome == .accepted
  }

  /// Writes the answer as one line; says on what ground it counts as a refusal.
  func write(to results: ResultWriter) -> ExitCode {
    results.writeLine(body.text)
    return isAccepted ? .success : .notAccepted
  }

  /// Puts the images into files named by side and content, and their names in the images' place.
  func writingImages(to folder: String) throws(CommandError) -> OneAnswer {
    guard isAccepted, case .object(let fields) = body,
      let documents = parsed["target"]?["documents"]
    else { return self }
    var copy = self
    let files = try ReceivedImages(documents).write(to: folder)
    copy.body = .object(
      fields.map { name, value in
        guard name == "target", case .object(let target) = value else { return (name, value) }
        return (name, .object(target.filter { $0.0 != "documents" } + [("documents", files)]))
      })
    return copy
  }
}

extension JSONOutput {
  /// A value that was read, to be written again; numbers keep their digits.
  init(_ value: JSONValue) {
    switch value.kind {
    case .null: self = .null
    case .bool(let flag): self = .bool(flag)
    case .number(let text): self = Int(text).map { .integer($0) } ?? .decimal(Double(text) ?? 0)
    case .string(let text): self = .string(text)
    case .array(let elements): self = .array(elements.map { JSONOutput($0) })
    case .object(let fields): self = .object(fields.map { ($0.name, JSONOutput($0.value)) })
    }
  }
}

/// Images as an answer holds them: base64, with or without a data URI's prefix.
struct ReceivedImages: Sendable {
  private let documents: JSONValue

  init(_ documents: JSONValue) { self.documents = documents }

  /// Writes `front.jpg`, `back.png` and so on (0600), and returns what was written.
  func write(to folder: String) throws(CommandError) -> JSONOutput {
    var written: [(String, JSONOutput)] = []
    for side in Side.allCases {
      guard let text = documents[side.rawValue]?.string, !text.isEmpty else { continue }
      guard let bytes = Base64Text.decode(text), let format = ImageFormat(recognizing: bytes) else {
        throw CommandError(
          .notAccepted, "the \(side.rawValue) in the answer is no JPEG or PNG in base64")
      }
      let path = "\(folder)/\(side.rawValue).\(format == .jpeg ? "jpg" : "png")"
      try save(bytes, as: path)
      written.append(
        (
          side.rawValue,
          .object([
            ("file", .string(path)), ("format", .string(format.rawValue)),
            ("bytes", .integer(bytes.count)),
          ])
        ))
    }
    return .object(written)
  }

  private func save(_ bytes: [UInt8], as path: String) throws(CommandError) {
    do throws(SystemCallFailure) {
      try DurableFile.makeFolder(DurableFile.folder(of: path))
      try DurableFile.create(path, bytes)
    } catch {
      throw CommandError(
        .usage, "\(Sanitizer.clean(path)) cannot be written: \(error)",
        hint: "give --output with a folder that holds no images yet")
    }
  }
}
