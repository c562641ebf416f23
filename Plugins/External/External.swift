public import IntakeCore

/// Hands items to a program in any language, kept alive and spoken to over its standard input and output.
///
/// The option `accepts` says what it works on: files before they are decoded, scans, images ready to send, or requests.
public enum External: StageFamily {
  /// One stage for each thing that `accepts` names.
  public static let members = ItemName.allCases.map(stage)

  /// The stage for what `accepts` names.
  public static func member(for options: ExternalOptions) -> any Stage.Type {
    stage(for: options.accepts)
  }

  private static func stage(for accepts: ItemName) -> any Stage.Type {
    switch accepts {
    case .file: ExternalStage<FileItem>.self
    case .image: ExternalStage<ImageItem>.self
    case .prepared: ExternalStage<PreparedItem>.self
    case .submission: ExternalStage<SubmissionItem>.self
    }
  }
}

/// Hands each item to a program and takes its answer; one shape of the family `External`.
struct ExternalStage<Item: ItemKind>: Stage {
  static var name: String { "external" }
  static var summary: String { "hand each item to a program of your own (protocol 1)" }
  static var example: String {
    #"{"stage":"external","program":["./blur.py"],"accepts":"image","timeout":10}"#
  }

  private let options: ExternalOptions
  private let pool: ProgramPool

  init(options: ExternalOptions) throws(OptionError) {
    try options.check()
    self.options = options
    pool = ProgramPool(options, accepts: Item.name)
  }

  func checkOptions() throws(OptionError) { try options.checkPath() }

  func prepare() async throws { try pool.prepare() }

  /// Sends the item, waits for its answer, and checks what came back; blocks its thread.
  func run(_ input: consuming Item.Value, in context: StageContext) throws -> Item.Value {
    let item = try Item(input, options)
    guard item.isWanted else { return item.unchanged }
    switch try pool.answer(to: item, in: context) {
    case .pass: return item.unchanged
    case .result(let answer):
      do {
        return try item.value(from: answer, in: context)
      } catch let failure as StageFailure {
        throw options.blamed(for: failure)
      }
    case .reject(let words):
      throw StageFailure(.refusedByStage, "\(options.name): \(context.mask.masked(words))")
    }
  }

  func finish() async { pool.close() }
}
