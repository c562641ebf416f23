public import IntakeCore

/// A request on its way to a program: all of it but the secrets, in whose places marks stand.
///
/// A program may change header fields and body, to sign, encrypt or enrich. Method, path and everything
/// that tells the engine how to repeat or to ask about the request stay as they are.
public struct SubmissionItem: ItemKind {
  /// `submission`.
  public static let name = "submission"
  private let submission: Submission
  private let marks: SecretMarks

  /// Takes a request that is ready to be sent.
  public init(_ value: Submission) throws {
    submission = value
    marks = SecretMarks(value.body)
  }

  /// The body with a mark in the place of each secret.
  public var payload: [[UInt8]] { marks.written }

  /// The request's head; `secrets` lists the marks that have to come back, once each.
  public func fields(in context: StageContext) -> [(String, JSONOutput)] {
    let headers = submission.headers.map {
      JSONOutput.array([.string($0.name), .string($0.value)])
    }
    let size = payload.reduce(0) { $0 + $1.count }
    return [
      (
        "submission",
        .object([
          ("operation", .string(submission.operation)), ("method", .string(submission.method)),
          ("path", .string(submission.path)), ("headers", .array(headers)),
          ("secrets", .array(marks.all.map { .string($0) })),
          ("body", .object([("bytes", .integer(size)), ("max", .integer(submission.bodyLimit))])),
        ])
      )
    ]
  }

  /// The request with the program's header fields and body; what it leaves out stays as it was.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> Submission {
    guard let changed = answer.message["submission"], changed.fields != nil else {
      throw StageFailure(.stageProtocol, "a result without a submission")
    }
    var result = submission
    if let headers = changed["headers"] { result.headers = try HeaderFields(headers, marks).fields }
    if let body = answer.bytes(of: changed["body"]) {
      result.body = try marks.segments(of: body)
    }
    let size = result.bodySize(with: nil)
    guard size <= submission.bodyLimit else {
      throw StageFailure(
        .bodyTooLarge, "the program's body has \(size) bytes, the limit is \(submission.bodyLimit)")
    }
    return result
  }
}
