import IntakeCore
import IntakeTransport
import Synchronization

/// What `prepare` makes of the options: a checked endpoint, the credentials, and the connections.
final class SubmitSession: Sendable {
  let client: HTTPClient
  private let options: SubmitOptions
  private let state = Mutex<State?>(nil)

  private struct State {
    let endpoint: String
    let credentials: Credentials?
    var checkedTargets: Set<String> = []
  }

  init(_ options: SubmitOptions) {
    self.options = options
    client = HTTPClient(options.settings)
  }

  /// Checks the endpoint and reads the credentials; the second time it does nothing.
  func open() throws(StageFailure) { _ = try opened() }

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

  /// A request to an address that a server told: no credentials, no signature, and never to where that server
  /// has no business: plain HTTP, or this machine while the endpoint is another.
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
        .uploadRefused, "the target told an address that is not https on a host of its own",
        hint: "ask the vendor; nothing was sent to that address")
    }
    return HTTPRequest(
      method: submission.method, url: url, headers: submission.headers,
      body: submission.body.map { $0.bytes(with: nil) })
  }

  private func opened() throws(StageFailure) -> State {
    if let opened = state.withLock({ $0 }) { return opened }
    try HTTPLibrary.check()
    // Outside the lock: a credentials command may take seconds.
    let opened = State(endpoint: try checkedEndpoint(), credentials: try credentials())
    state.withLock { $0 = opened }
    return opened
  }

  private func checkedEndpoint() throws(StageFailure) -> String {
    guard let text = options.endpoint, !text.isEmpty else {
      throw StageFailure(
        .wrongEndpoint, "submit has no endpoint", hint: "give --endpoint URL", outcome: .fatal)
    }
    do { return try Endpoint(text).url } catch {
      throw StageFailure(
        .wrongEndpoint, error.description, hint: "correct --endpoint", outcome: .fatal)
    }
  }

  private func credentials() throws(StageFailure) -> Credentials? {
    guard let text = options.credentials else { return nil }
    return try CredentialsSource(text).read()
  }
}
