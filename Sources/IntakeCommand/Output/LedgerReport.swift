import IntakeCore
import IntakeLedger

/// What a ledger tells of a batch: its runs, where its rows stand and why, sizes and times.
struct LedgerReport {
  let ledger: LedgerReader
  /// One a run, the first run first.
  private(set) var runs: [RunTally] = []
  /// The rows that aren't accepted by why, the commonest cause first.
  private(set) var causes: [Cause] = []
  /// How long rows took in each stage, in the order of the pipeline.
  private(set) var stages: [StageTimes.Stage] = []

  /// Rows that aren't accepted for the same reason.
  struct Cause {
    let standing: Standing
    let stage: String?
    let code: String?
    /// The column or side at fault.
    let place: String?
    let hint: String?
    fileprivate(set) var rows: [FailedRow] = []
  }

  /// A row that isn't accepted.
  struct FailedRow {
    let row: LedgerRow
    var line: Int? { row.line }
    var key: RowKey { row.key }
    /// What the operator calls it, where a manifest is there to tell.
    fileprivate(set) var id: String?
  }

  /// `names` are those of the stages that the program has, in the usual order.
  init(_ reader: LedgerReader, stages names: [String]) throws(JournalError) {
    ledger = reader
    var tallies: [RunTally] = []
    var times = StageTimes()
    try reader.forEachLine { (record, _) throws(JournalError) in
      switch record.kind {
      case .open:
        times.endRun()
        tallies.append(RunTally(tallies.count + 1, record))
      case .close: tallies.last?.end(record)
      case .outcome:
        tallies.last?.add(record)
        let isAccepted = record.verdict == Verdict.accepted.rawValue
        if let stages = record.stages { times.add(stages, isAccepted: isAccepted) }
      case .start, .intent, .step, .mark: break
      }
    }
    times.endRun()
    (runs, stages) = (tallies, times.inOrder(names))
    causes = try LedgerReport.causes(reader)
  }

  private static func causes(_ reader: LedgerReader) throws(JournalError) -> [Cause] {
    var causes: [[String?]: Cause] = [:]
    try reader.forEachRow { (row) throws(JournalError) in
      guard row.standing != .accepted else { return }
      let code = row.isUnanswered ? LedgerRow.unanswered : row.outcome?.code
      let place = row.outcome?.column ?? row.outcome?.side
      let known = code.flatMap(FailureCode.named)?.hint
      let cause = Cause(
        standing: row.standing, stage: row.outcome?.stage, code: code, place: place,
        hint: row.isUnanswered ? LedgerRow.unansweredHint : known)
      causes[[row.standing.word, cause.stage, code, place], default: cause].rows.append(
        FailedRow(row: row))
    }
    return causes.values.map { cause in
      var cause = cause
      cause.rows.sort { ($0.line ?? 0) < ($1.line ?? 0) }
      return cause
    }.sorted { ($1.rows.count, $0.rows[0].line ?? 0) < ($0.rows.count, $1.rows[0].line ?? 0) }
  }

  /// The rows of the manifest that the last run read, and what its images go through.
  func rows(of path: String, _ arguments: Arguments, _ invocation: Invocation) async throws
    -> (Pipeline, any RowSource)
  {
    let digest = try PlanEditing.digest(ofFile: path).map(Hex.text)
    guard let read = runs.last?.run.open.manifest, read == digest else {
      throw CommandError(
        .usage, "\(Sanitizer.clean(path)) isn't the manifest that the last run read",
        hint: "name that file, as it was; docintake ledger show --left MANIFEST compares any other")
    }
    // `--format` is that of the report here.
    var session = arguments.without("format").defaulting("to", to: "sandbox")
    session.positionals = [path]
    let plan = try PlanEditing(session, invocation.registry).plan
    let pipeline = try invocation.registry.assemble(plan)
    return (pipeline, try await pipeline.loader.rows())
  }

