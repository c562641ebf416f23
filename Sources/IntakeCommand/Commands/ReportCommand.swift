import IntakeCore
import IntakeCrypto
import IntakeImaging
import IntakeLedger
import IntakeSystem

/// `docintake report`: what a batch came to, for people.
enum ReportCommand {
  static let spec = CommandSpec(
    path: ["report"], summary: "report what a batch came to, from its ledger",
    arguments: "LEDGER", argumentCount: 1...1,
    options: [
      OptionSpec(
        "html", value: "FILE", completion: .files,
        help: "also write a page that needs nothing else: to be mailed and printed"),
      OptionSpec("format", choices: ["text", "json"], default: "text", help: "form of the output"),
      OptionSpec(
        "manifest", value: "FILE", completion: .files,
        help: "manifest of the last run: rows are shown with their ids, too"),
      OptionSpec(
        "show-images",
        help:
          "with --html and --manifest: small pictures of the first 50 rows' scans, as they came and as "
          + "they are sent"),
      RunOptions.to, Isolation.option,
      OptionSpec(
        "images-root", value: "DIR", completion: .folders,
        help: "folder of the images; default: the manifest's"),
    ]
      + RunOptions.manifestOptions.filter { $0.name.hasPrefix("map") || $0.name == "ignore-column" },
    examples: [
      "docintake report batch.ledger.jsonl --html report.html --manifest customers.csv",
      "docintake report batch.ledger.jsonl --format json | jq '.causes[] | [.count, .code, .where]'",
    ],
    notes: [
      "The ledger holds no ids; --manifest must be the very file that the last run read, which its digest proves."
    ]
  ) { arguments, invocation in
    var report = try LedgerReport(LedgerReader(arguments.positionals[0]))
    var pictures: [RowPictures] = []
    guard !arguments.has("show-images") || arguments.has("manifest") && arguments.has("html") else {
      throw CommandError(
        "--show-images needs --html FILE and --manifest FILE: the scans are read again",
        in: arguments.command)
    }
    if let manifest = arguments["manifest"] {
      let (pipeline, rows) = try await report.rows(of: manifest, arguments, invocation)
      var first: [IntakeRecord] = []
      try await report.nameRows(rows) { record in
        if first.count < RowPictures.most, !record.images.isEmpty { first.append(record) }
      }
      if arguments.has("show-images") {
        let decoders = try Isolation.start(arguments, width: 1, console: invocation.console)
        defer { decoders?.stop() }
        for record in first {
          pictures.append(
            await DecoderPool.$current.withValue(decoders) { await RowPictures(record, pipeline) })
        }
      }
    }
    invocation.results.writeText(
      arguments["format"] == "json" ? report.json.text + "\n" : report.text)
    if let path = arguments["html"] {
      try CommandError.writing(path) { () throws(SystemCallFailure) in
        try DurableFile.replace(
          path, Array(ReportPage(report: report, pictures: pictures).html.utf8))
      }
    }
    return .success
  }
}

