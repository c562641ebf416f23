import IntakeCore
import IntakeLedger

/// What a ledger tells of a batch: its runs, where its rows stand and why, sizes and times.
struct LedgerReport {
  let ledger: LedgerReader
  private(set) var runs: [RunTally] = []
  /// The rows that aren't accepted by why, the commonest cause first.
  private(set) var causes: [Cause] = []
  /// How long rows took in each stage, in the order of the pipeline.
  private(set) var stages: [StageTimes.Stage] = []
  /// The rows that aren't accepted as a manifest has them; nil where none is given.
  private(set) var named: [RowKey: RowReference]?

  struct Cause {
    let standing: Standing
    let stage: String?
    let code: String?
    /// The column or side at fault.
    let place: String?
    let hint: String?
    fileprivate(set) var rows: [LedgerRow] = []
  }

  /// `names` are those of the stages that the program has, in the usual order.
  init(_ reader: LedgerReader, stages names: [String]) throws(JournalError) {
    ledger = reader
    var tallies: [RunTally] = []
    var times = StageTimes()
    try reader.forEachLine { record, _ in
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
    try reader.forEachRow { row in
      guard row.standing != .accepted else { return }
      let code = row.unanswered ?? row.outcome?.code
      let place = row.outcome?.column ?? row.outcome?.side
      let known = code.flatMap(FailureCode.named)?.hint
      let cause = Cause(
        standing: row.standing, stage: row.outcome?.stage, code: code, place: place,
        hint: row.isUnanswered ? row.unansweredHint : known)
      causes[[row.standing.word, cause.stage, code, place], default: cause].rows.append(row)
    }
    return causes.values.map { cause in
      var cause = cause
      cause.rows.sort { ($0.line ?? 0) < ($1.line ?? 0) }
      return cause
    }.sorted { ($1.rows.count, $0.rows[0].line ?? 0) < ($0.rows.count, $1.rows[0].line ?? 0) }
  }

  /// Finds the rows in a manifest that a run read.
  ///
  /// They are known by their keys: line numbers are those of whichever manifest a row was last reported from.
  ///
  /// - Returns: the first records with scans, and what the scans go through, whose loader is still to be finished.
  mutating func nameRows(_ path: String, _ arguments: Arguments, _ registry: StageRegistry)
    async throws -> ([IntakeRecord], Pipeline)
  {
    let digest = try PlanEditing.digest(ofFile: path).map(Hex.text)
    guard let digest, runs.contains(where: { $0.run.open.manifest == digest }) else {
      throw CommandError(
        .usage, "\(Sanitizer.clean(path)) isn't a manifest that a run of this ledger read",
        hint: "name one, as it was; docintake ledger show --left MANIFEST compares any other")
    }
    // `--format` here is the form of the report.
    let session = arguments.reading(path).without("format").aimed(at: ledger.target, registry)
    let pipeline = try registry.assemble(PlanEditing(session, registry).plan)
    let views = try await views(of: arguments.positionals[0])
    let lines = causes.flatMap(\.rows).reduce(into: [:]) { $0[$1.key] = $1.line ?? 0 }
    var (named, first): ([RowKey: RowReference], [IntakeRecord]) = ([:], [])
    try await pipeline.loader.prepare()
    let rows = try await pipeline.loader.rows()
    while let record = try await rows.next()?.record {
      let name = pipeline.assembler.name(of: record)
      for view in views {
        let key = try view.row(for: name).key
        // Of rows about the same customer the ledger has one.
        guard let line = lines[key], named[key] == nil || line == record.row.line else { continue }
        named[key] = record.row
      }
      if first.count < RowPictures.most, !record.images.isEmpty { first.append(record) }
    }
    self.named = named
    causes = causes.map { cause in
      var cause = cause
      cause.rows.sort { place(of: $0) < place(of: $1) }
      return cause
    }
    return (first, pipeline)
  }

  /// The ledger as a run sees it that looks up rows, for each of its operations.
  private func views(of path: String) async throws(JournalError) -> [LedgerGlance] {
    var views: [LedgerGlance] = []
    for operation in ledger.operations {
      var settings = LedgerSettings(
        path: path, target: ledger.target ?? "", operation: PercentText.decoded(operation))
      settings.sharedKeys = LedgerPlace.keyFile(of: settings.target)
      if let view = try await LedgerGlance.read(settings) { views.append(view) }
    }
    return views
  }

  /// The rows that the manifest has in its order, then the others.
  func place(of row: LedgerRow) -> (Int, Int) {
    let reference = named?[row.key]
    return (named != nil && reference == nil ? 1 : 0, reference?.line ?? row.line ?? 0)
  }

  /// `line 17 (C-1017)`.
  func name(_ row: LedgerRow) -> String {
    if let reference = named?[row.key] { return Console.name(reference) }
    guard let line = row.line else { return "key \(row.key)" }
    return "line \(line)" + (named == nil ? "" : " of another manifest")
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

  /// How to find the rows that no run has come to; nil where the last run read its manifest to the end.
  var unreached: String? {
    guard let last = runs.last?.run, [.stopped, .killed].contains(last.ending),
      last.options?.contains("only=") != true
    else { return nil }
    return
      "The last run did not come to the end of its manifest: docintake ledger show --left MANIFEST lists "
      + "the rows that are left."
  }

  /// Why a run may have reported more rows than the ledger has.
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
  /// What happened in each minute since the start.
  private(set) var minutes: [Int: Sums] = [:]

  struct Sums {
    var rows = 0
    var retries = 0
    /// Milliseconds.
    var waited = 0

    static func += (sums: inout Sums, more: Sums) {
      sums.rows += more.rows
      sums.retries += more.retries
      sums.waited += more.waited
    }
  }

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
    minutes[minute, default: Sums()] += Sums(
      rows: row, retries: again, waited: outcome.waited ?? 0)
  }
}

/// How long rows took in the stages of their pipelines.
struct StageTimes {
  private var stages: [String: Stage] = [:]
  /// Accepted rows of the present run: they went through all stages of its plan.
  private var accepted = 0
  /// Those among them that took a millisecond or more in a stage.
  private var slow: [String: Int] = [:]
  /// The stages that stood in front of each one in some row.
  private var before: [String: Set<String>] = [:]

