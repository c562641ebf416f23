public import IntakeCore
import Synchronization

/// What a run came to.
public struct RunSummary: Sendable {
  /// Rows per verdict.
  public private(set) var counts: [Verdict: Int] = [:]
  /// Rows that were refused or failed, by code; those that nobody tried are not among them.
  public private(set) var codes: [String: Int] = [:]
  /// Rows among the failed ones that nobody tried to send because the run stopped before.
  public private(set) var notTried = 0
  /// Rows among the skipped ones that were changed after they had been accepted.
  public private(set) var changed = 0
  /// Rows in doubt that the target cannot be asked about.
  public private(set) var unaskable = 0
  /// When the last of the skipped rows was accepted, nil where none was skipped.
  public private(set) var lastAccepted: UnixTime?
  /// Rows that the ledger doesn't know and that `--only` left out.
  public private(set) var leftNew = 0
  /// Failed rows that `--only in-doubt` left out.
  public private(set) var leftFailed = 0
  /// Rows in doubt that `--only failed` left out.
  public private(set) var leftInDoubt = 0
  /// Rows that a dry run or check found ready.
  public private(set) var ready = 0
  /// Rows among the refused ones that repeat another row of the manifest; the ledger does not count them.
  public private(set) var repeats = 0
  /// Why rows were not accepted, each cause with its first rows.
  public private(set) var causes: [RowCause.Kind: RowCause] = [:]
  /// Rows that the run never came to; nil when it came to all, or nobody knows.
  public internal(set) var neverReached: ExpectedRows?
  /// Requests that a run would send for the rows that are ready.
  public private(set) var requests = 0
  /// Bytes of the images as they came.
  public private(set) var sourceBytes = 0
  /// Attempts after the first of a row.
  public private(set) var retries = 0
  /// Seconds that rows waited because the target asked for it, was down, or the rate was reached.
  public private(set) var waited = 0.0
  /// Bytes of the images as they were sent, or would be.
  public private(set) var imageBytes = 0
  /// Bytes of the bodies that were sent, or would be.
  public private(set) var bodyBytes = 0
  /// Seconds from the first row to the last.
  public internal(set) var seconds = 0.0
  /// Why the run stopped before the end of the manifest, nil when it did not.
  public internal(set) var stopReason: String?
  /// The next step for what stopped the run, nil where no row was at fault.
  public private(set) var stopHint: String?
  /// Why the ledger could not be used, nil when it could.
  public internal(set) var journalError: String?
  /// An error of the program itself, nil when there was none.
  public internal(set) var internalError: String?
  /// Why the manifest could not be read to its end, nil when it could.
  public internal(set) var loadFailure: StageFailure?

  /// Starts with nothing.
  public init() {}

  /// A run that ended before its first row.
  init(stopReason: String?) { self.stopReason = stopReason }

  /// Rows that are done, ready ones included.
  public var rows: Int { counts.values.reduce(ready, +) }

  /// Rows that were refused or failed.
  public var notAccepted: Int { counts[.rejected, default: 0] + counts[.failed, default: 0] }

  /// Rows that were worked on and failed.
  public var failed: Int { counts[.failed, default: 0] - notTried }

  /// Rows that were worked on: neither done by an earlier run nor left untried.
  public var worked: Int { rows - counts[.skipped, default: 0] - notTried }

  /// What the ledger keeps; `policy` says whether the run left rows out on purpose.
  func end(_ policy: RunPolicy) -> RunEnd {
    let isWhole = policy.limit == nil && policy.only == nil
    let wasStopped = stopReason != nil || loadFailure != nil || internalError != nil
    return RunEnd(rows: counts, changed: changed, isComplete: isWhole && !wasStopped)
  }

  /// Adds a row that has ended.
  mutating func add(_ outcome: Outcome, isCheck: Bool = false) {
    counts[outcome.verdict, default: 0] += 1
    retries += max(0, outcome.attempts - 1)
    waited += outcome.waited
    if outcome.isNotTried {
      notTried += 1
    } else if let code = outcome.failure?.code, [.rejected, .failed].contains(outcome.verdict) {
      codes[code.rawValue, default: 0] += 1
    }
    if outcome.verdict == .inDoubt, outcome.cannotBeAsked { unaskable += 1 }
    if outcome.repeatsAnotherRow { repeats += 1 }
    // A check finds everything that is wrong with a row; a run needs one reason not to send it.
    if outcome.verdict != .skipped, !outcome.isNotTried, let first = outcome.failure {
      for failure in [first] + (isCheck ? outcome.further : []) {
        let kind = RowCause.Kind(failure, http: outcome.receipt?.http)
        causes[kind, default: RowCause(failure, outcome.verdict)].add(outcome.row, failure)
      }
    }
    if outcome.failure?.code == .changedAfterAcceptance { changed += 1 }
    if let since = outcome.since { lastAccepted = max(since, lastAccepted ?? since) }
    if stopHint == nil, outcome.failure?.outcome == .fatal { stopHint = outcome.failure?.hint }
    addBytes(outcome)
  }

  /// Counts a row that `--only` left out.
  mutating func countLeftOut(_ standing: Standing) {
    switch standing {
    case .inDoubt: leftInDoubt += 1
    case .notAccepted: leftFailed += 1
    case .unknown: leftNew += 1
    case .accepted: break
    }
  }

