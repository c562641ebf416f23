public import IntakeCore
public import IntakeSystem

/// How a run goes about its rows: bounds, selection, patience.
public struct RunPolicy: Sendable {
  /// Rows being sent at once at most, 1 to 256.
  public var concurrency = 4
  /// Threads for local work; by default one a core.
  public var workers = 2
  /// Bytes of decoded pixels at once at most.
  public var pixelMemory = 96 << 20
  /// Requests a second at most, nil for no bound.
  public var rate: Double?
  /// Bytes of request bodies a second at most, on average; nil for no limit.
  public var bytesPerSecond: Double?
  /// Rows to work on at most, nil for all.
  public var limit: Int?
  /// The part of the rows that this run works on.
  public var shard: Shard?
  /// Only rows that the ledger lists so, nil for all.
  public var only: Selection?
  /// Whether accepted rows that were changed since are sent again.
  public var resubmitsChanged = false
  /// What to do with rows in doubt.
  public var ambiguous = Ambiguous.reconcile
  /// Seconds after which an attempt whose answer was lost can no longer be under way at the target.
  public var settleAfter = 10.0
  /// Seconds that one attempt can take: the most that `submit.timeout` allows.
  static let longestAttempt = 600.0
  /// When to give up for too many failures.
  public var halt: Halt?
  /// What is done with complete requests.
  public var mode = Mode.send
  /// Whether messages of the target are shown with the values of the row that they repeat.
  public var showsPersonal = false
  /// How often a row is tried again while the target is there, 0 to 20; an outage does not count.
  public var retries = 5
  /// Seconds that an outage of the target may last before the run stops; 0 stops after four attempts.
  public var waitForTarget = 900.0
  /// Whether a check takes into account what the ledger says of the rows; a dry run always does.
  public var consultsLedger = false
  /// Seconds to wait for a ledger that another process has.
  public var waitForLedger = 0.0

  /// Starts with the defaults.
  public init() {}

  /// What is done with complete requests.
  public enum Mode: Sendable {
    /// Sent and recorded.
    case send
    /// Only rows in doubt, and only asked about: settled where the target proves anything, never sent.
    case reconcile
    /// Everything but the sending; nothing is recorded.
    case dryRun
    /// Like a dry run, and every error of a row is looked for.
    case check

    /// Whether a ledger is kept.
    public var keepsLedger: Bool { self == .send || self == .reconcile }
  }

  /// Whether it matters what the ledger says of the rows.
  public var looksAtLedger: Bool { mode != .check || consultsLedger }

  /// Rows by what the ledger says.
  public enum Selection: String, Sendable, CaseIterable {
    /// Refused, or definitely not accepted.
    case failed
    /// Sent without a known answer.
    case inDoubt = "in-doubt"

    /// Whether rows of that standing are among them.
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

/// When to give up for too many failed rows; the grammar of GNU parallel's `--halt`.
public struct Halt: Sendable, Equatable {
  /// Finish what is in flight, or stop at once.
  public let level: StopSwitch.Level
  /// Failed rows that are too many, as a count or as a share of the rows done.
  public let threshold: Threshold

  /// Failed rows that are too many.
  public enum Threshold: Sendable, Equatable {
    /// So many rows.
    case count(Int)
    /// So many per cent of the rows done, once ten are done: one in the first two says little.
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

  /// Whether so many failures of so many rows are too many.
  public func isReached(failed: Int, of done: Int) -> Bool {
    switch threshold {
    case .count(let count): return failed >= count
    case .percent(let percent): return done >= 10 && Double(failed) * 100 >= percent * Double(done)
    }
  }
}
