import CCurl
public import IntakeCore

/// What became of a request: how far it got decides what may be concluded.
public enum HTTPExchange: Sendable {
  /// Definitely not processed: there was no connection, or the body was held back.
  case notSent(NotSent)
  /// In doubt: bytes went out and no complete answer came back.
  case unanswered(Unanswered)
  /// A complete answer, header and body, and how far the request's body had got.
  case answered(HTTPResponse, SentBody)

  /// Whether a part of the request may have been taken, and no answer tells what became of the whole.
  var leavesDoubt: Bool {
    switch self {
    case .notSent: false
    case .unanswered: true
    case .answered(let response, let body): response.isSuccess && !body.isWhole
    }
  }

  /// Whether the answer is that of a request that was taken whole (2xx).
  var endedWell: Bool {
    guard case .answered(let response, let body) = self else { return false }
    return response.isSuccess && body.isWhole
  }
}

/// How far the body of a request had got when its answer was complete.
public struct SentBody: Sendable {
  /// Bytes of the whole body, credentials included.
  public let size: Int
  /// Bytes that libcurl was given: no more can have left.
  public let given: Int
  /// Bytes that had surely arrived, because the other side's TCP had confirmed them.
  public let arrived: Int

  /// Whether it was held back entirely.
  public var wasHeld: Bool { given == 0 && size > 0 }
  /// Whether all of it had arrived: what the other side says about a part of it is not about the row.
  public var isWhole: Bool { arrived >= size }

  /// Counts the bytes of a body.
  public init(size: Int, given: Int, arrived: Int) {
    self.size = size
    self.given = given
    self.arrived = arrived
  }

  /// A body that had arrived entirely.
  public init(whole size: Int) { self.init(size: size, given: size, arrived: size) }
}

/// Why nothing went out that a server could have processed.
public struct NotSent: Error, Sendable, Equatable {
  /// The phase that failed.
  public let reason: Reason
  /// libcurl's message, made harmless; may be empty.
  public let detail: String

  /// The phases before the first byte of a body.
  public enum Reason: String, Sendable, CaseIterable {
    /// The address or a header field must not be sent.
    case invalid
    /// The name does not resolve.
    case unresolved
    /// The connection was refused, or there is no route.
    case unreachable
    /// No connection within its time limit.
    case timedOut
    /// The proxy cannot be reached, or could not reach the target.
    case proxy
    /// The proxy refuses to connect to the target; every further request would fail alike.
    case proxyRefused
    /// The proxy wants a user and password, and there are none (407).
    case proxyCredentials
    /// The proxy refuses the user and password that it was given (407).
    case proxyCredentialsRefused
    /// The TLS handshake broke off.
    case handshake
    /// The target wants a client certificate or refuses this one, or it can't be used.
    case clientCertificate
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
  /// The answer's header, if that at least was complete, without the body.
  public let head: HTTPResponse?

  /// The ways an exchange ends early, in words.
  public enum Reason: String, Sendable, CaseIterable {
    /// The time for the whole attempt ran out.
    case deadline = "no complete answer in time"
    /// The target stopped taking in the body.
    case stalled = "the target stopped reading"
    /// The connection was closed or reset before an answer.
    case closed = "the connection was closed without an answer"
    /// The answer ended early.
    case cutShort = "the answer was cut short"
    /// The answer isn't HTTP/1.1.
    case malformed = "the answer isn't HTTP"
    /// The answer is over its size limit.
    case tooLarge = "the answer is over its size limit"
    /// Somebody raised the abort flag.
    case aborted = "the run was stopped"
  }
}

extension Transfer {
  /// The result of the exchange, which libcurl has ended with `code`.
  ///
  /// - Parameters:
  ///   - proxy: the status of its answer to CONNECT, 0 if there was none, and whether it was told who we are; nil without
  ///     a proxy.
  ///   - written: bytes of the body that libcurl has written to the connection.
  func exchange(
    after code: CURLcode, detail: String, proxy: (status: Int, isToldUser: Bool)?, written: Int
  ) -> HTTPExchange {
    if code == CURLE_OK, stop == nil, let response = head.response(body: body) {
      let arrived = max(0, written - unconfirmed)
      return .answered(response, SentBody(size: bodySize, given: bodyBytes, arrived: arrived))
    }
    if starts == 0 {
      let reason =
        proxy.flatMap { NotSent.Reason(code, proxy: $0.status, isToldUser: $0.isToldUser) }
        ?? NotSent.Reason(code)
      return .notSent(NotSent(reason: reason, detail: Sanitizer.clean(detail)))
    }
    if head.status == 0, NotSent.Reason.isAboutClientCertificate(detail) {
      return .notSent(NotSent(reason: .clientCertificate, detail: Sanitizer.clean(detail)))
    }
    let reason = stop ?? Unanswered.Reason(code)
    if bodySize > 0, bodyBytes == 0, !head.isComplete {
      return .notSent(NotSent(reason: reason == .aborted ? .aborted : .withheld, detail: ""))
    }
    return .unanswered(
      Unanswered(reason: reason, bodyBytes: bodyBytes, head: head.response(body: [])))
  }
}

extension NotSent.Reason {
  /// The reason for libcurl's code, for an exchange that ended before its header went out.
  init(_ code: CURLcode) {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: self = .unresolved
    case CURLE_OPERATION_TIMEDOUT: self = .timedOut
    case CURLE_SSL_CONNECT_ERROR: self = .handshake
    case CURLE_SSL_CERTPROBLEM: self = .clientCertificate
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      self = .untrusted
    case CURLE_ABORTED_BY_CALLBACK: self = .aborted
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT,
      CURLE_UNKNOWN_OPTION, CURLE_NOT_BUILT_IN:
      self = .invalid
    default: self = .unreachable
    }
  }

  /// The same with a proxy that answered `status` to CONNECT; nil if the code isn't about the proxy.
  init?(_ code: CURLcode, proxy status: Int, isToldUser: Bool) {
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY, CURLE_COULDNT_CONNECT: self = .proxy
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_ABORTED_BY_CALLBACK:
      return nil
    default:
      switch status {
      case 407: self = isToldUser ? .proxyCredentialsRefused : .proxyCredentials
      case 400...499: self = .proxyRefused
      case 500...599: self = .proxy
      default: return nil
      }
    }
  }

  /// Whether libcurl's message on a broken connection repeats an alert that only ends handshakes (RFC 8446 §6.2).
  ///
  /// In TLS 1.3 the target checks the client's certificate when the handshake is over for the client, so the alert comes
  /// in place of an answer. Nothing of the request has been read then.
  static func isAboutClientCertificate(_ words: String) -> Bool {
    guard words.contains("alert") else { return false }
    return [
      "certificate required", "bad certificate", "unsupported certificate", "certificate revoked",
      "certificate expired", "certificate unknown", "unknown ca",
    ].contains(where: words.contains)
  }
}

extension Unanswered.Reason {
  /// The reason for libcurl's code, for an exchange that ended after its header went out.
  init(_ code: CURLcode) {
    switch code {
    case CURLE_OPERATION_TIMEDOUT: self = .deadline
    // 0 with an incomplete header: the connection was closed inside a header line.
    case CURLE_OK, CURLE_PARTIAL_FILE: self = .cutShort
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
      self = .malformed
    default: self = .closed
    }
  }
}