  struct Stage {
    let name: String
    fileprivate(set) var most = 0
    /// Rows by milliseconds to two digits: a million rows take no more room than a thousand.
    fileprivate var rows: [Int: Int] = [:]

    init(_ name: String) { self.name = name }

    fileprivate mutating func add(_ milliseconds: Int) {
      most = max(most, milliseconds)
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

  /// Adds the pairs of `decode=12,shrink=140`, which name the stages that took a millisecond or more.
  mutating func add(_ text: String, isAccepted: Bool) {
    if isAccepted { accepted += 1 }
    var passed: Set<String> = []
    for pair in text.split(separator: ",") {
      guard let (name, digits) = pair.halves(at: "="), let number = Int(digits) else { continue }
      stages[name, default: Stage(name)].add(number)
      slow[name, default: 0] += isAccepted ? 1 : 0
      if before[name]?.isSuperset(of: passed) != true {
        before[name, default: []].formUnion(passed)
      }
      passed.insert(name)
    }
  }

  /// Adds the accepted rows of a run that took less than a millisecond in a stage that its plan has.
  mutating func endRun() {
    for (name, count) in slow where accepted > count {
      stages[name]?.rows[0, default: 0] += accepted - count
    }
    (accepted, slow) = (0, [:])
  }

  /// In the order of the pipeline, or of the names where no row tells.
  func inOrder(_ names: [String]) -> [Stage] {
    let rank = { (name: String) in (names.firstIndex(of: name) ?? names.count, name) }
    var (left, result) = (stages.values.sorted { rank($0.name) < rank($1.name) }, [Stage]())
    while !left.isEmpty {
      let next = left.firstIndex { stage in
        left.allSatisfy { before[stage.name]?.contains($0.name) != true }
      }
      result.append(left.remove(at: next ?? 0))
    }
    return result
  }
}
