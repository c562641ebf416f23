import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization

/// Shows how far a run has come, in a form that suits a terminal, a log or a program.
///
/// It is drawn by the clock, not when a row ends, so that a run that stands still shows as one.
final class ProgressDisplay: Sendable {
  enum Style: String { case bar, plain, json, none }

  private let style: Style
  /// Seconds from one to the next.
  private let interval: Double
  /// Whether a run that is shorter than that shows its end.
  private let showsEnd: Bool
  private let console: Console
  private let monitor: RunMonitor
  private let limit: Int?
  private let pace = Mutex(RunPace(at: SystemTime.monotonic))

  /// `auto` is a line that stays where a person watches, and a line every 30 s in a log.
  init(_ arguments: Arguments, _ console: Console, _ monitor: RunMonitor, limit: Int?) {
    (self.console, self.monitor, self.limit) = (console, monitor, limit)
    let asked = arguments["progress"].flatMap(Style.init(rawValue:))
    let isWatched = Terminal.isInteractive && Terminal.environment("CI") == nil
    let usual = arguments.has("quiet") ? Style.none : isWatched ? .bar : .plain
    let form = asked ?? usual
    // Words among events would break the programs that read them.
    style = console.isJSON && form != .none ? .json : form
    showsEnd = asked == .plain || asked == .json
    // A stall of a second shows on a terminal; a log of a night has a thousand lines.
    interval = style == .bar ? 0.25 : asked == .json ? 1 : 30
  }

  func noteEnd() { pace.withLock { $0.lastEnd = SystemTime.monotonic } }

  func countLeftOut() { pace.withLock { $0.leftOut += 1 } }

  /// Shows how far it has come while something runs.
  func shown<Result>(_ body: () async throws -> Result) async throws -> Result {
    let showing = Task {
      if style == .bar { show() }
      while style != .none, (try? await Task.sleep(for: .seconds(interval))) != nil { show() }
    }
    do {
      let result = try await body()
      await end(showing)
      return result
    } catch {
      await end(showing)
      throw error
    }
  }

  private func end(_ showing: Task<Void, Never>) async {
    showing.cancel()
    await showing.value
    if style == .bar { console.statusLine.show("") } else if showsEnd { show() }
  }

  private var now: RunMoment {
    let (seconds, summary) = (SystemTime.monotonic, monitor.summary)
    return RunMoment(
      summary: summary, pace: pace.withLock { $0.sampled(at: seconds, worked: summary.worked) },
      activity: monitor.now, limit: limit, seconds: seconds, wall: SystemTime.wall)
  }

  private func show() {
    switch style {
    case .bar: console.statusLine.show(now.text(columns: Terminal.width() - 1))
    case .plain: console.status(now.text)
    case .json: console.event([("type", "status")] + now.fields)
    case .none: break
    }
  }

  /// Answers a signal that asks how far the run has come, whatever the style; the run goes on.
  func snapshot(ledger: String?) {
    let now = now
    guard !console.isJSON, style != .json else {
      let more: JSONFields = [("downSince", now.downSince.orNull), ("ledger", ledger.orNull)]
      return console.event([("type", "snapshot")] + now.fields + more)
    }
    let place = ledger.map { " · ledger: \($0)" } ?? ""
    console.status(now.text + place)
  }
}

/// How fast a run is.
struct RunPace: Sendable {
  /// Rows that were read and that the run is not about.
  var leftOut = 0
  let start: Double
  /// When the last row ended.
  var lastEnd: Double?
  private var samples: [(seconds: Double, worked: Int)]
  /// Seconds that a rate is taken over: long enough for a pause of 30 s, short enough to tell a slower target.
  private static let window = 60.0

  init(at start: Double) {
    self.start = start
    samples = [(start, 0)]
  }

  /// The same, with the rows that were worked on by now noted for the rate.
  mutating func sampled(at now: Double, worked: Int) -> RunPace {
    // One a second is enough for a line that is drawn four times a second.
    if now - (samples.last?.seconds ?? 0) >= 1 { samples.append((now, worked)) }
    while samples.count > 2, now - samples[1].seconds >= RunPace.window { samples.removeFirst() }
    return self
  }

