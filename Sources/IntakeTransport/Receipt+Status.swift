public import IntakeCore

extension Receipt {
  /// What an answer means at every target alike; nil when only the target can tell.
  ///
  /// | status | meaning |
  /// |---|---|
  /// | 3xx | fatal `redirected`: never followed, the detail names the host |
  /// | 401, 403 | fatal `credentials_refused`: further tries could lock the account |
  /// | 408, 5xx | in doubt `target_failed`; retryable for reads and when no byte of the body had left |
  /// | 413 | rejected `body_too_large` |
  /// | 425 | retryable: refused unprocessed (RFC 8470) |
  /// | 429; 503 with `Retry-After` | yield `throttled`: refused unprocessed |
  /// | 2xx before the body had left | in doubt `unrecognized_answer` |
  /// | other 2xx and 4xx | the target's to read |
  public init?(
    sharedBy response: HTTPResponse, repeatSafety: RepeatSafety, bodyWasHeld: Bool = false,
    at time: UnixTime
  ) {
    let status = response.status
    switch status {
    case 200...299 where bodyWasHeld:
      self.init(.inDoubt, code: .unrecognizedAnswer, detail: "accepted before the body was sent")
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
      let isDefinite = repeatSafety == .safe || bodyWasHeld
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
        + (wait.map { " and asks for \(Int($0.rounded(.up))) s" } ?? ""))
  }

  /// The host only: the rest of an address may carry a token.
  private static func redirection(of response: HTTPResponse) -> String {
    let place = response[header: "Location"].map { location in
      URLParts(location).map { " to the host \(Sanitizer.clean($0.host, limit: 100))" }
        ?? " to another path of its own"
    }
    return "the target answered \(response.status), a redirect" + (place ?? " without an address")
  }

  /// Says by how much the clocks differ, for a signature with a wrong time is refused like a wrong key.
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
    guard let date = self[header: "Date"].flatMap({ HTTPDate.parse($0, now: time) }),
      abs(date - time) < 1e9
    else { return nil }
    return date - time
  }
}
