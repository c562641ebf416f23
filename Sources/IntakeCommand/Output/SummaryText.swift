import IntakeCore
import IntakeRunner
import IntakeSystem

/// The last thing on standard error: what a run came to.
struct SummaryText {
  let summary: RunSummary
  let ledger: String?
  let page: String?
  /// The proxy that requests went through, nil for none.
  let proxy: String?
  /// Whether scans were decoded in processes that own nothing.
  let isIsolated: Bool
  let policy: RunPolicy
  /// The command line, to be given again.
  let arguments: Arguments
  /// Whether every row that has a problem has been listed.
  let isListed: Bool
  /// Columns of the terminal, nil for a file or pipe, which has room for any line.
  let columns = Terminal.isInteractive ? Terminal.width() : nil
  /// Where the rows are that were not accepted, nil when nobody wanted them or they could not be written.
  let failed: FailedRows?

  var text: String {
    let places = [
      proxy.map { "proxy: \($0)" }, "isolation: \(isolation)", ended,
      ledger.map { "ledger: \($0)" },
    ]
    let head = [counts, sizes, estimate, accepted, changed, leftOut, leftNew]
    // A command line stays whole, to be pasted.
    let lines =
      wrapped(head) + causes + wrapped(troubles + [failedRows] + places) + next
      + wrapped([lookHint])
    return lines.joined(separator: "\n")
  }

  private func wrapped(_ texts: [String?]) -> [String] {
    texts.compactMap(\.self).flatMap { $0.split(separator: "\n") }.flatMap { line in
      let indent = String(line.prefix { $0 == " " })
      return lines(String(line.dropFirst(indent.count)), after: indent, indent + "  ")
    }
  }

  /// Whether the sandbox's page can be looked at after the run.
  private var isKept: Bool { arguments.has("keep") }
  private var mode: RunPolicy.Mode { policy.mode }
  private var only: RunPolicy.Selection? { policy.only }
  /// Whether rows in doubt stay so, by the command line or by settings.
  private var isHeld: Bool { policy.ambiguous == .hold }

  private var isolation: String { isIsolated ? Isolation.inForce : Isolation.off.rawValue }

  /// A log is read the next morning.
  private var ended: String { "ended: " + WallClock.dateAndTime(SystemTime.wall) }

  private var counts: String {
    func count(_ verdict: Verdict) -> Int { summary.counts[verdict, default: 0] }
    // A ledger has one row per customer, so rows that repeat one are counted apart.
    let found = [
      (count(.accepted), Verdict.accepted.words),
      (count(.rejected) - summary.repeats, Verdict.rejected.words),
      (summary.failed, Verdict.failed.words), (count(.inDoubt), Verdict.inDoubt.words),
      (count(.skipped) - summary.changed, Verdict.skipped.words),
      (summary.repeats, (summary.repeats == 1 ? "repeats" : "repeat") + " another row"),
      (summary.changed, "changed"), (summary.notTried, "not tried"),
    ].filter { $0.0 > 0 }
    let ready = mode == .send ? [] : [(summary.ready, "ready")]
    let parts = (ready + found).map { "\(RowText.number($0)) \($1)" }.joined(separator: ", ")
    return RowText.count(summary.rows, "row", "rows") + (parts.isEmpty ? "" : ": " + parts)
      + (isNothingToDo ? " — nothing was left to send" : "")
  }

  private var isNothingToDo: Bool {
    mode == .send && summary.rows > 0 && summary.changed == 0
      && summary.counts[.skipped] == summary.rows
  }

  /// Nil where nothing was prepared: a rate of rows that were skipped says nothing.
  private var sizes: String? {
    guard summary.sourceBytes + summary.bodyBytes > 0 else { return nil }
    let (source, sent) = (RowText.bytes(summary.sourceBytes), RowText.bytes(summary.imageBytes))
    let images = summary.sourceBytes > 0 ? ["images \(source) → \(sent)"] : []
    let requests = mode == .send ? ["requests \(RowText.bytes(summary.bodyBytes))"] : []
    let seconds = summary.seconds
    let duration = seconds < 100 ? RowText.digits(seconds) + " s" : DurationText.words(seconds)
    let time = "\(duration), \(RowText.digits(rate)) rows/s"
    return (images + requests + [time]).joined(separator: ", ")
  }

  /// Rows a second; those that were skipped or not tried took no time.
  private var rate: Double { Double(summary.worked) / max(0.001, summary.seconds) }

  /// What a run of the rows that are ready takes; nil where nothing was left unsent.
  private var estimate: String? {
    guard summary.ready > 0 else { return nil }
    let requests = RowText.count(summary.requests, "request", "requests")
    let size = "a run sends \(requests), \(RowText.bytes(summary.bodyBytes))"
    guard let seconds = secondsOfRun, let rate = policy.rate else { return size }
    return "\(size); at \(RowText.digits(rate))/s it takes \(DurationText.words(seconds)) or more"
  }