  /// Rows a second of late, without those that were skipped: they say nothing about the rest.
  func rate(at now: Double, worked: Int) -> Double {
    guard let first = samples.first else { return 0 }
    return Double(worked - first.worked) / max(0.5, now - first.seconds)
  }
}

/// A look at a run: what is done, what is under way, and what that means for the rest.
struct RunMoment {
  let summary: RunSummary
  let pace: RunPace
  let activity: RunMonitor.Activity
  /// Rows to work on at most, nil for all.
  let limit: Int?
  let seconds: Double
  let wall: UnixTime

  /// How many rows there are for this run, nil where nothing tells.
  private var total: ExpectedRows? {
    let (rows, leftOut) = (summary.rows, pace.leftOut)
    guard let expected = activity.expected else { return nil }
    let mine =
      expected.isExact
      ? expected.count - leftOut
      : Int(Double(expected.count) * Double(max(1, rows)) / Double(max(1, rows + leftOut)))
    let most = limit.map { rows + max(0, $0 - summary.worked) } ?? .max
    return ExpectedRows(max(rows, min(mine, most)), isExact: expected.isExact || most < mine)
  }

  private var percent: Int? {
    total.map { $0.count > 0 ? min(100, summary.rows * 100 / $0.count) : 100 }
  }

  private var rate: Double { pace.rate(at: seconds, worked: summary.worked) }

  /// Seconds until the last row ends if all goes on as it does; nil while nothing does, or nothing tells.
  private var secondsLeft: Double? {
    guard let total, total.count > summary.rows, rate > 0, wait?.stopsAll != true else {
      return nil
    }
    return Double(total.count - summary.rows) / rate
  }

  var downSince: String? { activity.downSince.map { UTCTime(seconds: $0).rfc3339 } }

  /// What the run waits for, and until when.
  private var wait: (reason: String, until: UnixTime?, forms: [String], stopsAll: Bool)? {
    let still = seconds - (pace.lastEnd ?? pace.start)
    let known = RunMonitor.Wait.allCases.compactMap { wait -> (RunMonitor.Wait, UnixTime)? in
      guard let until = activity.waits[wait], until > wall else { return nil }
      // Others go on while a row waits for its next attempt.
      let isOfRows = [.retry, .inDoubt, .limit].contains(wait)
      return isOfRows && still < 3 ? nil : (wait, until)
    }
    if let (wait, until) = known.first {
      let time = WallClock.time(until)
      let forms =
        wait == .targetIsDown
        ? ["down, next try \(time)", "the target is down\(since), next try \(time)"]
        : ["waits until \(time)", "waits until \(time): \(wait.rawValue)"]
      return (wait.rawValue, until, forms, wait != .limit)
    }
    if activity.downSince != nil {
      let reason = "the target is down\(since)"
      return (reason, nil, ["down, trying", reason + ", trying it now"], true)
    }
    // A request with two scans takes a second or two.
    guard still >= 5 else { return nil }
    let reason =
      activity.requests > 0
      ? "no answer" : activity.rows > 0 ? "no row done" : "no row to read"
    return (reason, nil, ["\(reason) for \(DurationText.words(still))"], false)
  }

  private var since: String {
    activity.downSince.map { " (since \(WallClock.time($0)))" } ?? ""
  }

  /// The parts of the line: how early each has to give way, and its forms from the shortest to the longest.
  private var parts: [(rank: Int, forms: [String])] {
    let counts = summary.counts
    func count(_ number: Int?, _ word: String) -> [String] {
      number.map { $0 > 0 ? ["\(RowText.number($0)) \(word)"] : [] } ?? []
    }
    let inFlight = count(activity.requests, "in flight")
    let underWay = count(activity.rows, activity.rows == 1 ? "row under way" : "rows under way")
    return [
      (0, rowForms), (1, wait?.forms ?? []),
      (4, secondsLeft.map(arrival) ?? []),
      (5, summary.worked > 0 ? ["\(RowText.digits(rate))/s"] : []),
      (9, count(summary.ready, "ready")), (9, count(counts[.accepted], "accepted")),
      (2, failureForms), (3, count(counts[.inDoubt], Verdict.inDoubt.words)),
      (7, count(counts[.skipped], Verdict.skipped.words)),
      (8, count(summary.notTried, "not tried")),
      (6, inFlight.isEmpty ? underWay : inFlight + [(underWay + inFlight).joined(separator: ", ")]),
      (10, sizeForms),
    ]
  }