  /// Adds a row of a dry run or check that could be sent.
  mutating func addReady(_ outcome: Outcome) {
    ready += 1
    // The target is asked for the address of each follow-up.
    requests += max(1, 2 * (outcome.receipt?.steps.count ?? 0) - 1)
    addBytes(outcome)
  }

  private mutating func addBytes(_ outcome: Outcome) {
    for report in outcome.images.values {
      sourceBytes += report.source.bytes
      imageBytes += report.sent.bytes
    }
    bodyBytes += outcome.receipt?.totalBytes ?? 0
  }
}

/// Rows that were not accepted for one reason: how many, and the first few.
public struct RowCause: Sendable {
  /// What rows must have in common to count as one cause.
  public struct Kind: Sendable, Hashable {
    /// The code of the failure.
    public let code: FailureCode
    /// The column or side that it is about, nil where it is about none.
    public let place: String?
    /// What the target answered, nil where it did not.
    public let http: Int?

    init(_ failure: StageFailure, http: Int?) {
      code = failure.code
      place = failure.column?.description ?? failure.side?.rawValue
      self.http = http
    }
  }

  /// How many rows.
  public private(set) var count = 0
  /// The first rows in the order of the manifest, `mostRows` at most.
  public private(set) var rows: [RowReference] = []
  /// What became of the first row that was found.
  public let verdict: Verdict
  /// The failure of the first of `rows`.
  public private(set) var failure: StageFailure
  /// Whether all rows failed in the same words.
  public private(set) var isUniform = true
  /// Three rows show whether they have something in common.
  public static let mostRows = 3

  init(_ failure: StageFailure, _ verdict: Verdict) {
    (self.failure, self.verdict) = (failure, verdict)
  }

  /// Counts a row; rows end in any order.
  mutating func add(_ row: RowReference, _ failure: StageFailure) {
    count += 1
    if failure.detail != self.failure.detail { isUniform = false }
    let place = rows.firstIndex { $0.line > row.line } ?? rows.count
    guard place < RowCause.mostRows else { return }
    if place == 0 { self.failure = failure }
    rows.insert(row, at: place)
    rows = Array(rows.prefix(RowCause.mostRows))
  }
}

/// Hears what happens during a run; called from many threads, but for one row in order.
public protocol RunObserver: Sendable {
  /// A row has ended and is on disk; may be kept back until `flush`.
  func finished(_ outcome: Outcome)
  /// A request is complete and was not sent, because this is a dry run or a check.
  func prepared(_ submission: Submission, outcome: Outcome)
  /// Nothing may follow for a while: what was kept back goes out.
  func flush()
  /// A row was read; called for every row, in the order of the manifest.
  func loaded(_ row: LoadedRow)
  /// A row was read that this run leaves out; no outcome follows.
  func leftOut(_ row: RowReference)
  /// A row waits before its next attempt; `asked` when the server said how long.
  func waiting(seconds: Double, asked: Bool, row: RowReference)
  /// A value has gone through a stage.
  func passed(_ stage: String, input: any Sendable, output: any Sendable, row: RowReference)
  /// Something to tell the operator.
  func log(_ level: LogLevel, _ message: String, row: RowReference?)
}

extension RunObserver {
  /// Nothing is kept back.
  public func flush() {}

  /// Nobody wants the rows as they were read.
  public func loaded(_ row: LoadedRow) {}

  /// Nobody counts them.
  public func leftOut(_ row: RowReference) {}

  /// Nobody taps the pipeline.
  public func passed(
    _ stage: String, input: any Sendable, output: any Sendable, row: RowReference
  ) {}
}

/// What a run is doing at this moment, for progress displays and metrics.
public final class RunMonitor: Sendable {
  /// What is under way, and what is waited for.
  public struct Activity: Sendable {
    /// Nothing is under way.
    public init() {}

    /// Rows that were begun and have not ended.
    public package(set) var rows = 0
    /// Requests that were sent and not answered yet, questions about rows in doubt included.
    public package(set) var requests = 0
    /// Since when the target is down, nil while it is not.
    public internal(set) var downSince: UnixTime?
    /// How many rows the manifest has, nil while nobody knows.
    public internal(set) var expected: ExpectedRows?
    /// Until when each wait lasts; those that are over are not removed.
    public internal(set) var waits: [Wait: UnixTime] = [:]
  }

  /// What keeps a run from going on, the most important first.
  public enum Wait: String, Sendable, CaseIterable {
    /// Requests fail; one after the other is tried.
    case targetIsDown = "the target is down"
    /// The target said how long.
    case askedByTarget = "asked by the target"
    /// The target asked for fewer requests.
    case throttled = "throttled by the target"
    /// An attempt failed, and the next one follows.
    case retry = "an attempt failed"
    /// Another process has the ledger.
    case ledgerInUse = "the ledger is in use"
    /// An earlier attempt may still be under way.
    case inDoubt = "rows in doubt are asked about"
    /// The operator's own limit.
    case limit = "rate limit"
  }

  private let activity = Mutex(Activity())
  private let source = Mutex<(@Sendable () -> RunSummary)?>(nil)

  /// What the run has come to so far.
  public var summary: RunSummary { source.withLock(\.self)?() ?? RunSummary() }

  func watch(_ summary: @escaping @Sendable () -> RunSummary) { source.withLock { $0 = summary } }

  /// Starts with nothing under way.
  public init() {}

  /// What is under way now.
  public var now: Activity { activity.withLock(\.self) }

  func note(_ change: (inout Activity) -> Void) { activity.withLock { change(&$0) } }
}
