import IntakeCore
import IntakeLedger
import IntakeRunner
import Synchronization

protocol SimulatedPlugin: Plugin {}

extension SimulatedPlugin {
  static var name: String { "simulated" }
  static var summary: String { "test" }
}

/// Stages of a simulation: no files, no network, but the real contract.
enum Simulated {
  final class Rows: RowSource {
    let notices: [String] = []
    private let rest: Mutex<[Line]>
    init(_ lines: [Line]) { rest = Mutex(lines) }

    func next() async throws -> LoadedRow? {
      row(rest.withLock { $0.isEmpty ? nil : $0.removeFirst() })
    }

    /// Every 300th row has to be waited for, as at the end of what a pipe holds.
    func nextAtHand() throws -> LoadedRow? {
      row(
        rest.withLock { $0.first.map { $0.number % 300 == 299 } ?? true ? nil : $0.removeFirst() })
    }

    private func row(_ line: Line?) -> LoadedRow? {
      line.map { line in
        let row = RowReference(line: line.number + 2, id: "C-\(line.number)")
        let identity = Personal(Array("C-\(line.number)".utf8))
        let record = IntakeRecord(
          row: row, identity: identity, fields: CustomerFields(), images: [])
        return LoadedRow(
          record, failures: line.isGood ? [] : [StageFailure(.malformedRow, "a bad twin")])
      }
    }
  }

  /// A line of the manifest; a bad one has the identity of a good one, its twin.
  struct Line: Sendable {
    let number: Int
    var isGood = true
  }

  struct Load: Loader, SimulatedPlugin {
    var lines: [Line] = []
    init(options: NoOptions) throws(OptionError) {}
    init(_ lines: [Line]) { self.lines = lines }
    func run(_ input: consuming Void, in context: StageContext) -> any RowSource { Rows(lines) }
  }

  struct Vendor: Target {
    let name = "simulated"

    func request(
      for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
    ) -> HTTPRequest { HTTPRequest(method: "POST", url: "", headers: [], body: []) }

    func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
      Receipt(.accepted)
    }

    func inquiry(about submission: Submission) -> Submission? { submission }

    func request(of followUp: FollowUp, answeredBy response: HTTPResponse) -> Submission {
      followUp.request
    }

