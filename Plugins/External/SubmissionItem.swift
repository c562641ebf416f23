public import IntakeCore

/// A request on its way to a program.
public struct SubmissionItem: ItemKind {
  /// `submission`.
  public static let name = "submission"
  private let submission: Submission
  /// Takes a request.
  public init(_ value: Submission) throws { submission = value }
  /// The bytes that follow the message.
  public var payload: [[UInt8]] { [] }
  /// The fields.
  public func fields(in context: StageContext) -> [(String, JSONOutput)] { [] }
  /// The request.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> Submission {
    submission
  }
}
