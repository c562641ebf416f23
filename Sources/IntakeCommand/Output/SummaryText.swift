import IntakeCore
import IntakeRunner

/// The last thing on standard error: what a run came to.
struct SummaryText {
  let summary: RunSummary
  let ledger: String?
  let page: String?
  /// The proxy that requests went through, nil for none.
  let proxy: String?
  /// Whether scans were decoded in processes that own nothing.
  let isIsolated: Bool
  let mode: RunPolicy.Mode
  let only: RunPolicy.Selection?
  /// Whether the sandbox's page can be looked at after the run.
  let isKept: Bool
  /// Where the rows are that were not accepted, nil when nobody wanted them or they could not be written.
  let failed: FailedRows?

  var text: String {
    let places = [
      proxy.map { "proxy: \($0)" }, "isolation: \(isolation)", ledger.map { "ledger: \($0)" },
    ]
    let lines =
      [counts, sizes, accepted, changed, leftOut, leftNew] + troubles + [failedRows] + places
      + [lookHint]
    return lines.compactMap(\.self).joined(separator: "\n")
  }

  private var isolation: String { isIsolated ? Isolation.inForce : Isolation.off.rawValue }

  private var counts: String {
    var parts = Verdict.allCases.compactMap { verdict -> String? in
      let count =
        switch verdict {
        case .failed: summary.failed
        case .skipped: summary.counts[.skipped, default: 0] - summary.changed
        default: summary.counts[verdict, default: 0]
        }
      return count > 0 ? "\(count) \(verdict.words)" : nil
    }
    if summary.changed > 0 { parts.append("\(summary.changed) changed") }
    if summary.notTried > 0 { parts.append("\(summary.notTried) not tried") }
    if mode != .send { parts.insert("\(summary.ready) ready", at: 0) }
    let rows = "\(summary.rows) row" + (summary.rows == 1 ? "" : "s")
    let found = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
    return rows + found + (isNothingToDo ? " — nothing was left to send" : "")
  }

  private var isNothingToDo: Bool {
    mode == .send && summary.rows > 0 && summary.changed == 0
      && summary.counts[.skipped] == summary.rows
  }

  /// Nil where nothing was prepared: a rate of rows that were skipped says nothing.
  private var sizes: String? {
    guard summary.sourceBytes + summary.bodyBytes > 0 else { return nil }
    let (source, body) = (RowText.bytes(summary.sourceBytes), RowText.bytes(summary.bodyBytes))
    let seconds = RowText.digits(summary.seconds)
    return "images \(source) → requests \(body) in \(seconds) s, \(RowText.digits(rate)) rows/s"
  }

  private var rate: Double { Double(summary.rows) / max(0.001, summary.seconds) }

  /// So that nobody wonders why the rows of a new file were not sent.
  private var accepted: String? {
    guard let last = summary.lastAccepted else { return nil }
    return "skipped rows were accepted by earlier runs, the last \(UTCTime(seconds: last).readable)"
  }

  private var changed: String? {
    switch summary.changed {
    case 0: nil
    case 1: "1 row was changed after it had been accepted: --resubmit-changed sends it"
    case let count:
      "\(count) rows were changed after they had been accepted: --resubmit-changed sends them"
    }
  }

  private var failedRows: String? {
    guard let failed, failed.count > 0 else { return nil }
    let rows = failed.count == 1 ? "1 row that was" : "\(failed.count) rows that were"
    let root = failed.imagesRoot.map { " with --images-root \($0)" } ?? ""
    return "\(rows) not accepted: \(failed.path), to correct and to run\(root)"
  }

  /// What `--only` passed over where it found nothing.
  private var leftOut: String? {
    guard summary.rows == 0, let only else { return nil }
    let (failed, inDoubt) = (summary.leftFailed, summary.leftInDoubt)
    switch only {
    case .failed where inDoubt > 0:
      return "no row failed; \(inDoubt) \(inDoubt == 1 ? "is" : "are") in doubt: --only in-doubt"
    case .failed: return "no row failed"
    case .inDoubt where failed > 0: return "no row is in doubt; \(failed) failed: --only failed"
    case .inDoubt: return "no row is in doubt"
    }
  }

  /// What `--only` passed over because no run has seen it; it would be sent without `--only`.
  private var leftNew: String? {
    switch summary.leftNew {
    case 0: nil
    case 1: "1 row is new to the ledger and was left out: a run without --only sends it"
    case let count:
      "\(count) rows are new to the ledger and were left out: a run without --only sends them"
    }
  }

  private var troubles: [String?] {
    [
      summary.stopReason.map {
        "stopped early: \($0)" + (summary.stopHint.map { "\n  → \($0)" } ?? "")
      },
      summary.journalError.map { "the ledger failed: \($0)" },
      summary.loadFailure.map {
        "the manifest could not be read to its end: \($0.detail) (\($0.hint))"
      },
      summary.counts[.inDoubt].map { _ in
        "rows in doubt may have been accepted: run the same command again to ask the target"
      },
    ]
  }

  /// Only where something arrived and the page doesn't stay open anyway.
  private var lookHint: String? {
    guard page != nil, !isKept, summary.bodyBytes > 0 else { return nil }
    return "to look at what arrives, give --keep and a new --ledger: the sandbox shows it as a page"
  }

  var fields: JSONFields {
    [
      ("type", "summary"), ("rows", summary.rows), ("outcomes", Verdict.json(of: summary.counts)),
      ("notTried", summary.notTried), ("ready", summary.ready),
      ("sourceBytes", summary.sourceBytes), ("bodyBytes", summary.bodyBytes),
      ("seconds", summary.seconds), ("rate", rate), ("stopped", summary.stopReason.orNull),
      ("stopHint", summary.stopHint.orNull), ("changed", summary.changed),
      ("ledgerError", summary.journalError.orNull),
      ("manifestError", (summary.loadFailure?.detail).orNull), ("proxy", proxy.orNull),
      ("isolation", isolation),
      ("ledger", ledger.orNull),
      ("failedRows", failed.flatMap { $0.count > 0 ? $0.path : nil }.orNull),
      ("page", (isKept ? page : nil).orNull),
    ]
  }
}
