public import IntakeCore
import IntakeSystem

/// Hands items to a program in any language, kept alive and spoken to over its standard input and output.
///
/// The option `accepts` says what it works on: scans, images ready to send, or requests.
public enum External: StageFamily {
  /// One stage for each thing that `accepts` names.
  public static let members: [any Stage.Type] = [
    ExternalStage<ImageItem>.self, ExternalStage<PreparedItem>.self,
    ExternalStage<SubmissionItem>.self,
  ]

  /// The stage for what `accepts` names.
  public static func member(for options: ExternalOptions) -> any Stage.Type {
    switch options.accepts {
    case .image: return ExternalStage<ImageItem>.self
    case .prepared: return ExternalStage<PreparedItem>.self
    case .submission: return ExternalStage<SubmissionItem>.self
    }
  }
}

/// Hands each item to a program and takes its answer; one shape of the family `External`.
public struct ExternalStage<Item: ItemKind>: Stage {
  /// The name of every shape.
  public static var name: String { "external" }
  /// What it does.
  public static var summary: String { "hand each item to a program of your own (protocol 1)" }
  /// An entry that works.
  public static var example: String {
    #"{"stage":"external","program":["./blur.py"],"accepts":"image","timeout":10}"#
  }

  private let options: ExternalOptions
  private let pool: ProgramPool

  /// Checks what the options say of the program; starts nothing yet.
  public init(options: ExternalOptions) throws(OptionError) {
    try options.check()
    self.options = options
    pool = ProgramPool(options, accepts: Item.name)
  }

  /// Checks the program's file, starts it once, and exchanges greetings.
  ///
  /// - Throws: `StageFailure` of class fatal: nothing has been read or sent.
  public func prepare() async throws { try pool.prepare() }

  /// Sends the item, waits for its answer, and checks what came back; blocks its thread.
  public func run(_ input: consuming Item.Value, in context: StageContext) throws -> Item.Value {
    let value = input
    let item = try Item(value)
    switch try pool.answer(to: item, in: context) {
    case .pass: return value
    case .result(let answer): return try item.value(from: answer, in: context)
    case .reject(let code, let detail):
      throw StageFailure(.refusedByStage, "\(options.name): \(code): \(detail)")
    }
  }

  /// Closes the programs' input and waits for their end.
  public func finish() async { pool.close() }
}
