import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization

/// Reports on a run: result lines on standard output, everything else on standard error.
struct RunReporter: RunObserver {
  private let results: ResultWriter
  private let form: ResultForm
  private let console: Console
  private let progress: ProgressDisplay
  private let line: ResultLine
  private let stop: StopSwitch
  private let taps: Set<String>
  /// Whether every row is shown to people, not only those with problems.
  private let isVerbose: Bool
  /// Whether results in words are those with problems alone.
  private let isQuiet: Bool
  /// Whether messages go into a file while results go to a terminal: both have the rows with problems.
  private let isLogged: Bool
  /// What people see of a check, nil for a run, whose rows are shown as they end.
  let list: RowList?
  /// What a dry run prints for a request; nil for a check, which prints the row.
  private let request: RequestText?
  /// Whether anything is sent and recorded.
  private let isSending: Bool
  private let failedRows: FailedRows?
  private let fixed: FixedManifest?
  /// Whether rows that are skipped stay out of the results.
  private let isOnlyLeft: Bool

  init(
    _ arguments: Arguments, _ invocation: Invocation, _ mode: RunPolicy.Mode,
    _ progress: ProgressDisplay, _ stop: StopSwitch, _ request: RequestText,
    _ failedRows: FailedRows?, _ fixed: FixedManifest?
  ) {
    let (results, console) = (invocation.results, invocation.console)
    (self.results, self.console, self.progress, self.stop) = (results, console, progress, stop)
    (self.failedRows, self.fixed) = (failedRows, fixed)
    let form = ResultForm(arguments["output"], isTerminal: results.isTerminal)
    let isLogged = results.isTerminal && !Terminal.isThere
    (self.form, self.isLogged) = (form, isLogged)
    line = ResultLine(hidesPaths: arguments.has("hide-paths"))
    taps = Set(arguments.all("tap"))
    (isVerbose, isQuiet) = (arguments.has("verbose"), arguments.has("quiet"))
    isOnlyLeft = arguments.has("left")
    isSending = mode.keepsLedger
    self.request = mode == .dryRun ? request : nil
    guard mode == .check, !console.isJSON else {
      list = nil
      return
    }
    list = RowList(all: arguments.has("all") || isVerbose) { text in
      if form == .text { results.writeLine(text) }
      if form != .text || isLogged { console.write(text) }
    }
  }

  func loaded(_ row: LoadedRow) {
    fixed?.add(row)
    list?.expect(row.record.row.line)
  }

  func leftOut(_ row: RowReference) {
    progress.countLeftOut()
    list?.skip(row.line)
  }

  func finished(_ outcome: Outcome) {
    progress.noteEnd()
    failedRows?.add(outcome)
    if isOnlyLeft, outcome.verdict == .skipped, !outcome.isNews {
      list?.skip(outcome.row.line)
    } else if let full = tell(outcome), form == .text, !console.isForPrograms {
      if isLogged { console.note(full) } else { console.logOnly(full) }
    }
  }

  func prepared(_ submission: Submission, outcome: Outcome) {
    progress.noteEnd()
    let request = request?.json(submission)
    _ = tell(outcome, isReady: true, request)
    // A dry run is there to look at the request.
    if form == .text, let request { show("    " + request.text) }
  }

  /// Writes what became of a row wherever it is wanted; returns the long text where people see the row without asking
  /// for every one.
  private func tell(
    _ outcome: Outcome, isReady: Bool = false, _ request: JSONOutput? = nil
  ) -> String? {
    let (isShown, word) = (outcome.isNews || isVerbose, isReady ? "ready" : nil)
    if form == .json {
      results.keepLine { line.write(outcome, word: word, request: request, to: &$0) }
    }
    if console.isForPrograms, isShown { log(outcome) }
    guard isShown || form == .text && !isQuiet && list == nil else {
      list?.skip(outcome.row.line)
      return nil
    }
    let full = RowText.line(
      outcome, word: word, hidesPaths: line.hidesPaths, showsImages: isVerbose,
      explains: isReady && request == nil)
    if let list {
      list.add(full, errors: isReady ? 0 : 1 + outcome.further.count, outcome.row.line)
      return nil
    }
    if isVerbose || form != .text {
      show(full)
    } else {
      // One row, one line: what does not fit is in the summary, and in `--verbose`.
      let short = RowText.short(outcome, word: word)
      show(results.width.map { short.cut(toColumns: $0) } ?? short)
    }
    return isShown ? full : nil
  }

