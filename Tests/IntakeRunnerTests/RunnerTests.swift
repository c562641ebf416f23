import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization
import Testing

/// What the runner promises about single runs, with a submitter that each test scripts.
@Suite(.timeLimit(.minutes(20)))
struct RunnerTests {
  /// Runs so many rows through the script.
  private func run(
    rows: Int, followUps: Int = 0, customer: String? = nil, ledger: MemoryLedger = MemoryLedger(),
    log: MessageLog = MessageLog(), policy change: (inout RunPolicy) -> Void = { _ in },
    _ script: @escaping Scripted.Script
  ) async throws -> RunSummary {
    var policy = RunPolicy()
    policy.concurrency = 8
    change(&policy)
    let pipeline = Pipeline(
      loader: Simulated.Load((0..<rows).map { Simulated.Line(number: $0) }),
      assembler: Simulated.Assemble(followUps: followUps, customer: customer),
      submitter: Scripted(script),
      journal: ledger)
    let runner = Runner(pipeline: pipeline, policy: policy, stop: StopSwitch(), observer: log)
    return try await runner.run(target: "simulated", operation: "create")
  }

  /// Rows that queue behind a slow canary keep the rate when it is back: the bound is from below, and counts from
  /// before the first slot, so a busy machine cannot break it.
  @Test func theRateHoldsBehindASlowCanary() async throws {
    let sent = Mutex<[Double]>([])
    let canaryEnd = Mutex(0.0)
    let summary = try await run(rows: 9, policy: { $0.rate = 8 }) { _, _ in
      let isCanary = sent.withLock { sent in
        sent.append(SystemTime.monotonic)
        return sent.count == 1
      }
      if isCanary {
        try await Task.sleep(for: .seconds(1))
        canaryEnd.withLock { $0 = SystemTime.monotonic }
      }
      return Receipt(.accepted, http: 200)
    }
    #expect(summary.counts[.accepted] == 9)
    let (times, end) = (sent.withLock { $0 }, canaryEnd.withLock { $0 })
    // The canary took the first slot; the other eight take one each, 1/8 s apart.
    #expect(times.count == 9 && times[8] - end > 6.9 / 8)
  }

