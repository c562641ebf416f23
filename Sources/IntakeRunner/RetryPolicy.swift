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
  /// Longest wait of our own, in seconds.
  static let longestWait = 60.0
  /// Longest wait that a server may ask for, in seconds: 15 minutes.
  static let longestAskedWait = 900.0

  /// Starts with a full purse.
  public init(connectionAttempts: Int = 4, throttleAttempts: Int = 6) {
    self.connectionAttempts = connectionAttempts
    self.throttleAttempts = throttleAttempts
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
    let ceiling = min(RetryPolicy.longestWait, Double(1 << min(attempt - 1, 10)))
    return .retry(
      after: asked ?? ceiling * chance, everybody: everybody, asked: asked != nil)
  }
}