  /// Adds the ids of the rows, and hands on each record.
  mutating func nameRows(_ rows: any RowSource, _ visit: (IntakeRecord) -> Void) async throws {
    var names: [Int: String] = [:]
    let wanted = Set(causes.flatMap { $0.rows.compactMap(\.line) })
    while let record = try await rows.next()?.record {
      if wanted.contains(record.row.line) { names[record.row.line] = record.row.label }
      visit(record)
    }
    for cause in causes.indices {
      for row in causes[cause].rows.indices {
        causes[cause].rows[row].id = causes[cause].rows[row].line.flatMap { names[$0] }
      }
    }
  }

  /// Bytes of accepted rows: images as they came, images as they were sent, requests.
  var bytes: (before: Int, after: Int, requests: Int) {
    runs.reduce((0, 0, 0)) { ($0.0 + $1.before, $0.1 + $1.after, $0.2 + $1.requests) }
  }

  var facts: [(String, String)] {
    let last = runs.last?.run
    return [
      ("target", ledger.target ?? "-"),
      ("operations", ledger.operations.joined(separator: ", ")), ("runs", "\(ledger.runs.count)"),
      ("from", ledger.first?.rfc3339 ?? "-"), ("to", ledger.last?.rfc3339 ?? "-"),
      ("program", last?.open.tool ?? "-"),
      ("options", last?.options ?? "none that change what is sent"),
      ("manifest", last?.open.manifest.map { "sha256 \($0)" } ?? "-"),
      ("plan", last?.open.plan.map { "sha256 \($0)" } ?? "-"),
    ]
  }

  var counts: [(String, Int)] {
    let rows = ledger.rows
    return [
      ("rows", rows.total), ("accepted", rows.accepted), ("not accepted", rows.notAccepted),
      ("in doubt", rows.inDoubt),
    ]
  }

  /// Where the rows are that no run has come to; nil where the last run came to the end of its manifest.
  var unreached: String? {
    guard let last = runs.last?.run, [.stopped, .killed].contains(last.ending),
      last.options?.contains("only=") != true
    else { return nil }
    return
      "The last run did not come to the end of its manifest: docintake ledger show --left MANIFEST lists "
      + "the rows that are left."
  }

  /// Why a run may have reported more rows than there are here.
  static let note =
    "A row that repeats an earlier one, or its id, is not counted: docintake check MANIFEST names it. "
    + "One whose e-mail or id was corrected stands here under both."
}

/// One run of a ledger, with what its rows add up to.
final class RunTally {
  private(set) var run: LedgerRun
  private var outcomes = 0
  private var acceptedOutcomes = 0
  /// Retries of the rows in doubt: the outcome that settles one in the same run counts its attempts as well.
  private var doubts: [Fingerprint: Int] = [:]
  /// Attempts after the first.
  private(set) var retries = 0
  /// Milliseconds that rows waited for the target or the rate.
  private(set) var waited = 0
  /// Bytes of the accepted rows.
  private(set) var before = 0
  private(set) var after = 0
  private(set) var requests = 0
  /// Rows, retries and milliseconds waited by the minute since the start.
  private(set) var minutes: [Int: (rows: Int, retries: Int, waited: Int)] = [:]

  init(_ number: Int, _ open: LedgerRecord) { run = LedgerRun(number, open) }

  func end(_ record: LedgerRecord) { run.close = record }

  /// Rows that ended, and those of them that were accepted: as the run itself counted them, or as far as it came.
  var rows: Int { run.rows.isEmpty ? outcomes : run.rows.values.reduce(0, +) }
  var accepted: Int { run.rows.isEmpty ? acceptedOutcomes : run.rows[.accepted] ?? 0 }

  func add(_ outcome: LedgerRecord) {
    let earlier = outcome.key.flatMap { doubts.removeValue(forKey: $0) }
    let row = earlier == nil ? 1 : 0
    let again = max(0, (outcome.attempt ?? 0) - 1) - (earlier ?? 0)
    if let key = outcome.key, outcome.verdict == Verdict.inDoubt.rawValue {
      doubts[key] = again + (earlier ?? 0)
    }
    outcomes += row
    retries += again
    waited += outcome.waited ?? 0
    if outcome.verdict == Verdict.accepted.rawValue {
      acceptedOutcomes += 1
      before += outcome.imagesBefore ?? 0
      after += outcome.imagesAfter ?? 0
      requests += outcome.bytes ?? 0
    }
    let minute = max(0, Int(outcome.time.seconds - run.start.seconds) / 60)
    let sum = minutes[minute] ?? (0, 0, 0)
    minutes[minute] = (sum.rows + row, sum.retries + again, sum.waited + (outcome.waited ?? 0))
  }
}

