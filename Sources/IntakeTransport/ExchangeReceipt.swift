import CCurl
public import IntakeCore

extension Receipt {
  /// What an exchange means for a submission; the target reads answers that only it understands.
  public init(of exchange: HTTPExchange, for submission: Submission, at time: UnixTime) {
    switch exchange {
    case .notSent(let cause):
      self.init(notSent: cause)
    case .unanswered(let cause):
      self.init(unanswered: cause, repeatSafety: submission.repeatSafety, at: time)
      bodyBytes = cause.bodyBytes
    case .answered(let response, let body):
      // At an address that is its own permission, no refusal, limit or redirect is about the run's endpoint.
      let isOwn =
        submission.address != nil
        && ([401, 403, 413].contains(response.status) || (300..<400).contains(response.status))
      if !isOwn,
        var shared = Receipt(
          sharedBy: response, repeatSafety: submission.repeatSafety, body: body, at: time)
      {
        // The target can't explain a page of something in between.
        if GatewayPage(response) == nil {
          let skew = response.clockSkew(at: time)
          shared.hint = submission.target.hint(for: response, clockSkew: skew) ?? shared.hint
        }
        self = shared
      } else {
        self = submission.target.receipt(for: response, to: submission)
      }
      http = http ?? response.status
      if outcome != .accepted, submission.address == nil {
        message = submission.target.message(in: response).map { Personal($0) }
      }
      (bodyBytes, bodySize) = (body.given, body.size)
    }
  }

  /// Nothing went out, so it may be sent again, unless every row would fail in the same way.
  public init(notSent cause: NotSent) {
    let (outcome, code, what, hint): (OutcomeClass, FailureCode, String, String?) =
      switch cause.reason {
      case .invalid: (.fatal, .wrongEndpoint, "the request cannot be sent", nil)
      case .untrusted:
        (
          .fatal, .tlsFailed, "the target's certificate is not trusted",
          "check the endpoint's name and certificate; an authority of your own, or of a proxy that looks "
            + "inside, goes into --ca-file FILE; there is no insecure mode"
        )
      case .handshake:
        (
          .retryable(after: nil), .tlsFailed, "no TLS session",
          "check the endpoint's port and its TLS version; where it wants a client certificate, "
            + Hint.clientCertificate
        )
      case .clientCertificate:
        (
          .fatal, .tlsFailed, "the target wants another client certificate, or it cannot be used",
          Hint.clientCertificate + ", and check that they belong together and to this target"
        )
      case .proxy:
        (
          .retryable(after: nil), .connectionFailed, "no connection through the proxy",
          "check the proxy's address; --proxy URL names another, --proxy none goes without"
        )
      case .proxyRefused:
        (
          .fatal, .connectionFailed, "the proxy refuses this target",
          "have the target's host allowed at the proxy; --proxy URL names another, --proxy none goes without"
        )
      case .proxyCredentials:
        (
          .fatal, .connectionFailed, "the proxy wants a user name and password",
          #"put "proxy":{"user":"…","pass":"…"} into the credentials file"#
        )
      case .proxyCredentialsRefused:
        (
          .fatal, .connectionFailed, "the proxy refuses the user name or password",
          #"correct "proxy":{"user":"…","pass":"…"} in the credentials file"#
        )
      case .aborted: (.retryable(after: nil), .stopped, "the run stopped before sending", nil)
      case .withheld:
        (
          .retryable(after: nil), .connectionFailed,
          "the connection ended before the body was sent",
          // With TLS 1.3 a reset may overtake the alert that tells why.
          "check the endpoint and the network, and where it wants a client certificate, "
            + Hint.clientCertificate + "; then run the same command again"
        )
      case .unresolved, .unreachable, .timedOut:
        (.retryable(after: nil), .connectionFailed, "no connection", nil)
      }
    let needsDetail = !cause.detail.isEmpty && ![.aborted, .withheld].contains(cause.reason)
    self.init(
      outcome, code: code, detail: needsDetail ? "\(what): \(cause.detail)" : what, hint: hint)
  }

  /// The header alone is enough for what is the same everywhere (401, 429 …); all else but reads is in doubt.
  init(unanswered cause: Unanswered, repeatSafety: RepeatSafety, at time: UnixTime) {
    if let head = cause.head,
      let receipt = Receipt(sharedBy: head, repeatSafety: repeatSafety, at: time)
    {
      self = receipt
      return
    }
    self.init(
      repeatSafety == .safe ? .retryable(after: nil) : .inDoubt, http: cause.head?.status,
      code: .noAnswer, detail: "\(cause.reason.rawValue) after \(cause.bodyBytes) bytes of the body"
    )
  }

