public import IntakeCore

/// How often and how soon a row is tried again, and how much trying again a whole run may afford.
public struct RetryPolicy: Sendable {
  /// Tokens that all rows of a run share; an empty purse ends the run instead of hammering a target that is down.
  private(set) var tokens = RetryPolicy.purse
  let connectionAttempts: Int
  let throttleAttempts: Int

  static let purse = 500
  /// A failed connection weighs more than being asked to wait: 35 of them in a row empty the purse.
  static let connectionPrice = 14
  static let throttlePrice = 5
  /// Longest wait that a server may ask for, in seconds: 15 minutes.
  static let longestAskedWait = 900.0

  /// Starts with a full purse.
  public init(_ policy: RunPolicy = RunPolicy()) {
    connectionAttempts = policy.connectionAttempts
    throttleAttempts = policy.throttleAttempts
  }

  /// What follows an attempt.
  public enum Decision: Sendable, Equatable {
    /// Try again after so many seconds; `everybody` when all rows must wait.
    case retry(after: Double, everybody: Bool, asked: Bool)
    /// This row has had its attempts.
    case giveUp
    /// The run has had its retries, or the server asks for more than a run should wait: stop.
    case stop(String)
  }

  /// Decides after the `attempt`-th attempt of a row; `chance` is from 0 to 1 (full jitter).
  public mutating func decide(_ outcome: OutcomeClass, attempt: Int, chance: Double) -> Decision {
    switch outcome {
    case .accepted:
      tokens = min(RetryPolicy.purse, tokens + 1)
      return .giveUp
    case .rejected, .inDoubt, .fatal: return .giveUp
    case .retryable(let asked):
      return again(
        asked, attempt: attempt, most: connectionAttempts, price: RetryPolicy.connectionPrice,
        chance: chance, everybody: false)
    case .yield(let asked):
      return again(
        asked, attempt: attempt, most: throttleAttempts, price: RetryPolicy.throttlePrice,
        chance: chance, everybody: true)
    }
  }

  private mutating func again(
    _ asked: Double?, attempt: Int, most: Int, price: Int, chance: Double, everybody: Bool
  ) -> Decision {
    if let asked, asked > RetryPolicy.longestAskedWait {
      return .stop("the target asks to wait \(Int(asked)) s, longer than 15 minutes")
    }
    guard attempt < most else { return .giveUp }
    guard tokens >= price else { return .stop("too many attempts failed in this run") }
    tokens -= price
    // Full jitter below 1, 2, 4 … 64 s.
    let ceiling = Double(1 << min(attempt - 1, 6))
    return .retry(
      after: asked ?? ceiling * chance, everybody: everybody, asked: asked != nil)
  }
}

/// What the answers so far say about the target: how many requests at once it bears, and whether to go on.
public struct SendingHealth: Sendable {
  /// Requests at once that the target bears, as far as is known; starts with one, the canary.
  public private(set) var permits = 1
  private let most: Int
  private var successes = 0
  private var answered = 0
  private var refusedFromStart = 0
  private var doubtsInRow = 0
  private var lostInquiries = 0
  private var isCanaryBack = false
  /// Answers still to come to requests that were under way when the target asked for less.
  private var stale = 0
  private var usual: Double?

  /// So many refusals before anything was accepted are no accident of single rows.
  static let systematicRefusals = 5
  /// So many rows in doubt one after the other: each further one only makes more to settle.
  static let doubtsToStop = 5

  /// Starts with a canary; grows up to `most` requests at once.
  public init(most: Int) { self.most = max(1, most) }

  /// Takes note of an answer that took so many seconds; returns why to stop, nil to go on.
  ///
  /// - Parameter isKnownBad: whether an earlier run saw this row refused, so that it says nothing about the target.
  public mutating func note(
    _ receipt: Receipt, seconds: Double, isKnownBad: Bool = false
  ) -> String? {
    doubtsInRow = receipt.outcome == .inDoubt ? doubtsInRow + 1 : 0
    if receipt.http != nil, !isKnownBad { answered += 1 }
    defer { stale = max(0, stale - 1) }
    switch receipt.outcome {
    case .accepted: succeed(in: seconds)
    case .rejected: return refused(receipt, isKnownBad: isKnownBad)
    case .yield: throttle()
    case .retryable: break
    case .inDoubt:
      if doubtsInRow >= SendingHealth.doubtsToStop {
        return "\(doubtsInRow) rows in a row ended in doubt"
      }
      openAfterCanary()
    case .fatal: return receipt.detail ?? receipt.code?.rawValue ?? "the target refused the run"
    }
    return nil
  }

  /// Takes note of an inquiry about a row in doubt, and of why it failed; returns why to stop, nil to go on.
  public mutating func noteInquiry(_ failure: FailureCode?) -> String? {
    switch failure {
    case nil:
      lostInquiries = 0
      openAfterCanary()
    case .noAnswer:
      lostInquiries += 1
      if lostInquiries >= SendingHealth.doubtsToStop {
        return "\(lostInquiries) questions in a row about rows in doubt were not answered"
      }
    case .throttled: throttle()
    default: break
    }
    return nil
  }

  /// Halves once for all the requests that were under way together: eight refusals at once are one message.
  private mutating func throttle() {
    guard stale == 0 else { return }
    stale = permits
    permits = isCanaryBack ? max(1, permits / 2) : 1
  }

  private mutating func succeed(in seconds: Double) {
    successes += 1
    refusedFromStart = SendingHealth.systematicRefusals
    openAfterCanary()
    // Additive increase: one more for each ten good answers, as long as answers do not get slow.
    // Slow is four times the usual: below that it is the noise of image sizes.
    if let usual, seconds > 4 * usual, seconds > 1 {
      permits = max(1, permits / 2)
    } else if successes % 10 == 0 {
      permits = min(most, permits + 1)
    }
    usual = usual.map { $0 * 0.9 + seconds * 0.1 } ?? seconds
  }

  private mutating func refused(_ receipt: Receipt, isKnownBad: Bool) -> String? {
    openAfterCanary()
    guard successes == 0, receipt.isRefusalOfContent, !isKnownBad else { return nil }
    refusedFromStart += 1
    guard refusedFromStart == SendingHealth.systematicRefusals, answered == refusedFromStart else {
      return nil
    }
    return "the target refused each of the first \(refusedFromStart) rows"
  }

  /// The canary is back: everybody may go.
  private mutating func openAfterCanary() {
    guard !isCanaryBack else { return }
    isCanaryBack = true
    permits = most
  }
}

extension Receipt {
  /// Whether the target refused what it was sent as such; 404, 409 and 413 are about one row's state or size.
  fileprivate var isRefusalOfContent: Bool { http.map { ![404, 409, 413].contains($0) } ?? false }
}
