public import IntakeCore
import IntakeSystem
import IntakeTransport
import Synchronization

/// Sends each request once over HTTPS and says what became of it.
public final class Submit: Submitter {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("address of the target: https, or http on this machine; a named target has its own")
    var endpoint: String? = nil
    @Option("where the credentials are: FILE (0600), fd:N or command:…; a JSON object of texts")
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
      "the way to the target: env (HTTPS_PROXY, ALL_PROXY, NO_PROXY), none, http://host:port or socks5h://host:port; its user "
        + "is \"proxy\" in the credentials")
    var proxy = "env"
    @Option(
      "the only authorities to trust (PEM); default: SSL_CERT_FILE, else the system's",
      isPath: true)
    var caFile: String? = nil
    @Option("the certificate to show to the target (PEM)", isPath: true)
    var clientCert: String? = nil
    @Option("its private key (PEM, 0600); default: in the certificate's file", isPath: true)
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

  private let options: Options
  private let session = Mutex<Session?>(nil)

  /// What is made of the options: a checked endpoint, the credentials, and the connections.
  private struct Session {
    let endpoint: String
    let credentials: Credentials?
    let client: HTTPClient
    var checkedTargets: Set<String> = []
  }

  /// Takes checked options; opens nothing yet.
  public init(options: Options) { self.options = options }

  /// Checks the endpoint and reads the credentials, once.
  ///
  /// On a thread of its own: a credentials command may take 10 s, and the pool has one thread a core.
  ///
  /// - Throws: `StageFailure` of class fatal that says what to correct.
  public func prepare() async throws {
    let result: Result<Void, StageFailure> = await withCheckedContinuation { continuation in
      let work: @Sendable () -> Void = {
        continuation.resume(
          returning: Result { () throws(StageFailure) in _ = try self.opened() })
      }
      if !SystemThread.start(work) { work() }
    }
    try result.get()
  }

  /// Checks that a target can work with this endpoint and these credentials; once a target.
  ///
  /// `run` does it for the first request. A caller that knows the target may do it before anything is read.
  public func check(_ target: any Target) throws(StageFailure) {
    let opened = try opened()
    guard !opened.checkedTargets.contains(target.name) else { return }
    try target.check(opened.credentials, for: opened.endpoint)
    session.withLock { _ = $0?.checkedTargets.insert(target.name) }
  }

  /// Sends the request once; never repeats it.
  public func run(_ input: consuming Submission, in context: StageContext) async throws -> Receipt {
    let submission = input
    let exchange = try await send(submission, at: context.time)
    return receipt(of: exchange, for: submission, at: context.time)
  }

  private func receipt(
    of exchange: HTTPExchange, for submission: Submission, at time: UnixTime
  ) -> Receipt {
    var receipt = Receipt(of: exchange, for: submission, at: time)
    receipt.message = receipt.message.map { Personal(hidingSecrets(in: $0.exposed)) }
    return receipt
  }

  /// Sends a read-only request and hands back an answer that the target can read.
  ///
  /// - Throws: `Receipt` when there is none, or one that means the same everywhere (401, 429, 5xx …).
  public func ask(_ inquiry: Submission, in context: StageContext) async throws -> HTTPResponse {
    let exchange = try await send(
      inquiry, at: context.time, answerLimit: Submit.inquiryAnswerLimit)
    if case .answered(let response, _) = exchange,
      Receipt(sharedBy: response, repeatSafety: .safe, at: context.time) == nil
    {
      return response
    }
    throw receipt(of: exchange, for: inquiry, at: context.time)
  }

  /// Closes the connections.
  public func finish() async { session.withLock { $0?.client.close() } }

  /// Blocks its thread; a cancelled task ends the exchange within a second.
  private func send(_ submission: Submission, at time: UnixTime, answerLimit: Int? = nil)
    async throws -> HTTPExchange
  {
    let request = try request(for: submission, at: time)
    let client = try opened().client
    let abort = AbortFlag()
    return await withTaskCancellationHandler {
      client.send(request, answerLimit: answerLimit, abort: abort)
    } onCancel: {
      abort.raise()
    }
  }

  // MARK: Requests

  /// Builds and signs a request, within the submission's limit; whatever fails here has sent nothing.
  private func request(for submission: Submission, at time: UnixTime) throws(StageFailure)
    -> HTTPRequest
  {
    try check(submission.target)
    let opened = try opened()
    let request: HTTPRequest
    do {
      request =
        try submission.address.map { try direct(submission, to: $0, from: opened.endpoint) }
        ?? submission.target.request(
          for: submission, endpoint: opened.endpoint, credentials: opened.credentials, at: time)
    } catch let failure as StageFailure {
      throw failure
    } catch {
      // A foreign error may say anything: only its type is shown.
      throw StageFailure(
        .stageFailed, "the request could not be built: \(PipelineError.logText(of: error))",
        outcome: .fatal)
    }
    guard request.bodySize <= submission.bodyLimit else {
      throw StageFailure(
        .bodyTooLarge,
        "the body has \(request.bodySize) bytes, the limit is \(submission.bodyLimit): nothing was sent"
      )
    }
    return request
  }

  /// A request to an address that the target gave, without credentials or a signature.
  ///
  /// Never over plain HTTP, and never to this machine unless the endpoint is there too.
  private func direct(
    _ submission: Submission, to address: Secret, from endpoint: String
  ) throws(StageFailure) -> HTTPRequest {
    let url = String(decoding: address.exposed, as: UTF8.self)
    let isAllowed =
      if let place = try? Endpoint(request: url) {
        !place.isLoopback || (try? Endpoint(endpoint))?.isLoopback == true
      } else { false }
    guard isAllowed else {
      throw StageFailure(
        .uploadRefused, "the target gave an address that is not https on a host of its own",
        hint: "ask the vendor; nothing was sent to that address")
    }
    return HTTPRequest(
      method: submission.method, url: url, headers: submission.headers,
      body: submission.body.map { $0.bytes(with: nil) })
  }

  /// A text of the target without any of the credentials, should it repeat them.
  public func hidingSecrets(in text: String) -> String {
    let secrets = session.withLock { $0?.credentials?.texts } ?? []
    // As they stand: a mask looks at letters and digits alone.
    let literal = secrets.map(TextMask.readable).filter { !$0.isEmpty }
      .reduce(TextMask.readable(text)) { $0.replacing($1, with: TextMask.mark) }
    // Eight letters, so that the words of a PEM file are not hidden everywhere: BEGIN, PRIVATE, KEY.
    return TextMask(hiding: secrets, wordsFrom: 8).masked(literal, limit: 2_000, patterns: false)
  }

  // MARK: The session

  private func opened() throws(StageFailure) -> Session {
    if let opened = session.withLock({ $0 }) { return opened }
    // Outside the lock: a credentials command may take seconds.
    let endpoint = try checkedEndpoint()
    let credentials = try options.credentials.map { source throws(StageFailure) in
      try CredentialsSource.read(source)
    }
    var settings = HTTPSettings()
    settings.deadline = options.timeout
    settings.connectTimeout = options.connectTimeout
    settings.expect = options.expect
    settings.answerLimit = options.maxAnswer
    settings.caFile = try TrustFiles.authorities(options.caFile, for: endpoint)
    settings.clientIdentity = try TrustFiles.identity(
      certificate: options.clientCert, key: options.clientKey)
    settings.proxy = try Submit.proxy(options.proxy, for: endpoint)
    settings.proxy?.user = credentials?[Credentials.proxyPrefix + "user"]
    settings.proxy?.password = credentials?[Credentials.proxyPrefix + "pass"]
    try HTTPLibrary.check(for: settings)
    let opened = Session(
      endpoint: endpoint.url, credentials: credentials?.withoutProxy, client: HTTPClient(settings))
    session.withLock { $0 = opened }
    return opened
  }

  private func checkedEndpoint() throws(StageFailure) -> Endpoint {
    guard let text = options.endpoint, !text.isEmpty else {
      throw StageFailure(
        .wrongEndpoint, "submit has no endpoint", hint: "give --endpoint URL", outcome: .fatal)
    }
    do { return try Endpoint(text) } catch {
      throw StageFailure(
        .wrongEndpoint, error.description, hint: "correct --endpoint", outcome: .fatal)
    }
  }
}

extension Credentials {
  /// Every secret, and user and password as HTTP basic authentication joins them.
  fileprivate var texts: [String] {
    let secrets = names.compactMap { self[$0]?.exposed }
    let joined = ["user", "pass"].compactMap { self[$0]?.exposed }
      .joined(separator: CollectionOfOne(UInt8(ascii: ":")))
    return (secrets + [Array(joined)]).map { String(decoding: $0, as: UTF8.self) }
  }
}
