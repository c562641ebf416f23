import IntakeCore
import IntakeTesting
import Testing

@testable import ExternalStage

private struct NoTarget: Target {
  let name = "none"
  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest { HTTPRequest(method: "POST", url: endpoint, headers: [], body: []) }
  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    Receipt(.accepted)
  }
}

/// A program may change head and body of a request, and never sees or moves a secret.
@Suite(.timeLimit(.minutes(20))) struct SubmissionTests {
  private let credentials = Credentials(["user": Secret("ann"), "pass": Secret("p\"w")])
  private let image: EncodedImage

  init() throws {
    let prepared = try SampleImage.prepared(SampleImage.jpeg())
    image = EncodedImage(
      base64: Array(repeating: UInt8(ascii: "Q"), count: 4000), prepared: prepared)
  }

  private var submission: Submission {
    Submission(
      method: "POST", path: "/x", headers: [HTTPField("Content-Type", "application/json")],
      body: [
        .bytes(Array(#"{"user":""#.utf8)), .secret("user"), .bytes(Array(#"","pass":""#.utf8)),
        .secret("pass"), .bytes(Array(#"","front":""#.utf8)), .image(image),
        .bytes(Array(#""}"#.utf8)),
      ], operation: "create", repeatSafety: .never, customer: Personal("c"), bodyLimit: 10_000,
      target: NoTarget())
  }

  private func run(_ body: String) async throws -> (result: Submission?, failure: StageFailure?) {
    let bench = try Bench<SubmissionItem>(Script(python: body))
    try await bench.stage.prepare()
    defer { Task { await bench.stage.finish() } }
    do {
      return (try bench.run(submission), nil)
    } catch {
      return (nil, error as? StageFailure)
    }
  }

  private func text(_ submission: Submission?) -> String {
    let bytes = submission?.body.flatMap { $0.bytes(with: credentials) } ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let back =
    #"answer("result", body, submission={"headers": item["submission"]["headers"] + [["X-Sign", "7"]], "body": {"bytes": len(body)}})"#

  @Test func aProgramThatSignsAndRewritesTheBodyKeepsSecretsAndImages() async throws {
    let (result, failure) = try await run(
      """
      whole = json.loads(data); whole["extra"] = "ü"
      body = json.dumps(whole, sort_keys=True).encode()
      \(Self.back)
      """)
    #expect(failure == nil)
    #expect(
      text(result)
        == #"{"extra": "\u00fc", "front": "\#(String(repeating: "Q", count: 4000))", "pass": "p\"w", "user": "ann"}"#
    )
    #expect(result?.headers.last == HTTPField("X-Sign", "7"))
    let images = result?.body.filter { if case .image = $0 { true } else { false } }
    #expect(images?.count == 1)
    #expect(result?.path == "/x")
  }

  @Test func noSecretIsInWhatTheProgramSees() async throws {
    let (_, failure) = try await run(
      #"answer("reject", code="x", detail=str(b"ann" in data or b"p\"w" in data) + str(len(item["submission"]["secrets"])))"#
    )
    #expect(failure?.detail.hasSuffix("False2") == true)
  }

  @Test func aHeadAloneMayBeChanged() async throws {
    let (result, _) = try await run(#"answer("result", submission={"headers": [["A", "b"]]})"#)
    #expect(result?.headers == [HTTPField("A", "b")])
    #expect(text(result) == text(submission))
  }

  @Test(arguments: [
    ("body = b'{}'", FailureCode.stageProtocol, "did not come back"),
    ("body = data + data", .stageProtocol, "stands twice"),
    ("body = data.replace(b'-1-', b'-9-')", .stageProtocol, "stands twice or was changed"),
    ("body = data + b' ' * 10000", .bodyTooLarge, "the limit is 10000"),
  ])
  func aBodyThatCannotBeSentIsRefused(change: String, code: FailureCode, text: String) async throws
  {
    let (_, failure) = try await run("\(change)\n\(Self.back)")
    #expect(failure?.code == code)
    #expect(failure?.detail.contains(text) == true, "\(String(describing: failure))")
  }

  @Test(arguments: [
    #"[["Host", "evil.example"]]"#, #"[["authorization", "Bearer x"]]"#, #"[["A", "b\r\nC: d"]]"#,
    #"[["A b", "c"]]"#, #"[["A"]]"#, #"[["A", item["submission"]["secrets"][0]]]"#, #"{"A": "b"}"#,
  ])
  func aHeadThatCannotBeSentIsRefused(headers: String) async throws {
    let (_, failure) = try await run(#"answer("result", submission={"headers": \#(headers)})"#)
    #expect(failure?.code == .stageProtocol)
    #expect(failure?.detail.contains("header fields") == true, "\(String(describing: failure))")
  }
}