  @Test func aCustomerIsServedByOneRequestAtATime() async throws {
    let inFlight = Atomic(0)
    let most = Atomic(0)
    let summary = try await run(rows: 6, customer: "one customer in six rows") { _, _ in
      most.max(inFlight.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
      try await Task.sleep(for: .milliseconds(20))
      inFlight.subtract(1, ordering: .relaxed)
      return Receipt(.accepted, http: 200)
    }
    #expect(summary.counts[.accepted] == 6)
    #expect(most.load(ordering: .relaxed) == 1)
  }

  @Test func differentCustomersGoSideBySide() async throws {
    let arrived = Atomic(0)
    let summary = try await run(rows: 5) { _, _ in
      // The canary goes alone; the other four wait here for one another.
      if arrived.add(1, ordering: .relaxed).newValue > 1 {
        while arrived.load(ordering: .relaxed) < 5 { try await Task.sleep(for: .milliseconds(5)) }
      }
      return Receipt(.accepted, http: 200)
    }
    #expect(summary.counts[.accepted] == 5)
  }

  @Test(arguments: [1, 2, 3])
  func rowsThatWereAcceptedAreReportedInTheOrderOfTheManifest(workers: Int) async throws {
    let (rows, failing) = (3_000, 750)
    let ledger = MemoryLedger()
    let first = try await run(rows: rows, ledger: ledger) { submission, context in
      context.row.line % failing == 0
        ? Receipt(.rejected, http: 400) : Receipt(.accepted, http: 200)
    }
    #expect(first.counts[.rejected] == 4)
    let log = MessageLog()
    let sent = Atomic(0)
    let second = try await run(
      rows: rows, ledger: ledger, log: log, policy: { $0.workers = workers }
    ) { _, _ in
      sent.add(1, ordering: .relaxed)
      return Receipt(.accepted, http: 200)
    }
    #expect(second.counts[.accepted] == 4 && sent.load(ordering: .relaxed) == 4)
    let skipped = log.outcomes.filter { $0.verdict == .skipped }.map(\.row.line)
    #expect(skipped == (2..<rows + 2).filter { $0 % failing != 0 })
  }

  /// A pipe may deliver a row just as the run is stopped.
  @Test func aRowThatComesWithTheStopIsNotBegun() async throws {
    let stop = StopSwitch()
    // The second one is waited for, and has line 301.
    let lines = [1, 299, 2].map { Simulated.Line(number: $0) }
    let pipeline = Pipeline(
      loader: Simulated.Load(lines), assembler: Simulated.Assemble(followUps: 0, customer: nil),
      submitter: Scripted { _, _ in Receipt(.accepted) }, journal: MemoryLedger())
    let runner = Runner(
      pipeline: pipeline, policy: RunPolicy(), stop: stop, observer: Stopper(stop, atLine: 301))
    let summary = try await runner.run(target: "simulated", operation: "create")
    #expect(summary.rows == 1 && summary.stopReason == "line 301")
  }

  @Test func aRowWithoutAKeyIsNotSent() async throws {
    let sent = Atomic(0)
    let summary = try await run(rows: 3, ledger: MemoryLedger(makesKeys: false)) { _, _ in
      sent.add(1, ordering: .relaxed)
      return Receipt(.accepted, http: 200)
    }
    #expect(sent.load(ordering: .relaxed) == 0)
    #expect(summary.journalError == "no key can be made")
  }

  @Test func anErrorOfTheSubmittersOwnIsLoggedByItsTypeAndLeavesTheRowInDoubt() async throws {
    struct SecretInside: Error, CustomStringConvertible { let description = "passport C01X00T47" }
    let log = MessageLog()
    let summary = try await run(rows: 1, log: log, policy: { $0.ambiguous = .hold }) { _, _ in
      throw SecretInside()
    }
    #expect(summary.counts[.inDoubt] == 1)
    #expect(log.messages == ["scripted threw SecretInside"])
  }

  @Test func theTextOfAnErrorOfTheProgramsOwnIsLogged() async throws {
    let log = MessageLog()
    let summary = try await run(rows: 1, log: log, policy: { $0.ambiguous = .hold }) { _, _ in
      throw JournalError("the disk is full")
    }
    #expect(summary.counts[.inDoubt] == 1)
    #expect(log.messages.first?.contains("JournalError: the disk is full") == true)
  }

  /// A crash before the second attempt would leave a doubt that there is none of.
  @Test func aFailedAttemptIsRecordedBeforeTheNextOne() async throws {
    let ledger = MemoryLedger()
    let seen = Mutex<[[Verdict]]>([])
    let summary = try await run(rows: 1, ledger: ledger) { _, _ in
      let attempt = seen.withLock { seen in
        seen.append(ledger.verdicts)
        return seen.count
      }
      return attempt == 1
        ? Receipt(.retryable(after: nil), http: 500, code: .targetFailed) : Receipt(.accepted)
    }
    #expect(summary.counts == [.accepted: 1])
    #expect(seen.withLock { $0 } == [[], [.failed]])
  }

  /// What the ledger says at the end counts, not what it said when the row was looked up.
  @Test func aRowWhoseRequestIsDoneIsNoLongerInDoubt() async throws {
    let ledger = MemoryLedger()
    let first = try await run(
      rows: 1, followUps: 1, ledger: ledger, policy: { $0.ambiguous = .hold }
    ) { _, _ in
      Receipt(.inDoubt, code: .noAnswer)
    }
    #expect(first.counts == [.inDoubt: 1])
    let again = try await run(
      rows: 1, followUps: 1, ledger: ledger, policy: { $0.ambiguous = .resend }
    ) { submission, _ in
      submission.operation == "create"
        ? Receipt(.accepted, http: 200) : Receipt(.rejected, http: 400, code: .refusedByTarget)
    }
    #expect(again.counts == [.rejected: 1])
  }

  @Test func anAbortedRequestIsInDoubtAndNoErrorOfAStage() async throws {
    let log = MessageLog()
    let summary = try await run(rows: 1, log: log, policy: { $0.ambiguous = .hold }) { _, _ in
      throw CancellationError()
    }
    #expect(summary.counts == [.inDoubt: 1])
    #expect(log.messages == [])
  }

  /// A refusal is known from an earlier run: five of them do not stop this one.
  @Test func whatAnEarlierRunSawRefusedIsKnown() async throws {
    let ledger = MemoryLedger()
    for _ in 1...2 {
      let summary = try await run(rows: 8, ledger: ledger, policy: { $0.halt = nil }) { _, _ in
        Receipt(.rejected, http: 404, code: .customerNotFound)
      }
      #expect(summary.counts[.rejected] == 8 && summary.stopReason == nil)
    }
    let again = try await run(rows: 8, ledger: ledger) { _, _ in
      Receipt(.rejected, http: 400, code: .refusedByTarget)
    }
    #expect(again.counts[.rejected] == 8 && again.stopReason == nil)
    // Once when it is its turn, and once when nobody else sends for the same customer.
    #expect(ledger.lookUps == 48)
  }
}

/// Threads that were told to stop.
struct WorkerPoolTests {
  @Test(.timeLimit(.minutes(20))) func whatIsQueuedWhenAPoolStopsIsStillDone() async throws {
    let pool = try WorkerPool(threads: 2)
    let tasks = (0..<100).map { number in Task(executorPreference: pool) { number } }
    pool.stop()
    var sum = 0
    for task in tasks { sum += await task.value }
    #expect(sum == 4950)
  }
}

/// Sends nothing: a closure of the test answers.
struct Scripted: Submitter {
  typealias Script = @Sendable (Submission, StageContext) async throws -> Receipt
  static let name = "scripted"
  static let summary = "answers as a test wants"
  private let script: Script

