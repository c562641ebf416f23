import IntakeCore

/// What the answers so far say about the target: whether it is up, how many requests it bears at once, and whether a
/// row may be tried again.
///
/// When something goes wrong, all requests that are under way count as one event. An attempt carries the number of the
/// last event before it, so an answer to an older attempt is no news.
struct TargetHealth: Sendable {
  /// What the meaning of an answer depends on.
  struct Attempt: Sendable {
    /// The number of the last event when it began.
    var event = 0
    /// The line of the row in the manifest.
    var row = 0
    /// Seconds until the answer.
    var seconds = 0.0
    /// Failures of the same row that count against `RunPolicy.retries`.
    var failures = 0
    /// What sending it twice would do; `safe` for a question.
    var safety = RepeatSafety.converges
    /// Whether the target can be asked about it afterwards.
    var canBeSettled = false
    /// Whether an earlier run saw the row refused, so that a refusal says nothing about the target.
    var isKnownBad = false
    /// A random number from 0 to 1, for jitter.
    var chance = 1.0
  }

  /// What to do after an answer.
  struct Advice: Sendable, Equatable {
    /// Whether the row may be tried again.
    var repeats = false
    /// Whether the failure counts against the retries of the row.
    var isCounted = false
    /// Seconds that everybody waits from now on; nil when nobody has to.
    var pause: Double?
    /// Why the run has to stop.
    var stop: String?
  }

  /// A time without a good answer.
  struct Outage: Sendable {
    /// Monotonic seconds at which it began.
    let since: Double
    /// Attempts that failed, one an event.
    var failures = 0
    /// A row that failed, nil while only questions did; `isOfOne` is false once others failed too.
    var row: Int?
    var isOfOne = true
    /// Whether the target still answers questions.
    var answersQuestions = false

    mutating func add(_ receipt: Receipt, _ attempt: Attempt) {
      guard attempt.safety != .safe else { return answersQuestions = false }
      isOfOne = isOfOne && (row ?? attempt.row) == attempt.row
      row = attempt.row
    }
  }

  private let policy: RunPolicy
  /// Requests that may be under way at once: one, the canary, until the target has answered and while it is down.
  private(set) var permits = 1
  /// Monotonic seconds before which nobody sends; nor asks, unless the target answers questions in an outage.
  private(set) var pausedUntil = 0.0
  /// The outage the target is in; nil while it is up.
  private(set) var outage: Outage?
  /// The number of the last event.
  private(set) var event = 0
  /// Whether the target has taken any request of this run, even if it answered 500 or nothing.
  private(set) var hasAnswered = false
  private var isCanaryBack = false
  /// A retry budget that all rows share: a run that has used it up stops instead of hammering the target.
  private var tokens = TargetHealth.budget
  private var successes = 0
  private var refusedFromStart = 0
  private var answers = 0
  private var doubtsInRow = 0
  /// Events since the last accepted row in which a 503 asked to wait without saying how long.
  private var throttlesInRow = 0
  private var usual: Double?

  static let budget = 500
  /// A failure costs more than being asked to wait: 35 in a row use up the budget.
  static let failurePrice = 14
  static let throttlePrice = 5
  /// The longest wait that a server may ask for: 15 minutes, in seconds.
  static let longestAskedWait = 900.0
  /// This many refusals before anything was accepted are not the fault of single rows.
  static let systematicRefusals = 5
  /// After this many events in a row that left a row in doubt, going on would only leave more to settle.
  static let doubtsToStop = 5
  /// This many failed attempts make an outage: fewer may be an accident.
  static let failuresOfOutage = 4
  /// The longest pause in an outage, in seconds.
  static let longestPause = 30.0

  /// Starts with a canary.
  init(_ policy: RunPolicy = RunPolicy()) { self.policy = policy }

  /// Takes note of an answer, or of its absence, at a monotonic time in seconds.
  mutating func note(_ receipt: Receipt, of attempt: Attempt, at now: Double) -> Advice {
    let isQuestion = attempt.safety == .safe
    if receipt.http != nil || receipt.code == .noAnswer { hasAnswered = true }
    if receipt.http != nil, !attempt.isKnownBad, !isQuestion { answers += 1 }
    switch receipt.outcome {
    case .accepted where isQuestion: return questionAnswered(at: now)
    case .accepted: return accepted(in: attempt.seconds)
    case .rejected: return refused(receipt, attempt)
    case .yield(let asked): return throttled(receipt, asked, attempt, at: now)
    case .retryable where receipt.isOutage: return failed(receipt, attempt, at: now)
    case .retryable: return retry(attempt, price: TargetHealth.failurePrice, pause: nil)
    case .inDoubt: return doubtful(receipt, attempt, at: now)
    case .fatal:
      return Advice(stop: receipt.detail ?? receipt.code?.rawValue ?? "the target refused the run")
    }
  }

  /// Whether a row may be sent, or a question asked, at a monotonic time in seconds.
  func mayGo(isQuestion: Bool, at now: Double) -> Bool {
    pausedUntil <= now || isQuestion && outage?.answersQuestions == true
  }

  /// The target is up: everybody may go.
  private mutating func isThere() {
    if outage != nil || !isCanaryBack { permits = policy.concurrency }
    (outage, isCanaryBack, hasAnswered) = (nil, true, true)
  }

  /// A target that answers questions may still fail to take rows: only an accepted or refused row ends such an outage.
  private mutating func questionAnswered(at now: Double) -> Advice {
    if outage?.row != nil { outage?.answersQuestions = true } else { isThere() }
    return Advice()
  }

