import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization

/// Shows how far a run has come, in a form that suits a terminal, a log or a program.
final class ProgressDisplay: Sendable {
  enum Style: String {
    case bar, plain, json, none

    /// `auto` is a line that stays where a person watches, and nothing in a pipe or a log.
    init(option: String?) {
      let isQuietPlace = !Terminal.isInteractive || Terminal.environment("CI") != nil
      self = option.flatMap(Style.init(rawValue:)) ?? (isQuietPlace ? .none : .bar)
    }
  }

  private struct State {
    var counts: [Verdict: Int] = [:]
    var ready = 0
    var bodyBytes = 0
    var lastShown = 0.0
    var note: String?

    var rows: Int { counts.values.reduce(ready, +) }
  }

  let style: Style
  private let console: Console
  private let start = SystemTime.monotonic
  private let state = Mutex(State())

  init(style: Style, console: Console) {
    self.style = style
    self.console = console
  }

  /// Counts a row; shows the counts at most every 0.1 s on a terminal, 10 s in a log, 1 s for a program.
  func count(_ outcome: Outcome) {
    show(every: interval) { state in
      state.counts[outcome.verdict, default: 0] += 1
      state.bodyBytes += outcome.receipt?.bodyBytes ?? 0
      state.note = nil
    }
  }

  func countReady() { show(every: interval) { $0.ready += 1 } }

  private var interval: Double { style == .bar ? 0.1 : style == .plain ? 10 : 1 }

  func wait(_ note: String) { show(every: 0) { $0.note = note } }

  /// Answers a signal that asks how far the run has come, whatever the style; the run goes on.
  func snapshot(_ activity: RunMonitor.Activity, ledger: String?) {
    let (shown, now) = (state.withLock(\.self), SystemTime.monotonic)
    let downSince = activity.downSince.map { UTCTime(seconds: $0).rfc3339 }
    guard !console.isJSON, style != .json else {
      let inFlight: JSONFields = [("rows", activity.rows), ("requests", activity.requests)]
      let more: JSONFields = [
        ("ready", shown.ready), ("rate", rate(shown, now)),
        ("inFlight", JSONOutput(fields: inFlight)), ("downSince", downSince.orNull),
        ("ledger", ledger.orNull),
      ]
      return console.write([("type", "snapshot")] + fields(shown, now).dropFirst() + more)
    }
    let inFlight =
      "\(activity.rows) under way, \(activity.requests) of them waiting for the target"
    let down = downSince.map { "the target is down since \($0)" }
    let parts = [text(shown, now), inFlight, down, ledger.map { "ledger: \($0)" }]
    console.write("\(ProgramName.current): " + parts.compactMap(\.self).joined(separator: " · "))
  }

  func end() { if style == .bar { console.setStatusLine("") } }

  private func show(every interval: Double, _ change: (inout State) -> Void) {
    let now = SystemTime.monotonic
    let shown = state.withLock { state -> State? in
      change(&state)
      guard style != .none, now - state.lastShown >= interval else { return nil }
      state.lastShown = now
      return state
    }
    guard let shown else { return }
    switch style {
    case .bar: console.setStatusLine(String(text(shown, now).prefix(Terminal.width - 1)))
    case .plain: console.write("\(ProgramName.current): " + text(shown, now))
    case .json: console.write(fields(shown, now))
    case .none: break
    }
  }

  private func rate(_ state: State, _ now: Double) -> Double {
    Double(state.rows) / max(0.001, now - start)
  }

  private func text(_ state: State, _ now: Double) -> String {
    let ready = state.ready > 0 ? "\(state.ready) ready" : nil
    let counts = Verdict.allCases.map { verdict in
      state.counts[verdict].map { "\($0) \(verdict.words)" }
    }
    let rows = "\(state.rows) row" + (state.rows == 1 ? "" : "s")
    return ([rows, RowText.digits(rate(state, now)) + "/s", ready] + counts + [state.note])
      .compactMap(\.self).joined(separator: " · ")
  }

  private func fields(_ state: State, _ now: Double) -> JSONFields {
    [
      ("type", "status"), ("seconds", now - start), ("rows", state.rows),
      ("outcomes", Verdict.json(of: state.counts)), ("bodyBytes", state.bodyBytes),
      ("waiting", state.note),
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
