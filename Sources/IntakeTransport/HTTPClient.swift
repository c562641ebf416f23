public import IntakeCore
import Synchronization

/// Sends requests and waits for their answers; any number of threads may share one.
///
/// A call sends a body once at most. Only a header without its body is repeated, after the server refused `Expect`
/// (417) or didn't answer it on a kept connection.
public final class HTTPClient: Sendable {
  /// How requests are sent.
  public let settings: HTTPSettings
  private let idle = Mutex<[EasyHandle]>([])
  /// Whether the server has shown that it doesn't understand `Expect`.
  private let ignoresExpect = Atomic<Bool>(false)
  /// The largest body that each origin has accepted, in bytes; a larger one may be over its limit.
  private let taken = Mutex<[String: Int]>([:])
  /// Whether a connection broke on which a body had gone out without asking first.
  private let breaksConnections = Atomic<Bool>(false)

  /// Starts without a connection.
  public init(_ settings: HTTPSettings = HTTPSettings()) { self.settings = settings }

  /// Sends a request and blocks until the answer is complete, time is up or the flag is raised.
  public func send(
    _ request: HTTPRequest, answerLimit: Int? = nil, abort: AbortFlag = AbortFlag()
  ) -> HTTPExchange {
    let endpoint: Endpoint
    do { endpoint = try Endpoint(request: request.url) } catch {
      return .notSent(NotSent(reason: .invalid, detail: error.description))
    }
    guard let handle = idle.withLock({ $0.popLast() }) ?? EasyHandle() else {
      return .notSent(NotSent(reason: .unreachable, detail: "libcurl has no memory for a transfer"))
    }
    defer { idle.withLock { $0.append(handle) } }
    let end = ContinuousClock.now + .seconds(settings.deadline)
    var limits = settings
    limits.answerLimit = answerLimit ?? settings.answerLimit
    let first = transfer(request, to: endpoint, on: handle, limits, abort)
    let exchange = perform(first, on: handle, to: endpoint, until: end)
    learn(from: exchange, of: first, endpoint)
    if first.waitedInVain || first.wasRefusedExpectation {
      ignoresExpect.store(true, ordering: .relaxed)
    }
    // No byte of the body has left yet, so it may go out on a new connection.
    let isHeldBack = first.wasRefusedExpectation || first.waitedInVain && first.bodyBytes == 0
    guard isHeldBack else { return exchange }
    let second = transfer(request, to: endpoint, on: handle, limits, abort)
    return perform(second, on: handle, to: endpoint, until: end)
  }

  /// Closes the connections that wait for a next request.
  public func close() { idle.withLock { $0.removeAll() } }

  /// Decides whether to ask the server before the body goes out: for large bodies, and on kept connections, which the
  /// server may just be closing.
  ///
  /// Asking costs a round trip: at 40 ms and 8 connections 83 rows a second instead of 159. It isn't needed on a
  /// connection that has answered well a moment ago, which nobody closes for being idle, if the body is no larger than
  /// others that were accepted. The first such connection that breaks ends this for the whole run.
  private func transfer(
    _ request: HTTPRequest, to endpoint: Endpoint, on handle: EasyHandle, _ limits: HTTPSettings,
    _ abort: AbortFlag
  ) -> Transfer {
    let (size, isKept) = (request.bodySize, handle.keepsConnection)
    let mayAsk = settings.expect != .never && !ignoresExpect.load(ordering: .relaxed)
    let goesAtOnce = mayAsk && mayGoAtOnce(size, to: endpoint.origin, on: handle)
    let isExpecting =
      mayAsk && !goesAtOnce && settings.expect.asks(bodySize: size, onKeptConnection: isKept)
    // A kept connection may turn out to be closed.
    let connection: Transfer.Connection
    switch (size, mayAsk) {
    case (0, _): connection = request.isReading ? .kept : .own
    case (_, false): connection = .own
    case (_, true): connection = goesAtOnce ? .keptJustNow : isKept ? .keptWithLeave : .kept
    }
    return Transfer(
      request, expecting: isExpecting, on: connection, limits: limits, abort: abort)
  }

