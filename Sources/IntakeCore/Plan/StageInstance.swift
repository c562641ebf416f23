/// A stage that has been made: one of the three shapes there are.
enum StageInstance: Sendable {
  case loader(any Loader)
  case recorder(any Recorder)
  case step(PipelineStep)

  init<S: Stage>(_ stage: S) { self = .step(PipelineStep(stage)) }
}

/// A stage with its types erased; the one place where a value is cast.
public struct PipelineStep: Sendable {
  /// The name of the stage.
  public let name: String
  /// What it takes and returns.
  public let shape: StageShape
  /// The stage itself.
  public let stage: any Stage
  private let body: @Sendable (any Sendable, StageContext) async throws -> any Sendable

  init<S: Stage>(_ stage: S) {
    name = S.descriptor.name
    shape = StageShape(input: S.Input.self, output: S.Output.self)
    self.stage = stage
    body = { value, context in
      guard let input = value as? S.Input else {
        throw StageFailure(
          .internalError, "\(S.descriptor.name) was handed \(type(of: value))", outcome: .fatal)
      }
      return try await stage.run(input, in: context)
    }
  }

  /// Runs the stage on a value of its input type.
  ///
  /// - Throws: `PipelineError` with whatever the stage threw.
  public func run(_ value: any Sendable, in context: StageContext) async throws(PipelineError)
    -> any Sendable
  {
    do {
      return try await body(value, context)
    } catch {
      throw PipelineError(stage: name, row: context.row, underlying: error)
    }
  }
}
