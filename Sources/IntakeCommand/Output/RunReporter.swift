import IntakeCore
import IntakeRunner
import IntakeSystem

/// Reports on a run: result lines on standard output, everything else on standard error.
struct RunReporter: RunObserver {
  let results: ResultWriter
  let console: Console
  let progress: ProgressDisplay
  let line: ResultLine
  let stop: StopSwitch
  let taps: Set<String>
  /// Whether every row is shown to people, not only those with problems.
  let isVerbose: Bool
  /// What a dry run prints for a request; nil for a check, which prints the row.
  let request: RequestText?
  /// Whether anything is sent and recorded.
  let isSending: Bool
  /// Where the rows go that were not accepted, nil when nobody wants them.
  let failedRows: FailedRows?
  /// Where the rows go as they were understood, nil when nobody wants them.
  let fixed: FixedManifest?
  /// Whether rows that are skipped stay out of the results.
  let isOnlyLeft: Bool

  func loaded(_ row: LoadedRow) { fixed?.add(row) }

  func finished(_ outcome: Outcome) {
    progress.count(outcome)
    failedRows?.add(outcome)
    if isOnlyLeft, outcome.verdict == .skipped, !outcome.isNews { return }
    results.keepLine { line.write(outcome, to: &$0) }
    guard outcome.isNews || isVerbose else { return }
    show(outcome, RowText.line(outcome, hidesPaths: line.hidesPaths, showsImages: isVerbose))
  }

  func prepared(_ submission: Submission, outcome: Outcome) {
    progress.countReady()
    let request = request?.json(submission)
    results.keepLine { line.write(outcome, word: "ready", request: request, to: &$0) }
    guard isVerbose else { return }
    let text = RowText.line(
      outcome, word: "ready", hidesPaths: line.hidesPaths, showsImages: true,
      explains: request == nil)
    show(outcome, text)
  }

  /// A line for people, or a log entry for programs, which find the details on standard output.
  private func show(_ outcome: Outcome, _ text: String) {
    guard console.isJSON else { return console.write(text) }
    let reason = outcome.failure.map { ": \($0.code): \($0.detail)" } ?? ""
    let level: LogLevel = outcome.isNews ? .warning : .info
    console.log(level, outcome.verdict.rawValue + reason, row: outcome.row)
  }

  func waiting(seconds: Double, asked: Bool, row: RowReference) {
    let note = "waiting \(RowText.digits(seconds)) s" + (asked ? ", asked by the server" : "")
    progress.wait(note)
    if asked || isVerbose { console.log(.notice, note, row: row) }
  }

  func passed(_ stage: String, input: any Sendable, output: any Sendable, row: RowReference) {
    guard taps.contains(stage) else { return }
    console.write(TapText(hidesPaths: line.hidesPaths).fields(stage, input, output, row))
  }

  func log(_ level: LogLevel, _ message: String, row: RowReference?) {
    if level > .info || isVerbose { console.log(level, message, row: row) }
  }

  /// A reader that went away does not stop the recording, only the start of further rows.
  func flush() {
    guard !results.flush(), stop.level == .none else { return }
    let reason = results.trouble ?? "standard output was closed"
    if isSending { console.log(.warning, "\(reason); what is in flight is recorded") }
    stop.request(.soon, reason: reason)
  }
}

extension Outcome {
  /// Whether people see it even if they didn't ask for every row.
  fileprivate var isNews: Bool {
    switch verdict {
    case .accepted: return false
    case .skipped: return failure?.code == .changedAfterAcceptance
    // The summary counts the rows that nobody tried.
    case .failed: return !isNotTried
    case .rejected, .inDoubt: return true
    }
  }
}