  init(options: NoOptions) { script = { _, _ in Receipt(.accepted) } }
  init(_ script: @escaping Script) { self.script = script }

  func run(_ submission: consuming Submission, in context: StageContext) async throws -> Receipt {
    try await script(submission, context)
  }

  func ask(_ inquiry: Submission, in context: StageContext) async throws -> HTTPResponse {
    HTTPResponse(status: 404, headers: [], body: [])
  }
}

/// A ledger without a file: keeps the last outcome of each row.
final class MemoryLedger: Journal, OpenLedger {
  static let name = "memory"
  static let summary = "keeps outcomes in memory"
  let notices: [String] = []
  private let makesKeys: Bool
  private let outcomes = Mutex<[RowKey: Outcome]>([:])
  /// Rows whose request the target has, while what follows it is open.
  private let begun = Mutex<Set<RowKey>>([])
  private let asked = Atomic(0)

  init(options: NoOptions) { makesKeys = true }
  init(makesKeys: Bool = true) { self.makesKeys = makesKeys }

  /// How often a row was looked up.
  var lookUps: Int { asked.load(ordering: .relaxed) }
  /// The verdicts of the rows so far.
  var verdicts: [Verdict] { outcomes.withLock { $0.values.map(\.verdict) } }

  func open(for target: String, operation: String) async throws -> any OpenLedger { self }

  func look(for target: String, operation: String) async throws -> (any LedgerView)? { self }

  func row(for row: RowName) throws(JournalError) -> any KnownRow {
    guard makesKeys else { throw JournalError("no key can be made") }
    asked.add(1, ordering: .relaxed)
    let key = RowKey(String(decoding: row.identity.exposed, as: UTF8.self))
    return Known(
      key: key, lastOutcome: outcomes.withLock { $0[key] },
      isBegun: begun.withLock { $0.contains(key) })
  }

  func record(_ outcome: Outcome) {
    guard let key = outcome.key else { return }
    outcomes.withLock { $0[key] = outcome }
  }

  func intend(_ submission: Submission, for key: RowKey, attempt: Int) {}
  func begin(_ step: Int, of submission: Submission, for key: RowKey) {}
  func complete(_ step: Int, of submission: Submission, for key: RowKey) {
    begun.withLock { _ = $0.insert(key) }
  }
  func settle(_ key: RowKey, as settlement: Settlement) {}
  func end(_ run: RunEnd) {}
  func close() {}

  private struct Known: KnownRow {
    let key: RowKey
    let lastOutcome: Outcome?
    let isBegun: Bool
    var lastWritten: UnixTime? { nil }
    var crashes: Int { 0 }

    var standing: Standing {
      switch lastOutcome?.verdict {
      case .inDoubt where isBegun: .notAccepted
      case .accepted: .accepted
      case .inDoubt: .inDoubt
      case .rejected, .failed: .notAccepted
      case .skipped, nil: .unknown
      }
    }

    func isUnchanged(_ submission: Submission) -> Bool { true }
    func change(to origin: RowOrigin) -> RowChange { .none }
    var accepted: UnixTime? { nil }
    var wasSentInThisRun: Bool { false }
    func stepsDone(of submission: Submission) -> Set<Int> { [] }
  }
}

/// Keeps the messages of level error, and what became of the rows.
final class MessageLog: RunObserver {
  private let kept = Mutex<[String]>([])
  var messages: [String] { kept.withLock { $0 } }
  private let ended = Mutex<[Outcome]>([])
  var outcomes: [Outcome] { ended.withLock { $0 } }

  func finished(_ outcome: Outcome) { ended.withLock { $0.append(outcome) } }
  func prepared(_ submission: Submission, outcome: Outcome) {}
  func waiting(seconds: Double, asked: Bool, row: RowReference) {}
  func log(_ level: LogLevel, _ message: String, row: RowReference?) {
    if level >= .error { kept.withLock { $0.append(message) } }
  }
}

/// Stops the run as soon as a line has been read.
private struct Stopper: RunObserver {
  private let stop: StopSwitch
  private let line: Int

  init(_ stop: StopSwitch, atLine line: Int) { (self.stop, self.line) = (stop, line) }

  func loaded(_ row: LoadedRow) {
    if row.record.row.line == line { stop.request(.soon, reason: "line \(line)") }
  }
  func finished(_ outcome: Outcome) {}
  func prepared(_ submission: Submission, outcome: Outcome) {}
  func waiting(seconds: Double, asked: Bool, row: RowReference) {}
  func log(_ level: LogLevel, _ message: String, row: RowReference?) {}
}
