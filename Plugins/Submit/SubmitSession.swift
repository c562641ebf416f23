import IntakeCore
import IntakeSystem
import IntakeTransport
import Synchronization

/// What `prepare` makes of the options: a checked endpoint, the credentials, and the connections.
final class SubmitSession: Sendable {
  private let options: Submit.Options
  private let state = Mutex<State?>(nil)

  private struct State {
    let endpoint: String
    let credentials: Credentials?
    let client: HTTPClient
    var checkedTargets: Set<String> = []
  }

  init(_ options: Submit.Options) { self.options = options }

  func client() throws(StageFailure) -> HTTPClient { try opened().client }

  func close() { state.withLock { $0?.client.close() } }

  /// Checks the endpoint and reads the credentials; the second time it does nothing.
  ///
  /// On a thread of its own: a credentials command may take 10 s, and the pool has one thread a core.
  func open() async throws(StageFailure) {
    let result: Result<Void, StageFailure> = await withCheckedContinuation { continuation in
      let work: @Sendable () -> Void = {
        continuation.resume(
          returning: Result { () throws(StageFailure) in _ = try self.opened() })
      }
      if !SystemThread.start(work) { work() }
    }
    try result.get()
  }

  /// Asks a target, once, whether it can work with this endpoint and these credentials.
  func check(_ target: any Target) throws(StageFailure) {
    let opened = try opened()
    guard !opened.checkedTargets.contains(target.name) else { return }
    try target.check(opened.credentials, for: opened.endpoint)
    state.withLock { _ = $0?.checkedTargets.insert(target.name) }
  }

  /// The request for a submission, credentials included, within the submission's limit.
  func request(for submission: Submission, at time: UnixTime) throws -> HTTPRequest {
    try check(submission.target)
    let opened = try opened()
    let request =
      try submission.address.map { try direct(submission, to: $0, from: opened.endpoint) }
      ?? submission.target.request(
        for: submission, endpoint: opened.endpoint, credentials: opened.credentials, at: time)
    guard request.bodySize <= submission.bodyLimit else {
      throw StageFailure(
        .bodyTooLarge,
        "the body has \(request.bodySize) bytes, the limit is \(submission.bodyLimit): nothing was sent"
      )
    }
    return request
  }

  /// A request to an address that a server gave: without credentials or a signature, and never to where that
  /// server has no business: plain HTTP, or this machine while the endpoint is another.
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

  /// A text of the target in which none of the credentials is left, should it repeat them.
  func hidingSecrets(in text: String) -> String {
    let secrets = state.withLock { $0?.credentials?.texts } ?? []
    // Twice as much as is kept, so that no secret is cut before it is found.
    let literal = secrets.reduce(String(text.prefix(4_000))) {
      $0.replacing($1, with: TextMask.mark)
    }
    // Eight letters, so that the words of a PEM file are not hidden everywhere: BEGIN, PRIVATE, KEY.
    return TextMask(hiding: secrets, wordsFrom: 8).masked(literal, limit: 2_000, patterns: false)
  }

  private func opened() throws(StageFailure) -> State {
    if let opened = state.withLock({ $0 }) { return opened }
    try HTTPLibrary.check()
    // Outside the lock: a credentials command may take seconds.
    let endpoint = try checkedEndpoint()
    let (credentials, proxyCredentials) =
      try options.credentials.map {
        (text) throws(StageFailure) in try CredentialsSource(text).read().withoutProxy
      } ?? (nil, nil)
    var settings = HTTPSettings()
    settings.deadline = options.timeout
    settings.connectTimeout = options.connectTimeout
    settings.expect = options.expect
    settings.answerLimit = options.maxAnswer
    settings.caFile = try TrustFiles.authorities(options.caFile, for: endpoint)
    settings.clientIdentity = try TrustFiles.identity(
      certificate: options.clientCert, key: options.clientKey)
    settings.proxy = try Submit.proxy(options.proxy, for: endpoint)
    settings.proxy?.user = proxyCredentials?["user"]
    settings.proxy?.password = proxyCredentials?["pass"]
    let opened = State(
      endpoint: endpoint.url, credentials: credentials, client: HTTPClient(settings))
    state.withLock { $0 = opened }
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
  /// Every secret as a text might repeat it: as it is, and user and password as HTTP's basic authentication joins them.
  fileprivate var texts: [String] {
    let secrets = names.compactMap { self[$0]?.exposed }
    let joined = ["user", "pass"].compactMap { self[$0]?.exposed }
    let basic = Base64Text.text(Array(joined.joined(separator: CollectionOfOne(UInt8(ascii: ":")))))
    return (secrets.map { String(decoding: $0, as: UTF8.self) } + [basic]).filter { !$0.isEmpty }
  }
}