  private var secondsOfRun: Double? { policy.rate.map { Double(summary.requests) / $0 } }

  /// Explains why the rows of a new file were not sent.
  private var accepted: String? {
    guard let last = summary.lastAccepted else { return nil }
    return "skipped rows were accepted by earlier runs, the last \(UTCTime(seconds: last).readable)"
  }

  private var changed: String? {
    guard summary.changed > 0 else { return nil }
    let rows = RowText.count(
      summary.changed, "row was changed after it", "rows were changed after they")
    return "\(rows) had been accepted: --resubmit-changed sends \(pronoun(summary.changed))"
  }

  private var failedRows: String? {
    guard let failed, failed.count > 0 else { return nil }
    let rows = RowText.count(failed.count, "row that was", "rows that were")
    let root = failed.imagesRoot.map { " and --images-root \($0)" } ?? ""
    return
      "\(rows) not accepted: \(failed.path), to correct and to run with the same options\(root)"
  }

  /// What `--only` passed over where it found nothing.
  private var leftOut: String? {
    guard summary.rows == 0, let only else { return nil }
    let (failed, inDoubt) = (summary.leftFailed, summary.leftInDoubt)
    switch only {
    case .failed where inDoubt > 0:
      return "no row failed; \(RowText.count(inDoubt, "is", "are")) in doubt: --only in-doubt"
    case .failed: return "no row failed"
    case .inDoubt where failed > 0: return "no row is in doubt; \(failed) failed: --only failed"
    case .inDoubt: return "no row is in doubt"
    }
  }

  /// What `--only` passed over because no run has seen it; it would be sent without `--only`.
  private var leftNew: String? {
    guard summary.leftNew > 0 else { return nil }
    let rows = RowText.count(
      summary.leftNew, "row is new to the ledger and was", "rows are new to the ledger and were")
    return "\(rows) left out: a run without --only sends \(pronoun(summary.leftNew))"
  }

  private func pronoun(_ count: Int) -> String { count == 1 ? "it" : "them" }

  private var troubles: [String?] {
    [
      summary.stopReason.map {
        "stopped early: \($0)" + (summary.stopHint.map { "\n  → \($0)" } ?? "")
      },
      neverReached,
      summary.journalError.map { "the ledger failed: \($0)" },
      summary.loadFailure.map {
        "the manifest could not be read to its end: \($0.detail) (\($0.hint))"
      },
      summary.counts[.inDoubt].map { count in
        "rows in doubt may have been accepted"
          + (count == summary.unaskable
            ? ", and this target cannot be asked; for each, \(FailureCode.handSettlement)"
            : isHeld
              ? ": with --ambiguous hold no run asks the target"
              : ": run the same command again to ask the target")
      },
    ]
  }

  private var neverReached: String? {
    guard let left = summary.neverReached, left.count > 0 else { return nil }
    let rows = RowText.count(left.count, "row was", "rows were")
    return "\(left.isExact ? "" : "about ")\(rows) never reached"
  }

  /// Only where something arrived and the page doesn't stay open already.
  private var lookHint: String? {
    guard page != nil, !isKept, summary.bodyBytes > 0 else { return nil }
    return "to look at what arrives, give --keep and a new --ledger: the sandbox shows it as a page"
  }

  var fields: JSONFields {
    [
      ("type", "summary"), ("rows", summary.rows), ("outcomes", Verdict.json(of: summary.counts)),
      ("notTried", summary.notTried), ("ready", summary.ready), ("repeats", summary.repeats),
      ("neverReached", (summary.neverReached?.count).orNull),
      ("neverReachedExact", summary.neverReached?.isExact),
      ("causes", causesByCount.map { JSONOutput(fields: fields(of: $0.kind, $0.cause)) }),
      ("sourceBytes", summary.sourceBytes), ("imageBytes", summary.imageBytes),
      ("bodyBytes", summary.bodyBytes),
      ("requests", summary.ready > 0 ? summary.requests : nil),
      ("secondsAtRate", summary.ready > 0 ? secondsOfRun : nil),
      ("seconds", summary.seconds), ("rate", rate), ("stopped", summary.stopReason.orNull),
      ("stopHint", summary.stopHint.orNull), ("changed", summary.changed),
      ("leftNew", summary.leftNew),
      ("ledgerError", summary.journalError.orNull),
      ("manifestError", (summary.loadFailure?.detail).orNull), ("proxy", proxy.orNull),
      ("isolation", isolation),
      ("ledger", ledger.orNull),
      ("failedRows", failed.flatMap { $0.count > 0 ? $0.path : nil }.orNull),
      ("page", (isKept ? page : nil).orNull), ("next", nextCommand(isPrivate: false)?.command),
    ]
  }
}

