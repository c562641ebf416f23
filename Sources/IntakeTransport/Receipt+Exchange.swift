public import IntakeCore

extension Receipt {
  /// What one exchange means for a submission; asks the target about answers that only it can read.
  public init(of exchange: HTTPExchange, for submission: Submission, at time: UnixTime) {
    switch exchange {
    case .notSent(let cause):
      self.init(notSent: cause)
    case .unanswered(let cause):
      self.init(unanswered: cause, repeatSafety: submission.repeatSafety, at: time)
      bodyBytes = cause.bodyBytes
    case .answered(let response, let sent):
      let isHeld = sent == 0 && submission.body.contains { !$0.bytes(with: nil).isEmpty }
      // At an address that is its own permission, neither a refusal nor a redirect is about the run's endpoint.
      let isOwn =
        submission.address != nil
        && ([401, 403].contains(response.status) || (300..<400).contains(response.status))
      if !isOwn,
        var shared = Receipt(
          sharedBy: response, repeatSafety: submission.repeatSafety, bodyWasHeld: isHeld, at: time)
      {
        let skew = response.clockSkew(at: time)
        shared.hint = submission.target.hint(for: response, clockSkew: skew) ?? shared.hint
        self = shared
      } else {
        self = submission.target.receipt(for: response, to: submission)
      }
      http = http ?? response.status
      bodyBytes = sent
    }
  }

  /// Nothing went out: safe to send again, unless every row would fail alike.
  public init(notSent cause: NotSent) {
    let words = cause.detail.isEmpty ? "" : ": " + cause.detail
    switch cause.reason {
    case .invalid:
      self.init(.fatal, code: .wrongEndpoint, detail: "the request cannot be sent" + words)
    case .untrusted:
      self.init(.fatal, code: .tlsFailed, detail: "the target's certificate is not trusted" + words)
    case .handshake:
      self.init(.retryable(after: nil), code: .tlsFailed, detail: "no TLS session" + words)
    case .aborted:
      self.init(.retryable(after: nil), code: .stopped, detail: "the run stopped before sending")
    case .withheld:
      self.init(
        .retryable(after: nil), code: .connectionFailed,
        detail: "the connection ended before the body was sent")
    case .unresolved, .unreachable, .timedOut:
      self.init(.retryable(after: nil), code: .connectionFailed, detail: "no connection" + words)
    }
  }

  /// The header alone settles what is the same everywhere (401, 429 …); all else is in doubt, reads excepted.
  init(unanswered cause: Unanswered, repeatSafety: RepeatSafety, at time: UnixTime) {
    if let head = cause.head,
      let receipt = Receipt(sharedBy: head, repeatSafety: repeatSafety, at: time)
    {
      self = receipt
      return
    }
    let words = Receipt.words(for: cause.reason)
    self.init(
      repeatSafety == .safe ? .retryable(after: nil) : .inDoubt, http: cause.head?.status,
      code: .noAnswer, detail: words + " after \(cause.bodyBytes) bytes of the body")
  }

  private static func words(for reason: Unanswered.Reason) -> String {
    switch reason {
    case .deadline: return "no complete answer in time"
    case .stalled: return "the target stopped reading"
    case .closed: return "the connection was closed without an answer"
    case .cutShort: return "the answer was cut short"
    case .malformed: return "the answer is no HTTP"
    case .tooLarge: return "the answer is over its size limit"
    case .aborted: return "the run was stopped"
    }
  }
}
