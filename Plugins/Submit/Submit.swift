public import IntakeCore
import IntakeTransport

/// Sends each request once over HTTPS and says what became of it.
public struct Submit: Submitter {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("address of the target: https, or http on this machine; required")
    var endpoint: String? = nil
    @Option("FILE (0600), fd:N or command:…, a JSON object of texts")
    var credentials: String? = nil
    @Option("for one attempt, answer included", in: 1...600, unit: "seconds") var timeout = 60.0
    @Option("for name, connection and TLS", in: 0.1...120, unit: "seconds")
    var connectTimeout = 10.0
    @Option(
      "ask before the body goes out (Expect: 100-continue); auto: over 64 KiB and on a kept connection "
        + "that has not just answered"
    )
    var expect = ExpectPolicy.auto
    @Option(
      "the way there: env (HTTPS_PROXY, ALL_PROXY, NO_PROXY), none, or http://host:port, socks5h://host:port; its user "
        + "is \"proxy\" in the credentials")
    var proxy = "env"
    @Option(
      "PEM file with the only authorities to trust; default: SSL_CERT_FILE, else the system's",
      isPath: true)
    var caFile: String? = nil
    @Option("PEM file with the certificate to show to the target (mTLS)", isPath: true)
    var clientCert: String? = nil
    @Option("PEM file (0600) with its key; default: in the file of the certificate", isPath: true)
    var clientKey: String? = nil
    @Option("the most that is read of an answer", in: 1_024...67_108_864, unit: "bytes")
    var maxAnswer = 1_048_576

    /// Every option with its default.
    public init() {}
  }

  /// `submit`.
  public static let name = "submit"
  /// What it does.
  public static let summary = "send each request once and read the answer"
  /// An entry that works.
  public static let example =
    #"{"stage":"submit","endpoint":"https://target.example/api","credentials":"keys.json"}"#

  /// 16 MiB: answers to inquiries may hold both images again, as base64.
  private static let inquiryAnswerLimit = 16 << 20

  private let session: SubmitSession

  /// Takes checked options; opens nothing yet.
  public init(options: Options) { session = SubmitSession(options) }

  /// Checks the endpoint and reads the credentials, once; holds no thread of the pool meanwhile.
  ///
  /// - Throws: `StageFailure` of class fatal that says what to correct.
  public func prepare() async throws { try await session.open() }

  /// Checks that a target can work with this endpoint and these credentials; once a target.
  ///
  /// `run` does it for the first request. A caller that knows the target may do it before anything is read.
  public func check(_ target: any Target) throws(StageFailure) { try session.check(target) }

  /// Sends the request once; never repeats it.
  public func run(_ input: consuming Submission, in context: StageContext) async throws -> Receipt {
    let submission = input
    let request = try request(for: submission, at: context.time)
    let exchange = await send(request, by: try session.client(), answerLimit: nil)
    var receipt = Receipt(of: exchange, for: submission, at: context.time)
    receipt.message = receipt.message.map { Personal(session.hidingSecrets(in: $0.exposed)) }
    return receipt
  }

  /// Sends a read-only request and hands back an answer that the target can read.
  ///
  /// - Throws: `StageFailure` when there is none, or one that means the same everywhere (401, 429, 5xx …).
  public func ask(_ inquiry: Submission, in context: StageContext) async throws -> HTTPResponse {
    let request = try request(for: inquiry, at: context.time)
    let exchange = await send(
      request, by: try session.client(), answerLimit: Submit.inquiryAnswerLimit)
    if case .answered(let response, _) = exchange,
      Receipt(sharedBy: response, repeatSafety: .safe, at: context.time) == nil
    {
      return response
    }
    let receipt = Receipt(of: exchange, for: inquiry, at: context.time)
    throw StageFailure(
      receipt.code ?? .unrecognizedAnswer, receipt.detail ?? "the target gave no usable answer",
      hint: receipt.hint, outcome: receipt.outcome)
  }

  /// Builds and signs; whatever fails here has sent nothing.
  private func request(for submission: Submission, at time: UnixTime) throws(StageFailure)
    -> HTTPRequest
  {
    do {
      return try session.request(for: submission, at: time)
    } catch let failure as StageFailure {
      throw failure
    } catch {
      throw StageFailure(
        .stageFailed, "the request could not be built: \(type(of: error))", outcome: .fatal)
    }
  }

  /// Closes the connections.
  public func finish() async { session.close() }

  /// Blocks its thread; a cancelled task ends the exchange within a second.
  private func send(_ request: HTTPRequest, by client: HTTPClient, answerLimit: Int?) async
    -> HTTPExchange
  {
    let abort = AbortFlag()
    return await withTaskCancellationHandler {
      client.send(request, answerLimit: answerLimit, abort: abort)
    } onCancel: {
      abort.raise()
    }
  }
}