/// How long rows took in the stages of their pipelines.
struct StageTimes {
  private var stages: [Stage] = []
  /// Rows of the present run that went through all stages of its plan.
  private var accepted = 0
  /// The stages that stood in front of each one in some row.
  private var before: [String: Set<String>] = [:]

  /// One stage's.
  struct Stage {
    let name: String
    fileprivate(set) var most = 0
    /// Rows by milliseconds to two digits: a million rows take no more room than a thousand.
    fileprivate var rows: [Int: Int] = [:]
    /// Rows of the present run, and the accepted ones among them.
    fileprivate var passed = 0
    fileprivate var accepted = 0

    init(_ name: String) { self.name = name }
  }

  /// Adds the pairs of `decode=12,shrink=140`, which name the stages that took a millisecond or more.
  mutating func add(_ text: String, isAccepted: Bool) {
    if isAccepted { accepted += 1 }
    var passed: Set<String> = []
    for pair in text.split(separator: ",") {
      guard let (name, digits) = pair.halves(at: "="), let number = Int(digits) else { continue }
      let known = stages.firstIndex { $0.name == name }
      if known == nil { stages.append(Stage(name)) }
      stages[known ?? stages.count - 1].add(number, isAccepted: isAccepted)
      if before[name]?.isSuperset(of: passed) != true {
        before[name, default: []].formUnion(passed)
      }
      passed.insert(name)
    }
  }

  /// Adds the accepted rows of a run that took less than a millisecond in a stage that its plan has.
  mutating func endRun() {
    for index in stages.indices {
      let fast = accepted - stages[index].accepted
      if stages[index].passed > 0, fast > 0 { stages[index].rows[0, default: 0] += fast }
      (stages[index].passed, stages[index].accepted) = (0, 0)
    }
    accepted = 0
  }

  /// In the order of the pipeline, or of the names where no row tells.
  func inOrder(_ names: [String]) -> [Stage] {
    let rank = { (stage: Stage) in names.firstIndex(of: stage.name) ?? names.count }
    var (left, result) = (stages.sorted { rank($0) < rank($1) }, [Stage]())
    while !left.isEmpty {
      let next = left.firstIndex { stage in
        left.allSatisfy { before[stage.name]?.contains($0.name) != true }
      }
      result.append(left.remove(at: next ?? 0))
    }
    return result
  }
}

extension StageTimes.Stage {
  fileprivate mutating func add(_ milliseconds: Int, isAccepted: Bool) {
    most = max(most, milliseconds)
    passed += 1
    if isAccepted { accepted += 1 }
    var (rest, unit) = (milliseconds, 1)
    while rest >= 100 { (rest, unit) = (rest / 10, unit * 10) }
    rows[rest * unit, default: 0] += 1
  }

  var count: Int { rows.values.reduce(0, +) }

  /// Milliseconds within which this share of the rows was done.
  func quantile(_ share: Double) -> Int {
    var left = Int((Double(count) * share).rounded(.up))
    for (milliseconds, rows) in rows.sorted(by: { $0.key < $1.key }) {
      left -= rows
      if left <= 0 { return milliseconds }
    }
    return most
  }

  /// Half of the rows, 95 % of them and all of them took no longer, for people.
  var words: [String] {
    [quantile(0.5), quantile(0.95), most].map { $0 == 0 ? "<1" : RowText.number($0) }
  }

  /// Rows that took up to 1 ms, 2 to 3, 4 to 7 and so on.
  var histogram: [Int] {
    var bars = [Int](repeating: 0, count: Int.bitWidth - max(1, most).leadingZeroBitCount)
    for (milliseconds, rows) in rows {
      bars[Int.bitWidth - 1 - max(1, milliseconds).leadingZeroBitCount] += rows
    }
    return bars
  }
}