/// What a ledger tells of a batch: its runs, where its rows stand and why, sizes and times.
struct LedgerReport {
  let statistics: LedgerStatistics
  /// One a run, the first run first.
  private(set) var runs: [RunTally] = []
  /// The rows that aren't accepted by why, the commonest cause first.
  private(set) var causes: [Cause] = []
  /// How long rows took in each stage, in the order of the pipeline.
  private(set) var stages: [StageTimes] = []

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
    fileprivate let row: LedgerRow
    var line: Int? { row.line }
    var key: RowKey { row.key }
    /// What the operator calls it, where a manifest is there to tell.
    fileprivate(set) var id: String?
  }

  init(_ reader: LedgerReader) throws(JournalError) {
    statistics = try reader.statistics()
    var tallies: [RunTally] = []
    var times: [StageTimes] = []
    try reader.forEachLine { (record, _) throws(JournalError) in
      switch record.kind {
      case .open: tallies.append(RunTally(tallies.count + 1, record))
      case .close: tallies.last?.end(record)
      case .outcome:
        tallies.last?.add(record)
        StageTimes.add(record.stages ?? "", to: &times)
      case .start, .intent, .step, .mark: break
      }
    }
    (runs, stages) = (tallies, times)
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
    guard let read = runs.last?.run.manifest, read == digest else {
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
      ("target", statistics.target ?? "-"),
      ("operations", statistics.operations.joined(separator: ", ")), ("runs", "\(statistics.runs)"),
      ("from", statistics.first?.rfc3339 ?? "-"), ("to", statistics.last?.rfc3339 ?? "-"),
      ("program", last?.tool ?? "-"), ("options", last?.options ?? "none that change what is sent"),
      ("manifest", last?.manifest.map { "sha256 \($0)" } ?? "-"),
      ("plan", last?.plan.map { "sha256 \($0)" } ?? "-"),
    ]
  }

  var counts: [(String, Int)] {
    let rows = statistics.rows
    return [
      ("rows", rows.total), ("accepted", rows.accepted), ("not accepted", rows.notAccepted),
      ("in doubt", rows.inDoubt),
    ]
  }

  /// Why a run may have reported more rows than there are here.
  static let note =
    "A row that repeats an earlier one, or its id, is not counted: docintake check MANIFEST names it."
}

/// One run of a ledger, with what its rows add up to.
final class RunTally {
  private let number: Int
  private let open: LedgerRecord
  private var close: LedgerRecord?
  private(set) var rows = 0
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

  init(_ number: Int, _ open: LedgerRecord) {
    self.number = number
    self.open = open
  }

  var run: LedgerRun { LedgerRun(number, open, close) }

  func end(_ record: LedgerRecord) { close = record }

  func add(_ outcome: LedgerRecord) {
    let again = max(0, (outcome.attempt ?? 0) - 1)
    rows += 1
    retries += again
    waited += outcome.waited ?? 0
    if outcome.verdict == Verdict.accepted.rawValue {
      before += outcome.imagesBefore ?? 0
      after += outcome.imagesAfter ?? 0
      requests += outcome.bytes ?? 0
    }
    let minute = max(0, Int(outcome.time.seconds - open.time.seconds) / 60)
    let sum = minutes[minute] ?? (0, 0, 0)
    minutes[minute] = (sum.rows + 1, sum.retries + again, sum.waited + (outcome.waited ?? 0))
  }
}

/// How long rows took in one stage.
struct StageTimes {
  let stage: String
  private(set) var count = 0
  private(set) var most = 0
  /// Rows by milliseconds to two digits: a million rows take no more room than a thousand.
  private var rows: [Int: Int] = [:]

  init(_ stage: String, _ milliseconds: Int) {
    self.stage = stage
    add(milliseconds)
  }

  /// Adds the pairs of `decode=12,shrink=140`; a stage that is new stands behind the one before it in its pipeline.
  static func add(_ text: String, to times: inout [StageTimes]) {
    var place = 0
    for pair in text.split(separator: ",") {
      guard let (name, digits) = pair.halves(at: "="), let number = Int(digits) else { continue }
      if let index = times.firstIndex(where: { $0.stage == name }) {
        times[index].add(number)
        place = index + 1
      } else {
        times.insert(StageTimes(name, number), at: place)
        place += 1
      }
    }
  }

  mutating func add(_ milliseconds: Int) {
    count += 1
    most = max(most, milliseconds)
    var (rest, unit) = (milliseconds, 1)
    while rest >= 100 { (rest, unit) = (rest / 10, unit * 10) }
    rows[rest * unit, default: 0] += 1
  }

  /// Milliseconds within which this share of the rows was done.
  func quantile(_ share: Double) -> Int {
    var left = Int((Double(count) * share).rounded(.up))
    for (milliseconds, rows) in rows.sorted(by: { $0.key < $1.key }) {
      left -= rows
      if left <= 0 { return milliseconds }
    }
    return most
  }

