public import IntakeCore
public import IntakeSystem

/// How a run treats its rows: bounds, selection, patience.
public struct RunPolicy: Sendable {
  /// Rows being sent at once at most, 1 to 256.
  public var concurrency = 4
  /// Threads for local work.
  public var workers = 2
  /// Bytes of decoded pixels at once at most.
  public var pixelMemory = 96 << 20
  /// Requests a second at most, nil for no bound.
  public var rate: Double?
  /// Bytes of request bodies a second at most, on average; nil for no limit.
  public var bytesPerSecond: Double?
  /// Rows to work on at most, nil for all.
  public var limit: Int?
  /// The part of the rows that this run works on, nil for all.
  public var shard: Shard?
  /// Only rows that the ledger lists as failed or in doubt, nil for all.
  public var only: Selection?
  /// Whether accepted rows that have changed since are sent again.
  public var resubmitsChanged = false
  /// What to do with rows in doubt.
  public var ambiguous = Ambiguous.reconcile
  /// Seconds after which an attempt whose answer was lost can no longer be under way at the target.
  public var settleAfter = 10.0
  /// Seconds that one attempt can take: the most that `submit.timeout` allows.
  static let longestAttempt = 600.0
  /// How many failures stop the run, nil for any number.
  public var halt: Halt?
  /// What is done with complete requests.
  public var mode = Mode.send
  /// Whether messages of the target are shown with the values of the row that they repeat.
  public var showsPersonal = false
  /// How often a row is tried again while the target is up, 0 to 20; attempts in an outage do not count.
  public var retries = 5
  /// Seconds that an outage of the target may last before the run stops; 0 stops after four attempts.
  ///
  /// Nil is 15 minutes, but 0 where the target has never answered: its address is more likely wrong than the target down.
  public var waitForTarget: Double?
  /// Whether a check consults the ledger; a dry run always does.
  public var consultsLedger = false
  /// Seconds to wait for a ledger that another process has open.
  public var waitForLedger = 0.0

  /// Starts with the defaults.
  public init() {}

  /// What is done with complete requests.
  public enum Mode: Sendable {
    /// Sent and recorded.
    case send
    /// Only rows in doubt are asked about, and settled if the answer proves anything; nothing is sent.
    case reconcile
    /// Everything but sending and recording.
    case dryRun
    /// Like a dry run, but every error of a row is found.
    case check

    /// Whether a ledger is kept.
    public var keepsLedger: Bool { self == .send || self == .reconcile }
  }

  /// Whether the ledger is consulted.
  public var looksAtLedger: Bool { mode != .check || consultsLedger }

  /// Rows by what the ledger says about them.
  public enum Selection: String, Sendable, CaseIterable {
    /// Refused, or definitely not accepted.
    case failed
    /// Sent without a known answer.
    case inDoubt = "in-doubt"

    /// Whether it includes rows of that standing.
    public func includes(_ standing: Standing) -> Bool {
      standing == (self == .failed ? .notAccepted : .inDoubt)
    }
  }

  /// What to do with rows in doubt.
  public enum Ambiguous: String, Sendable, CaseIterable {
    /// Ask the target; hold what it cannot settle.
    case reconcile
    /// Leave them in doubt.
    case hold
    /// Send them again.
    case resend
  }
}

/// How many failed rows stop the run; the grammar of GNU parallel's `--halt`.
public struct Halt: Sendable, Equatable {
  /// Finish what is in flight, or stop at once.
  public let level: StopSwitch.Level
  /// How many failed rows are too many.
  public let threshold: Threshold

  /// A number or a share of failed rows.
  public enum Threshold: Sendable, Equatable {
    /// This many rows.
    case count(Int)
    /// This many per cent of the rows done, once ten are done: one in the first two says little.
    case percent(Double)
  }

  /// Reads `soon,fail=10%` or `now,fail=1`; nil for other text.
  public init?(_ text: String) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].hasPrefix("fail="), parts[0] == "soon" || parts[0] == "now"
    else { return nil }
    level = parts[0] == "soon" ? .soon : .now
    let number = parts[1].dropFirst("fail=".count)
    if number.hasSuffix("%"), let percent = Double(number.dropLast()), percent > 0, percent <= 100 {
      threshold = .percent(percent)
    } else if let count = Int(number), count > 0 {
      threshold = .count(count)
    } else {
      return nil
    }
  }

  /// Whether this many failures stop the run.
  public func isReached(failed: Int, of done: Int) -> Bool {
    switch threshold {
    case .count(let count): return failed >= count
    case .percent(let percent): return done >= 10 && Double(failed) * 100 >= percent * Double(done)
    }
  }
}
