public import IntakeCore

/// What became of one request: how far it got decides what may be believed about it.
public enum HTTPExchange: Sendable {
  /// Definitely not processed: no connection, or the body was held back.
  case notSent(NotSent)
  /// In doubt: bytes went out and no complete answer came back.
  case unanswered(Unanswered)
  /// A complete answer: header and body were read to their end.
  case answered(HTTPResponse, bodyBytes: Int)
}

/// Why nothing went out that a server could have processed.
public struct NotSent: Error, Sendable, Equatable {
  /// The phase that failed.
  public let reason: Reason
  /// libcurl's own words on it, made harmless; empty when it has none.
  public let detail: String

  /// The phases before the first byte of a body.
  public enum Reason: String, Sendable, CaseIterable {
    /// The address or a header field is not one that may be sent.
    case invalid
    /// The name does not resolve.
    case unresolved
    /// The connection was refused, or there is no route.
    case unreachable
    /// No connection within its time limit.
    case timedOut
    /// The TLS handshake broke off.
    case handshake
    /// The certificate is not trusted, or the CA file cannot be used; every further request would fail alike.
    case untrusted
    /// The connection ended after the header of the request and before its body.
    case withheld
    /// Somebody raised the abort flag.
    case aborted
  }
}

/// Why a request that went out has no complete answer.
public struct Unanswered: Sendable {
  /// What ended the exchange.
  public let reason: Reason
  /// Bytes of the body that were handed to the network.
  public let bodyBytes: Int
  /// The answer's header where that at least was complete; its body is left out.
  public let head: HTTPResponse?

  /// The ways an exchange ends early.
  public enum Reason: String, Sendable, CaseIterable {
    /// The time for the whole attempt ran out.
    case deadline
    /// The target stopped taking in the body.
    case stalled
    /// The connection was closed or reset before an answer.
    case closed
    /// The answer ended before its own end.
    case cutShort
    /// The answer is no HTTP/1.1.
    case malformed
    /// The answer is larger than its cap.
    case tooLarge
    /// Somebody raised the abort flag.
    case aborted
  }
}