  /// Rows that took 1 ms, 2 to 3, 4 to 7 and so on.
  var histogram: [Int] {
    var bars = [Int](repeating: 0, count: Int.bitWidth - max(1, most).leadingZeroBitCount)
    for (milliseconds, rows) in rows {
      bars[Int.bitWidth - 1 - max(1, milliseconds).leadingZeroBitCount] += rows
    }
    return bars
  }
}

// The forms for programs and for terminals.
extension LedgerReport {
  /// The rows that aren't accepted, in the order of the manifest.
  private var open: [LedgerRow] {
    causes.flatMap { $0.rows.map(\.row) }.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
  }

  var json: JSONOutput {
    let bytes = bytes
    let times = stages.map { times in
      JSONOutput(fields: [
        ("stage", times.stage), ("rows", times.count), ("p50", times.quantile(0.5)),
        ("p95", times.quantile(0.95)), ("max", times.most), ("histogram", times.histogram),
      ])
    }
    return JSONOutput(fields: [
      ("statistics", JSONOutput(fields: statistics.fields())),
      ("runs", runs.map(\.json)), ("causes", causes.map(\.json)),
      ("notAccepted", open.map { JSONOutput(fields: $0.fields()) }),
      ("imageBytes", bytes.before), ("sentImageBytes", bytes.after), ("bodyBytes", bytes.requests),
      ("ms", times),
    ])
  }

  var text: String {
    let bytes = bytes
    var lines = (facts + counts.map { ($0.0, "\($0.1)") }).map { $0.0.padded(to: 14) + $0.1 }
    if bytes.before > 0 {
      lines.append(
        "images".padded(to: 14)
          + "\(RowText.bytes(bytes.before)) → \(RowText.bytes(bytes.after)), in requests of "
          + RowText.bytes(bytes.requests))
    }
    lines += ["", LedgerReport.note]
    if !stages.isEmpty { lines += ["", "stage         p50      p95      max  (ms a row)"] }
    for times in stages {
      let numbers = [times.quantile(0.5), times.quantile(0.95), times.most].map { number in
        String(repeating: " ", count: max(1, 9 - "\(number)".count)) + "\(number)"
      }
      lines.append(times.stage.padded(to: 8) + numbers.joined())
    }
    for cause in causes { lines += [""] + cause.lines }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RunTally {
  fileprivate var json: JSONOutput {
    JSONOutput(
      fields: run.fields + [
        ("manifest", run.manifest.orNull), ("plan", run.plan.orNull), ("retries", retries),
        ("waitedMs", waited), ("imageBytes", before), ("sentImageBytes", after),
        ("bodyBytes", requests),
      ])
  }
}

extension LedgerReport.Cause {
  /// `not accepted: file_not_found (load, front)`.
  var title: String {
    let places = [stage, place].compactMap(\.self).joined(separator: ", ")
    return standing.word.replacing("-", with: " ") + ": " + (code ?? "no reason is recorded")
      + (places.isEmpty ? "" : " (\(places))")
  }

  fileprivate var json: JSONOutput {
    let list = rows.map { row in
      JSONOutput(fields: [("row", row.line), ("id", row.id), ("key", row.key.description)])
    }
    return JSONOutput(fields: [
      ("count", rows.count), ("standing", standing.word.replacing("-", with: "_")),
      ("stage", stage), ("code", code), ("where", place), ("hint", hint), ("rows", list),
    ])
  }

  /// The cause, its next step, and its first rows; `--format json` has all of them.
  fileprivate var lines: [String] {
    let most = 10
    let names = rows.prefix(most).map(\.text).joined(separator: ", ")
    let more = rows.count > most ? " and \(rows.count - most) more" : ""
    return ["\(rows.count) × \(title)"] + (hint.map { ["    → " + $0] } ?? [])
      + ["    \(names)\(more)"]
  }
}

extension LedgerReport.FailedRow {
  /// `line 17 (C-1017)`.
  var text: String {
    let place = line.map { "line \($0)" } ?? "key \(key)"
    return place + (id.map { " (\(Sanitizer.clean($0, limit: 60)))" } ?? "")
  }
}