  private mutating func accepted(in seconds: Double) -> Advice {
    isThere()
    successes += 1
    (doubtsInRow, throttlesInRow) = (0, 0)
    tokens = min(TargetHealth.budget, tokens + 1)
    // Additive increase: one more for each ten good answers, unless answers get slow. Slow is four times the usual:
    // less than that may come from the sizes of images.
    if let usual, seconds > 4 * usual, seconds > 1 {
      permits = max(1, permits / 2)
    } else if successes % 10 == 0 {
      permits = min(policy.concurrency, permits + 1)
    }
    usual = usual.map { $0 * 0.9 + seconds * 0.1 } ?? seconds
    return Advice()
  }

  private mutating func refused(_ receipt: Receipt, _ attempt: Attempt) -> Advice {
    isThere()
    doubtsInRow = 0
    guard successes == 0, receipt.isRefusalOfContent, !attempt.isKnownBad else { return Advice() }
    refusedFromStart += 1
    guard refusedFromStart == TargetHealth.systematicRefusals, answers == refusedFromStart else {
      return Advice()
    }
    return Advice(stop: "the target refused each of the first \(refusedFromStart) rows")
  }

  /// Asked to wait: everybody does, and then half as many go on.
  private mutating func throttled(
    _ receipt: Receipt, _ asked: Double?, _ attempt: Attempt, at now: Double
  ) -> Advice {
    if asked == nil, receipt.http == 503 {
      // Some gateways show the same page whether there are too many requests or no server behind them.
      if attempt.event == event { throttlesInRow += 1 }
      guard throttlesInRow <= TargetHealth.failuresOfOutage else {
        return failed(receipt, attempt, at: now)
      }
    }
    if attempt.event == event {
      event += 1
      permits = isCanaryBack ? max(1, permits / 2) : 1
    }
    outage = nil
    if let asked, asked > TargetHealth.longestAskedWait {
      return Advice(stop: "the target asks to wait \(Int(asked)) s, longer than 15 minutes")
    }
    // Full jitter below 1, 2, 4 … 64 s.
    let pause = asked ?? Double(1 << min(attempt.failures, 6)) * attempt.chance
    pausedUntil = max(pausedUntil, now + pause)
    return retry(attempt, price: TargetHealth.throttlePrice, pause: pause)
  }

  /// The attempt failed: the first such event opens an outage, in which one canary after the other is sent.
  private mutating func failed(_ receipt: Receipt, _ attempt: Attempt, at now: Double) -> Advice {
    guard attempt.event == event else {
      outage?.add(receipt, attempt)
      return Advice(repeats: true)
    }
    var current = outage ?? Outage(since: now)
    current.add(receipt, attempt)
    // If questions are answered, or only one row gets an error as its answer, the row is at fault.
    let isRows = current.answersQuestions || receipt.http != nil && current.isOfOne
    defer { outage = current }
    event += 1
    permits = 1
    current.failures += 1
    // At least half of 1, 2, 4 … 30 s.
    let ceiling = min(TargetHealth.longestPause, Double(1 << min(current.failures - 1, 5)))
    let pause = ceiling * (0.5 + attempt.chance / 2)
    pausedUntil = now + pause
    let patience = policy.waitForTarget ?? (hasAnswered ? 900 : 0)
    if current.failures >= TargetHealth.failuresOfOutage, now - current.since >= patience {
      return Advice(stop: reason(receipt, downFor: now - current.since))
    }
    guard current.failures == 1 || isRows else { return Advice(repeats: true, pause: pause) }
    return retry(attempt, price: TargetHealth.failurePrice, pause: pause)
  }

  private func reason(_ receipt: Receipt, downFor seconds: Double) -> String {
    let last = receipt.detail.map { ": \($0)" } ?? ""
    guard hasAnswered else { return "the target has not answered once\(last)" }
    return "the target has been down for \(Int(seconds)) s (--wait-for-target)\(last)"
  }

  /// In doubt: an outage if the target failed; a complete answer that nobody can read is no outage.
  private mutating func doubtful(_ receipt: Receipt, _ attempt: Attempt, at now: Double) -> Advice {
    // A request that may be repeated is not in doubt yet.
    if attempt.event == event, attempt.safety != .idempotent { doubtsInRow += 1 }
    var advice = Advice()
    if receipt.isOutage {
      advice = failed(receipt, attempt, at: now)
      advice.repeats = advice.repeats && attempt.safety == .idempotent
    } else {
      isThere()
      if attempt.event == event { event += 1 }
    }
    if doubtsInRow >= TargetHealth.doubtsToStop, !(receipt.isOutage && attempt.canBeSettled) {
      advice.stop = advice.stop ?? "\(doubtsInRow) requests in a row ended in doubt"
    }
    return advice
  }

  private mutating func retry(_ attempt: Attempt, price: Int, pause: Double?) -> Advice {
    guard attempt.failures < policy.retries else { return Advice(isCounted: true, pause: pause) }
    guard tokens >= price else { return Advice(stop: "too many attempts failed in this run") }
    tokens -= price
    return Advice(repeats: true, isCounted: true, pause: pause)
  }
}

extension Receipt {
  /// Whether it may be that the target is down.
  fileprivate var isOutage: Bool {
    [.connectionFailed, .tlsFailed, .noAnswer, .targetFailed].contains(code)
  }

  /// Whether the target refused the content as such; 404, 409 and 413 are about one row's state or size.
  fileprivate var isRefusalOfContent: Bool { http.map { ![404, 409, 413].contains($0) } ?? false }
}
