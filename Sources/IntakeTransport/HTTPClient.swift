public import IntakeCore
import Synchronization

/// Sends requests and waits for their answers; any number of threads may share one.
///
/// Each call is at most one transmission of a body. The one repeat is that of a header without its body,
/// after the server refused to be asked (417).
public final class HTTPClient: Sendable {
  /// How requests are sent.
  public let settings: HTTPSettings
  private let idle = Mutex<[EasyHandle]>([])
  /// Set once the server has shown that it does not understand `Expect`.
  private let ignoresExpect = Atomic<Bool>(false)

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
    let end = ContinuousClock.now + .seconds(settings.deadline)
    var limits = settings
    limits.answerLimit = answerLimit ?? settings.answerLimit
    let isExpecting =
      settings.expect.asks(bodySize: request.bodySize) && !ignoresExpect.load(ordering: .relaxed)
    let first = Transfer(request, expecting: isExpecting, limits: limits, abort: abort)
    let exchange = perform(first, to: endpoint, until: end)
    if first.waitedInVain || first.wasRefusedExpectation {
      ignoresExpect.store(true, ordering: .relaxed)
    }
    guard first.wasRefusedExpectation else { return exchange }
    let second = Transfer(request, expecting: false, limits: limits, abort: abort)
    return perform(second, to: endpoint, until: end)
  }

  /// Closes the connections that wait for a next request.
  public func close() { idle.withLock { $0.removeAll() } }

  private func perform(
    _ transfer: Transfer, to endpoint: Endpoint, until end: ContinuousClock.Instant
  )
    -> HTTPExchange
  {
    guard !transfer.abort.isRaised else {
      return .notSent(NotSent(reason: .aborted, detail: ""))
    }
    guard let handle = idle.withLock({ $0.popLast() }) ?? EasyHandle() else {
      return .notSent(NotSent(reason: .unreachable, detail: "libcurl has no memory for a transfer"))
    }
    defer { idle.withLock { $0.append(handle) } }
    return handle.perform(
      transfer, to: endpoint, deadline: end - ContinuousClock.now, settings: settings)
  }
}