  private func mayGoAtOnce(_ size: Int, to origin: String, on handle: EasyHandle) -> Bool {
    settings.expect == .auto && !breaksConnections.load(ordering: .relaxed)
      && handle.hasAnswered(from: origin, within: settings.freshness)
      && size <= taken.withLock { $0[origin] ?? 0 }
  }

  private func learn(from exchange: HTTPExchange, of transfer: Transfer, _ endpoint: Endpoint) {
    if exchange.endedWell {
      taken.withLock { $0[endpoint.origin] = max($0[endpoint.origin] ?? 0, transfer.bodyBytes) }
    }
    if case .unanswered(let end) = exchange, end.reason == .closed,
      transfer.connection == .keptJustNow
    {
      breaksConnections.store(true, ordering: .relaxed)
    }
  }

  private func perform(
    _ transfer: Transfer, on handle: EasyHandle, to endpoint: Endpoint,
    until end: ContinuousClock.Instant
  ) -> HTTPExchange {
    guard !transfer.abort.isRaised else {
      return .notSent(NotSent(reason: .aborted, detail: ""))
    }
    return handle.perform(
      transfer, to: endpoint, deadline: end - ContinuousClock.now, settings: settings)
  }
}

extension HTTPRequest {
  /// Whether its method is safe (RFC 9110 §9.2.1), so that it may be repeated.
  var isReading: Bool { ["GET", "HEAD"].contains(method) }
}

/// How requests are sent; the times hold for every attempt, whatever the server does.
public struct HTTPSettings: Sendable {
  /// Seconds for one attempt, from resolving the name to the last byte of the answer; 0.05 to 3600.
  public var deadline: Double = 60
  /// Seconds of those for name, connection and TLS; 0.05 to 600.
  public var connectTimeout: Double = 10
  /// Seconds after which a server has stalled that took in less than 1,000 bytes of the body a second.
  public var stallWindow: Double = 20
  /// The most bytes of an answer's body.
  public var answerLimit = 1 << 20
  /// A PEM file of the only authorities to trust; nil for the system's.
  public var caFile: String?
  /// The client certificate for a target that wants one (mTLS).
  public var clientIdentity: ClientIdentity?
  /// The proxy; nil for none, whatever the environment says.
  public var proxy: ProxyRoute?
  /// When to ask the server before the body goes out.
  public var expect = ExpectPolicy.auto
  /// Seconds to wait for the server's leave (`100 Continue`); then the body goes out without it.
  public var leaveTimeout: Double = 1
  /// Seconds after a good answer in which a body may follow on the same connection without asking: servers close idle
  /// connections after whole seconds.
  public var freshness = 0.1
  /// Whether connections are kept for the next request; only tests turn this off.
  public var keepsConnections = true

  /// The defaults.
  public init() {}
}

/// A certificate and its private key, both as PEM text.
public struct ClientIdentity: Sendable {
  /// The certificate, followed by those that lead to its authority.
  public let certificate: [UInt8]
  /// The key, without a passphrase.
  public let key: Secret

  /// Pairs a certificate with its key.
  public init(certificate: [UInt8], key: Secret) {
    self.certificate = certificate
    self.key = key
  }
}

/// When `Expect: 100-continue` goes with a request (RFC 9110 §10.1.1).
public enum ExpectPolicy: String, Sendable, CaseIterable {
  /// With bodies over 64 KiB, and with every body on a kept connection that hasn't just answered, because the server
  /// may be closing it; as long as the server answers in time.
  case auto
  /// With every body, as long as the server answers in time.
  case always
  /// Never; each body then gets its own connection.
  case never

  /// Rows with images are larger; a status change is smaller, and sent in less time than asking takes.
  static let threshold = 65_536

  func asks(bodySize: Int, onKeptConnection isKept: Bool) -> Bool {
    switch self {
    case .auto: return bodySize > (isKept ? 0 : ExpectPolicy.threshold)
    case .always: return bodySize > 0
    case .never: return false
    }
  }
}

/// Ends an exchange early; may be raised from any thread, also from a cancellation handler.
///
/// libcurl looks at it whenever data moves and at least once a second.
public final class AbortFlag: Sendable {
  private let raised = Atomic<Bool>(false)

  /// Starts lowered.
  public init() {}

  /// Whether it was raised.
  public var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// Asks for the end for good.
  public func raise() { raised.store(true, ordering: .relaxed) }
}