  /// What an answer means at every target; nil if only the target can tell.
  ///
  /// | status | meaning |
  /// |---|---|
  /// | 3xx | fatal `redirected`: never followed, the detail names the host |
  /// | 401, 403 | fatal `credentials_refused`: further tries could lock the account |
  /// | 408, 5xx | in doubt `target_failed`; retryable for reads and when no byte of the body had left |
  /// | 413 | rejected `body_too_large` |
  /// | 425 | retryable: refused unprocessed (RFC 8470) |
  /// | 429; 503 with `Retry-After`, or as a page of nginx or HAProxy | yield `throttled`: refused unprocessed |
  /// | other 4xx as a page of a gateway | rejected `refused_by_gateway`, 404, 405 and 410 excepted |
  /// | 2xx before the whole body had left | in doubt `unrecognized_answer` |
  /// | other 2xx and 4xx | the target's to read |
  ///
  /// - Parameter body: how far the request's body had got; nil for all of it.
  public init?(
    sharedBy response: HTTPResponse, repeatSafety: RepeatSafety, body: SentBody? = nil,
    at time: UnixTime
  ) {
    let page = response.isSuccess ? nil : GatewayPage(response)
    if response[header: "Retry-After"] == nil, let receipt = page?.receipt(for: response.status) {
      self = receipt
      return
    }
    self.init(status: response, repeatSafety: repeatSafety, body: body, at: time)
    guard let page else { return }
    detail = detail.map { $0 + page.words }
    hint = hint ?? page.hint(for: response.status)
  }

  private init?(
    status response: HTTPResponse, repeatSafety: RepeatSafety, body: SentBody?, at time: UnixTime
  ) {
    let status = response.status
    switch status {
    case 200...299 where body?.isWhole == false:
      self.init(
        .inDoubt, code: .unrecognizedAnswer,
        detail: "accepted before the whole body was sent (\(body?.size ?? 0) bytes)")
    case 300...399:
      self.init(.fatal, code: .redirected, detail: Receipt.redirection(of: response))
    case 401, 403:
      self.init(
        .fatal, code: .credentialsRefused, detail: Receipt.refusal(of: response, at: time))
    case 413:
      self.init(
        .rejected, code: .bodyTooLarge, detail: "the target answered 413: the body is too large")
    case 425:
      self.init(.retryable(after: nil), code: .targetFailed, detail: "the target answered 425")
    case 429:
      self.init(throttling: response, at: time)
    case 503 where response[header: "Retry-After"] != nil:
      self.init(throttling: response, at: time)
    case 408, 500...599:
      let isDefinite = repeatSafety == .safe || body?.wasHeld == true
      self.init(
        isDefinite ? .retryable(after: nil) : .inDoubt, code: .targetFailed,
        detail: "the target answered \(status)")
    default: return nil
    }
    http = status
  }

  private init(throttling response: HTTPResponse, at time: UnixTime) {
    let wait = RetryAfter.seconds(in: response, now: time)
    self.init(
      .yield(after: wait), code: .throttled,
      detail: "the target answered \(response.status)"
        + (wait.map { " and asks for \(Int($0.rounded(.up))) s" } ?? ""), hint: Hint.rate)
  }

  /// Only names the host, because the rest of an address may hold a token.
  private static func redirection(of response: HTTPResponse) -> String {
    let place = response[header: "Location"].map { location in
      URLParts(location).map { " to the host \(Sanitizer.clean($0.host, limit: 100))" }
        ?? " to another path of its own"
    }
    return "the target answered \(response.status), a redirect" + (place ?? " without an address")
  }

  /// Reports clocks that differ, because a signature with a wrong time is refused like one with a wrong key.
  private static func refusal(of response: HTTPResponse, at time: UnixTime) -> String {
    let base = "the target answered \(response.status)"
    guard let skew = response.clockSkew(at: time), abs(skew) > 30 else { return base }
    let place = skew > 0 ? "behind" : "ahead of"
    return base + "; this machine's clock is \(Int(abs(skew))) s \(place) its own"
  }
}

extension HTTPResponse {
  /// Seconds by which the sender's clock is ahead, by its `Date`; nil without one, or beyond 30 years.
  func clockSkew(at time: UnixTime) -> Double? {
    guard let date = date(in: "Date"), abs(date - time) < 1e9 else { return nil }
    return date - time
  }

  /// The date in a header field (RFC 9110 §5.6.7), as libcurl reads it; nil without one.
  fileprivate func date(in name: String) -> UnixTime? {
    let seconds = self[header: name].map { curl_getdate($0, nil) } ?? -1
    return seconds < 0 ? nil : UnixTime(seconds)
  }
}

/// How long a server asks to be left alone (RFC 9110 §10.2.3).
public enum RetryAfter {
  /// The longest wait that is reported, in seconds: 30 years; the runner decides what is too long.
  public static let longest = 1e9

  /// Seconds to wait, 0 to 1,000,000,000; nil without the field and for anything but a number or a date.
  ///
  /// A date is compared with the answer's own `Date`, so that a wrong clock here does no harm.
  public static func seconds(in response: HTTPResponse, now: UnixTime) -> Double? {
    guard let value = response[header: "Retry-After"] else { return nil }
    if value.isASCIIDigits { return min(longest, Double(value) ?? longest) }
    guard let date = response.date(in: "Retry-After") else { return nil }
    return min(longest, max(0, date - (response.date(in: "Date") ?? now)))
  }
}
