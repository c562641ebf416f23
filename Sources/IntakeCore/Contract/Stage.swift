/// One step of a pipeline: takes a value and returns the next one.
///
/// A stage is written in three parts: a `descriptor` that names it and declares its options, an `init` that
/// reads them, and `run`. It keeps no state that one item could leave behind for the next, for several items
/// run through the same value at once. It throws a `StageFailure` to say what the engine and the operator
/// should do, or anything else, which fails that one row.
public protocol Stage<Input, Output>: Sendable {
  /// What it takes.
  associatedtype Input: Sendable
  /// What it returns.
  associatedtype Output: Sendable

  /// Name, summary and options: all that help, plans, errors and documentation say about the stage.
  static var descriptor: StageDescriptor { get }

  /// Takes options that have been checked against the descriptor.
  ///
  /// - Throws: `OptionError` for combinations that the descriptor cannot rule out.
  init(options: StageOptions) throws(OptionError)

  /// Called once, before the first item: read key files, start programs.
  func prepare() async throws

  /// Does the work for one item; runs on a thread that may block.
  func run(_ input: consuming Input, in context: StageContext) async throws -> Output

  /// Called once, after the last item or when the run stops: end programs, close files.
  func finish() async
}

extension Stage {
  /// Nothing to prepare.
  public func prepare() async throws {}
  /// Nothing to finish.
  public func finish() async {}
}
