public import IntakeCore
import Synchronization

/// Sends requests and waits for their answers; any number of threads may share one.
///
/// Each call is at most one transmission of a body. The one repeat is that of a header without its body, after the
/// server refused to be asked (417) or gave no leave on a kept connection.
public final class HTTPClient: Sendable {
  /// How requests are sent.
  public let settings: HTTPSettings
  private let idle = Mutex<[EasyHandle]>([])
  /// Set once the server has shown that it does not understand `Expect`.
  private let ignoresExpect = Atomic<Bool>(false)
  /// The largest body that each origin has taken in, in bytes; a larger one may be over its limit.
  private let taken = Mutex<[String: Int]>([:])
  /// Set once a connection broke on which a body had gone out without leave.
  private let breaksConnections = Atomic<Bool>(false)

  /// Starts without a connection.
  public init(_ settings: HTTPSettings = HTTPSettings()) { self.settings = settings }

  /// Sends a request and blocks until its answer is complete, its deadline is over or the flag is raised.
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
    // Without leave no byte of the body has left, and it may go out once, on a new connection.
    let isHeldBack = first.wasRefusedExpectation || first.waitedInVain && first.bodyBytes == 0
    guard isHeldBack else { return exchange }
    let second = transfer(request, to: endpoint, on: handle, limits, abort)
    return perform(second, on: handle, to: endpoint, until: end)
  }

  /// Closes the connections that wait for a next request.
  public func close() { idle.withLock { $0.removeAll() } }

  /// Asks before the body goes out where that is worth it, and where a kept connection could break at that moment.
  ///
  /// Leave costs a round trip: at 40 ms and 8 connections 83 rows a second instead of 159. A connection that has
  /// answered well a moment ago needs none, because nobody closes it for being idle, and a body no larger than others
  /// that were taken in isn't refused for its size. The first that breaks nevertheless ends this for the whole run.
  private func transfer(
    _ request: HTTPRequest, to endpoint: Endpoint, on handle: EasyHandle, _ limits: HTTPSettings,
    _ abort: AbortFlag
  ) -> Transfer {
    let (size, isKept) = (request.bodySize, handle.keepsConnection)
    let mayAsk = settings.expect != .never && !ignoresExpect.load(ordering: .relaxed)
    let goesAtOnce = mayAsk && mayGoAtOnce(size, to: endpoint.origin, on: handle)
    let isExpecting =
      mayAsk && !goesAtOnce && settings.expect.asks(bodySize: size, onKeptConnection: isKept)
    // Nobody can tell beforehand whether the server will have closed a kept connection.
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
  /// Whether it changes nothing by its method (RFC 9110 §9.2.1), so that it may be repeated.
  var isReading: Bool { ["GET", "HEAD"].contains(method) }
}

/// How requests are sent; the times bound every attempt, whatever the server does.
public struct HTTPSettings: Sendable {
  /// Seconds for one attempt, from resolving the name to the last byte of the answer; 0.05 to 3600.
  public var deadline: Double = 60
  /// Seconds of those for name, connection and TLS; 0.05 to 600.
  public var connectTimeout: Double = 10
  /// Seconds in which a server must take in 1,000 bytes of the body for each; slower than that is a stall.
  public var stallWindow: Double = 20
  /// The most bytes of an answer's body.
  public var answerLimit = 1 << 20
  /// A PEM file with the only authorities to trust; nil for the system's.
  public var caFile: String?
  /// What this machine shows to a target that wants to know its clients (mTLS); nil for nothing.
  public var clientIdentity: ClientIdentity?
  /// The way through a proxy; nil for the direct one, whatever the environment says.
  public var proxy: ProxyRoute?
  /// When to ask the server before the body goes out.
  public var expect = ExpectPolicy.auto
  /// Seconds after a good answer in which a body needs no leave on the same connection: servers close idle
  /// connections after whole seconds.
  public var freshness = 0.1
  /// Whether a connection is kept for the next request; off only where a test needs it.
  public var keepsConnections = true

  /// The defaults.
  public init() {}
}

/// A certificate and its private key, both as PEM text.
public struct ClientIdentity: Sendable {
  /// The certificate, and after it those that lead to its authority.
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
  /// With bodies over 64 KiB, and with every body on a connection that was kept from an earlier request, because the
  /// server may close that one at the same moment; for as long as the server answers in time. A kept connection that
  /// has just answered takes a body at once.
  case auto
  /// With every body, for as long as the server answers in time.
  case always
  /// Never; each body then has a connection of its own.
  case never

  /// Every row with an image is above this; a status change below it would wait longer than it takes to send.
  static let threshold = 65_536

  func asks(bodySize: Int, onKeptConnection isKept: Bool) -> Bool {
    switch self {
    case .auto: return bodySize > (isKept ? 0 : ExpectPolicy.threshold)
    case .always: return bodySize > 0
    case .never: return false
    }
  }
}

/// Ends an exchange early: may be raised from any thread, also from a cancellation handler.
///
/// libcurl looks at it whenever data moves and at least once a second.
public final class AbortFlag: Sendable {
  private let raised = Atomic<Bool>(false)

  /// Starts lowered.
  public init() {}

  /// Whether it was raised.
  public var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// Asks for the end; there is no way back.
  public func raise() { raised.store(true, ordering: .relaxed) }
}