  /// Where results are words they are what people see of a row; else standard error says what went wrong.
  private func show(_ text: String) {
    if form == .text {
      results.keepLine { $0 += text.utf8 }
    } else if !console.isForPrograms {
      console.note(text)
    }
  }

  /// An entry for programs, which find the details on standard output.
  private func log(_ outcome: Outcome) {
    let reason = outcome.failure.map { ": \($0.code): \($0.detail)" } ?? ""
    let level: LogLevel = outcome.isNews ? .warning : .info
    console.log(level, outcome.verdict.rawValue + reason, row: outcome.row)
  }

  func waiting(seconds: Double, asked: Bool, row: RowReference) {
    let note = "waiting \(RowText.digits(seconds)) s" + (asked ? ", asked by the server" : "")
    if asked && !isQuiet || isVerbose { console.log(.notice, note, row: row) }
  }

  func passed(_ stage: String, input: any Sendable, output: any Sendable, row: RowReference) {
    guard taps.contains(stage) else { return }
    console.write(TapText(hidesPaths: line.hidesPaths).fields(stage, input, output, row))
  }

  func log(_ level: LogLevel, _ message: String, row: RowReference?) {
    let least = isQuiet ? LogLevel.warning : .notice
    if level >= least || isVerbose { console.log(level, message, row: row) }
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

/// The rows of a check as people see them: each in the order of the manifest, or none where they are too many to read.
///
/// Rows end in any order, so one that is worked on for long holds back the texts behind it; nothing else is kept.
final class RowList: Sendable {
  private struct State {
    /// Lines of the manifest that were read and have not been shown.
    var lines: ArraySlice<Int> = []
    /// Texts of rows that have ended, nil for those that nobody needs to see.
    ///
    /// A line of a JSON list may hold several rows.
    var ended: [Int: [String?]] = [:]
    var errors = 0
  }

  private let showsAll: Bool
  private let write: @Sendable (String) -> Void
  private let state = Mutex(State())
  /// More than fit on a screen are told by cause.
  private static let most = 20

  init(all showsAll: Bool, write: @escaping @Sendable (String) -> Void) {
    (self.showsAll, self.write) = (showsAll, write)
  }

  /// Whether the rows were too many to be listed.
  var isTooLong: Bool { !showsAll && state.withLock(\.errors) > RowList.most }

  /// A row was read; in the order of the manifest.
  func expect(_ line: Int) {
    guard showsAll else { return }
    state.withLock { $0.lines.append(line) }
  }

  /// Nobody needs to see a row.
  func skip(_ line: Int) {
    guard showsAll else { return }
    end(line, nil)
  }

  func add(_ text: String, errors: Int, _ line: Int) {
    let isKept = state.withLock { state in
      state.errors += errors
      if !showsAll, state.errors > RowList.most { state.ended = [:] }
      return showsAll || state.errors <= RowList.most
    }
    if isKept { end(line, text) }
  }

  private func end(_ line: Int, _ text: String?) {
    state.withLock { state in
      state.ended[line, default: []].append(text)
      guard showsAll else { return }
      while let line = state.lines.first, let texts = state.ended.removeValue(forKey: line) {
        state.lines = state.lines.dropFirst(texts.count)
        for case let text? in texts { write(text) }
      }
    }
  }

  /// Shows what is left: everything of a short list, or what a stop left behind.
  func finish() {
    guard !isTooLong else { return }
    state.withLock { state in
      let rows = state.ended.sorted { $0.key < $1.key }.flatMap(\.value)
      for case let text? in rows { write(text) }
      state.ended = [:]
    }
  }
}