  private var sizeForms: [String] {
    guard summary.bodyBytes > 0 else { return [] }
    let (read, sent) = (RowText.bytes(summary.sourceBytes), RowText.bytes(summary.bodyBytes))
    return ["\(read) → \(sent)", "read \(read) → sent \(sent)"]
  }

  private var rowForms: [String] {
    let rows = RowText.number(summary.rows)
    guard let total, let percent else { return [RowText.count(summary.rows, "row", "rows")] }
    let all = (total.isExact ? "" : "~") + RowText.number(total.count)
    return [
      "\(rows)/\(all)", "\(rows)/\(all) (\(percent)%)", "\(rows) of \(all) rows (\(percent)%)",
    ]
  }

  private var failureForms: [String] {
    let causes = summary.codes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let sum = causes.reduce(0) { $0 + $1.value }
    guard sum > 0 else { return [] }
    let first = RowText.count(sum, "failure", "failures")
    // Three causes tell whether it is the rows or the target.
    return [first]
      + (1...min(3, causes.count)).map { count in
        let shown = causes.prefix(count).map { "\(RowText.number($0.value)) \($0.key)" }
        return first + ": " + (shown + (count < causes.count ? ["…"] : [])).joined(separator: ", ")
      }
  }

  private func arrival(_ seconds: Double) -> [String] {
    let clock = "ETA " + WallClock.minute(wall + seconds, from: wall)
    let rounded = seconds < 120 ? seconds : (seconds / 60).rounded() * 60
    return [clock, "\(clock) (\(DurationText.words(rounded)))"]
  }

  /// Everything, for a log.
  var text: String { parts.compactMap(\.forms.last).joined(separator: " · ") }

  /// As much as fits: first a short form of each part, the more important ones first, then longer ones.
  func text(columns: Int) -> String {
    let parts = parts
    var chosen = [String?](repeating: nil, count: parts.count)
    func line(_ texts: [String?]) -> String {
      texts.compactMap(\.self).joined(separator: " · ")
    }
    // A longer form gives way to the short one of a part that is four ranks behind.
    let steps = parts.indices.flatMap { index in
      parts[index].forms.indices.map { (index: index, step: $0, rank: parts[index].rank + 4 * $0) }
    }
    for (index, step, _) in steps.sorted(by: { ($0.rank, $0.step) < ($1.rank, $1.step) }) {
      var next = chosen
      next[index] = parts[index].forms[step]
      if line(next).columns <= columns { chosen = next }
    }
    let text = line(chosen)
    return text.isEmpty ? (parts[0].forms.first ?? "").cut(toColumns: columns) : text
  }

  /// The same for programs.
  var fields: JSONFields {
    let inFlight: JSONFields = [("rows", activity.rows), ("requests", activity.requests)]
    let waiting = wait
    return [
      ("seconds", seconds - pace.start), ("rows", summary.rows),
      ("expectedRows", (total?.count).orNull), ("expectedExact", total?.isExact),
      ("percent", percent.orNull), ("outcomes", Verdict.json(of: summary.counts)),
      ("ready", summary.ready), ("failures", summary.codes), ("rate", rate),
      ("eta", secondsLeft.map { UTCTime(seconds: wall + $0).rfc3339 }.orNull),
      ("inFlight", JSONOutput(fields: inFlight)), ("sourceBytes", summary.sourceBytes),
      ("bodyBytes", summary.bodyBytes), ("waiting", (waiting?.reason).orNull),
      ("waitingUntil", (waiting?.until).map { UTCTime(seconds: $0).rfc3339 }.orNull),
    ]
  }
}

extension Verdict {
  /// The words of a summary: `in doubt`.
  var words: String { rawValue.replacing("_", with: " ") }

  static func json(of counts: [Verdict: Int]) -> JSONOutput {
    JSONOutput(fields: allCases.map { ($0.rawValue, counts[$0] ?? 0) })
  }
}