    func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
      switch response.status {
      case 200: return .accepted(evidence: "the target has it")
      case 404: return .notAccepted(evidence: "the target does not know it")
      default: return .unknown(evidence: "the target does not say")
      }
    }
  }

  struct Assemble: Assembler, SimulatedPlugin {
    let target: any Target = Vendor()
    /// Steps that follow each request.
    var followUps = 0
    /// The customer of every row; nil where each has its own.
    var customer: String?
    init(options: NoOptions) throws(OptionError) {}
    init(followUps: Int = 0, customer: String? = nil) {
      (self.followUps, self.customer) = (followUps, customer)
    }
    func problems(in record: IntakeRecord) -> [StageFailure] { [] }
    func imageBudget(for record: IntakeRecord) -> Int? { nil }

    func run(_ assembly: consuming Assembly, in context: StageContext) -> Submission {
      let customer = customer ?? context.row.id ?? ""
      var submission = request("create", customer, .converges)
      submission.followUps = (1...max(1, followUps)).prefix(followUps).map { number in
        FollowUp(
          name: "step.\(number)", side: nil, inquiry: request("ask", customer, .safe),
          request: request("step.\(number)", "\(customer).\(number)", .idempotent))
      }
      return submission
    }

    private func request(_ name: String, _ customer: String, _ safety: RepeatSafety) -> Submission {
      Submission(
        method: "POST", path: "", headers: [], body: [], operation: name, repeatSafety: safety,
        customer: Personal(customer), bodyLimit: 1000, target: target)
    }
  }

  /// A server that refuses, throttles, loses answers after or before it has worked, and tells the truth when asked.
  struct Submit: Submitter, SimulatedPlugin {
    var world = SimulatedWorld(seed: 0)
    init(options: NoOptions) throws(OptionError) {}
    init(_ world: SimulatedWorld) { self.world = world }

    func run(_ submission: consuming Submission, in context: StageContext) async throws -> Receipt {
      let key = submission.customer.exposed
      try world.step()
      if world.chance.happens(5) { return Receipt(.retryable(after: nil), code: .connectionFailed) }
      if submission.repeatSafety != .idempotent { note(key) } else { noteStep(key) }
      if world.chance.happens(4) { return Receipt(.yield(after: 3), http: 429, code: .throttled) }
      if world.chance.happens(4) { return Receipt(.rejected, http: 400, code: .refusedByTarget) }
      if world.chance.happens(4) { return Receipt(.inDoubt, code: .noAnswer) }
      world.state.withLock { $0.applied[key, default: 0] += 1 }
      if world.chance.happens(6) { return Receipt(.inDoubt, code: .noAnswer) }
      try world.step()
      return Receipt(.accepted, http: 200)
    }

    func ask(_ inquiry: Submission, in context: StageContext) async throws -> HTTPResponse {
      try world.step()
      if world.chance.happens(10) { throw StageFailure(.noAnswer, "lost") }
      let has = world.state.withLock { $0.applied[inquiry.customer.exposed] != nil }
      return HTTPResponse(status: has ? 200 : 404, headers: [], body: [])
    }

    /// A step is announced, comes after its request, and is never sent once it is known to be done.
    private func noteStep(_ key: String) {
      world.state.withLock { state in
        if !state.begun.contains(key) {
          state.violations.append("\(key) was sent without being announced")
        }
        if state.done.contains(key) {
          state.violations.append("\(key) was sent again after it was done")
        }
        if state.applied[String(key.prefix { $0 != "." })] == nil {
          state.violations.append("\(key) was sent before its request")
        }
      }
    }

    /// I2: every request has an intent on disk before it.
    private func note(_ key: String) {
      world.state.withLock { state in
        state.requests.append(key)
        let intents = state.intents[key] ?? 0
        if intents < state.requests.count(where: { $0 == key }) {
          state.violations.append("\(key) was sent without an intent")
        }
      }
    }
  }

  final class Ledger: Journal, OpenLedger, SimulatedPlugin {
    let world: SimulatedWorld
    init(options: NoOptions) throws(OptionError) { world = SimulatedWorld(seed: 0) }
    init(_ world: SimulatedWorld) { self.world = world }

    let notices: [String] = []

    func open(for target: String, operation: String) async throws -> any OpenLedger {
      var line = LedgerRecord(.open, at: .now())
      (line.target, line.keyProof) = ("simulated", Fingerprint(high: 0, low: 0))
      try append(line)
      return self
    }

    func look(for target: String, operation: String) async throws -> (any LedgerView)? { self }

    func end(_ run: RunEnd) async throws(JournalError) {}

    func row(for row: RowName) -> any KnownRow {
      let name = String(decoding: row.identity.exposed, as: UTF8.self)
      return Known(
        key: RowKey(name), standing: world.standing(of: name), lastWritten: world.lastWritten,
        done: world.state.withLock { $0.done })
    }

    /// A row as it was when it was looked up.
    private struct Known: KnownRow {
      let key: RowKey
      let standing: Standing
      let lastWritten: UnixTime?
      let done: Set<String>
      var crashes: Int { 0 }
      var lastOutcome: Outcome? { nil }

      func isUnchanged(_ submission: Submission) -> Bool { true }
      func change(to origin: RowOrigin) -> RowChange { .none }
      var accepted: UnixTime? { nil }
      var wasSentInThisRun: Bool { false }
      func stepsDone(of submission: Submission) -> Set<Int> {
        Set(
          (0...submission.followUps.count).filter {
            done.contains(SimulatedWorld.step($0, of: key.description))
          })
      }
    }

    func intend(_ submission: Submission, for key: RowKey, attempt: Int) async throws(JournalError)
    {
      try append(
        line(.intent, key) { ($0.attempt, $0.digest) = (attempt, Fingerprint(high: 0, low: 0)) })
    }

    func begin(_ step: Int, of submission: Submission, for key: RowKey) async throws(JournalError) {
      try append(line(.step, key) { ($0.step, $0.verdict) = (step, "begun") })
    }

    func complete(_ step: Int, of submission: Submission, for key: RowKey)
      async throws(JournalError)
    {
      try append(
        line(.step, key) { ($0.step, $0.verdict) = (step, Settled.accepted.rawValue) })
    }

    func settle(_ key: RowKey, as settlement: Settlement) async throws(JournalError) {
      switch settlement {
      case .accepted: try append(line(.mark, key) { $0.verdict = Settled.accepted.rawValue })
      case .notAccepted: try append(line(.mark, key) { $0.verdict = Settled.notAccepted.rawValue })
      case .differs, .unknown: break
      }
    }

    func record(_ outcome: Outcome) async throws(JournalError) {
      guard let key = outcome.key, outcome.verdict != .skipped else { return }
      try append(
        line(.outcome, key) {
          $0.verdict = outcome.verdict.rawValue
          $0.attempt = outcome.attempts
          $0.code = outcome.failure?.code.rawValue
        })
    }

    private func line(
      _ kind: LedgerRecord.Kind, _ key: RowKey, _ fill: (inout LedgerRecord) -> Void
    ) -> LedgerRecord {
      var record = LedgerRecord(
        kind, at: .now(), key: SimulatedWorld.fingerprint(key.description))
      fill(&record)
      return record
    }

    func close() async {}

    /// A kill may fall before the line is on disk, or after it and before anybody hears of it.
    private func append(_ line: LedgerRecord) throws(JournalError) {
      try world.step()
      world.state.withLock { $0.append(line) }
      try world.step()
    }
  }

  /// A recorder of a third party whose disk is full now and then.
  struct Archive: Recorder, SimulatedPlugin {
    var world = SimulatedWorld(seed: 0)
    init(options: NoOptions) throws(OptionError) {}
    init(_ world: SimulatedWorld) { self.world = world }

    func run(_ outcome: consuming Outcome, in context: StageContext) throws {
      if world.chance.happens(world.archiveFailures) { throw StageFailure(.stageFailed, "full") }
    }
  }

  struct Observer: RunObserver {
    let world: SimulatedWorld

    /// I7: what is told is on disk.
    func finished(_ outcome: Outcome) {
      let key = outcome.key?.description ?? ""
      world.state.withLock { state in
        state.told[key] = outcome.verdict
        if outcome.verdict == .accepted, state.standing(of: key) != .accepted {
          state.violations.append("\(key) was told too early")
        }
      }
    }
    func prepared(_ submission: Submission, outcome: Outcome) {}
    func waiting(seconds: Double, asked: Bool, row: RowReference) {}
    func log(_ level: LogLevel, _ message: String, row: RowReference?) {}
  }
}