// Why rows were not accepted, and what to do about it.
extension SummaryText {
  /// The most frequent ones first.
  private var causesByCount: [(kind: RowCause.Kind, cause: RowCause)] {
    summary.causes.map { ($0.key, $0.value) }.sorted { left, right in
      let (first, second) = (left.1.rows.first?.line ?? 0, right.1.rows.first?.line ?? 0)
      return (right.1.count, first) < (left.1.count, second)
    }
  }

  /// Ten fit on a screen with what stands around them.
  private static let mostCauses = 10

  private var causes: [String] {
    let all = causesByCount
    guard !all.isEmpty, !isListed else { return [] }
    let shown = all.prefix(SummaryText.mostCauses)
    let width = shown.map { RowText.number($0.cause.count).count }.max() ?? 0
    let texts = shown.flatMap { text($0.kind, $0.cause, width: width) }
    let rest = all.dropFirst(SummaryText.mostCauses)
    let more =
      rest.isEmpty
      ? [] : ["  and \(rest.count) more causes, \(rest.reduce(0) { $0 + $1.cause.count }) times"]
    let hint = mode == .check ? "by cause (--all lists each row):" : "by cause:"
    return ["what is wrong, \(hint)"] + texts + more
  }

  /// `  1,200  missing_value dob: the cell is empty`, and below it the first rows and the next step.
  private func text(_ kind: RowCause.Kind, _ cause: RowCause, width: Int) -> [String] {
    let count = RowText.number(cause.count)
    let indent = String(repeating: " ", count: width + 4)
    let names = cause.rows.map { row in
      "\(row.line)" + (row.label.map { " (\(Sanitizer.clean($0, limit: 60)))" } ?? "")
    }
    let rows =
      (cause.count == 1 ? "line " : "lines ") + names.joined(separator: ", ")
      + (cause.count > cause.rows.count ? " …" : "")
    let detail = Sanitizer.clean(cause.failure.detail, limit: 300)
    // Where rows failed in different words, the first row's stand for all.
    let reason = (cause.isUniform ? "" : "such as ") + detail
    let hint =
      cause.count == 1
      ? cause.failure.hint(hidesPaths: arguments.has("hide-paths")) : cause.failure.hint
    let head = String(repeating: " ", count: width - count.count) + "  \(count)  "
    return lines("\(RowText.title(cause.failure)): \(reason)", after: head, indent)
      + lines(rows, after: indent, indent) + lines("→ " + hint, after: indent, indent)
  }

  /// A terminal would break lines within words, and at its edge.
  private func lines(_ text: String, after head: String, _ indent: String) -> [String] {
    guard let columns else { return [head + text] }
    return text.wrapped(to: max(20, columns - indent.count)).enumerated().map {
      ($0.offset == 0 ? head : indent) + $0.element
    }
  }

  private func fields(of kind: RowCause.Kind, _ cause: RowCause) -> JSONFields {
    [
      ("code", kind.code.rawValue), ("column", cause.failure.column?.description),
      ("side", cause.failure.side?.rawValue), ("http", kind.http), ("count", cause.count),
      ("rows", cause.rows.map(\.line)), ("ids", cause.rows.compactMap(\.label)),
      ("hint", cause.failure.hint),
    ]
  }

  /// What is to be done next, as a command line to paste; nil where nothing is, or a check says what to correct.
  ///
  /// Whoever gave the command may see all of it again; a log may be read by others.
  private func nextCommand(isPrivate: Bool) -> (words: String, command: String)? {
    guard mode == .send else { return nil }
    func command(only selection: RunPolicy.Selection?, asking: Bool = false) -> String {
      arguments.again(
        // These are about this run alone.
        without: Set(["failed", "only", "limit"] + (asking ? ["ambiguous"] : [])),
        adding: (selection.map { ["--only", $0.rawValue] } ?? [])
          + (asking ? ["--ambiguous", "reconcile"] : []),
        isPrivate: isPrivate)
    }
    if summary.stopReason != nil || summary.loadFailure != nil {
      return ("to go on:", arguments.again(without: [], adding: [], isPrivate: isPrivate))
    }
    if summary.counts[.inDoubt, default: 0] > summary.unaskable {
      return ("to settle what is in doubt:", command(only: .inDoubt, asking: isHeld))
    }
    // A row that repeats another one isn't in the ledger.
    guard summary.notAccepted - summary.repeats > 0 else { return nil }
    let isCorrected = summary.counts[.rejected, default: 0] > summary.repeats
    // With another e-mail or id a row is new to the ledger, and --only would pass over it.
    return isCorrected
      ? ("once corrected, to send them again:", command(only: nil))
      : ("to send them again:", command(only: .failed))
  }

  private var next: [String] {
    nextCommand(isPrivate: columns != nil).map { ["\($0.words)\n  \($0.command)"] } ?? []
  }
}
