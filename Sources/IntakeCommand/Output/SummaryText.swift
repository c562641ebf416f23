import IntakeCore
import IntakeRunner

/// The last thing on standard error: what a run came to.
struct SummaryText {
  let summary: RunSummary
  let ledger: String?
  /// The address of the sandbox's page.
  let page: String?
  let mode: RunPolicy.Mode
  /// What `--only` asked for.
  var only: RunPolicy.Selection?
  /// Whether that page can be looked at after the run.
  var isKept = false

  var text: String {
    let lines = [counts, sizes, changed, leftOut] + troubles + [place, lookHint]
    return lines.compactMap(\.self).joined(separator: "\n")
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

  private var place: String? { ledger.map { "ledger: \($0)" } }

  /// Only where something arrived and the page doesn't stay open anyway.
  private var lookHint: String? {
    guard page != nil, !isKept, summary.bodyBytes > 0 else { return nil }
    return "to look at what arrives, give --keep and a new --ledger: the sandbox shows it as a page"
  }

  private var changed: String? {
    guard summary.changed > 0 else { return nil }
    guard summary.changed > 1 else {
      return "1 row was changed after it had been accepted: --resubmit-changed sends it"
    }
    return "\(summary.changed) rows were changed after they had been accepted: "
      + "--resubmit-changed sends them"
  }

  /// What `--only` passed over where it found nothing.
  private var leftOut: String? {
    guard summary.rows == 0 else { return nil }
    switch only {
    case .failed where summary.leftInDoubt > 0:
      return "no row failed; \(Self.are(summary.leftInDoubt)) in doubt: --only in-doubt"
    case .failed: return "no row failed"
    case .inDoubt where summary.leftFailed > 0:
      return "no row is in doubt; \(summary.leftFailed) failed: --only failed"
    case .inDoubt: return "no row is in doubt"
    case nil: return nil
    }
  }

  private static func are(_ count: Int) -> String { "\(count) \(count == 1 ? "is" : "are")" }

  private var counts: String {
    var parts = Verdict.allCases.compactMap { verdict -> String? in
      let count = verdict == .failed ? summary.failed : summary.counts[verdict] ?? 0
      return count > 0 ? "\(count) \(verdict.rawValue.replacing("_", with: " "))" : nil
    }
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
    let rate = Double(summary.rows) / max(0.001, summary.seconds)
    return
      "images \(RowText.bytes(summary.sourceBytes)) → requests \(RowText.bytes(summary.bodyBytes)) "
      + "in \(RowText.digits(summary.seconds)) s, \(RowText.digits(rate)) rows/s"
  }

  var json: JSONOutput {
    let counts = Verdict.allCases.map { ($0.rawValue, JSONOutput.integer(summary.counts[$0] ?? 0)) }
    return .object([
      ("type", .string("summary")), ("rows", .integer(summary.rows)),
      ("outcomes", .object(counts)), ("notTried", .integer(summary.notTried)),
      ("ready", .integer(summary.ready)),
      ("sourceBytes", .integer(summary.sourceBytes)), ("bodyBytes", .integer(summary.bodyBytes)),
      ("seconds", .decimal(summary.seconds)),
      ("rate", .decimal(Double(summary.rows) / max(0.001, summary.seconds))),
      ("stopped", .optional(summary.stopReason)), ("stopHint", .optional(summary.stopHint)),
      ("changed", .integer(summary.changed)), ("ledgerError", .optional(summary.journalError)),
      ("manifestError", .optional(summary.loadFailure?.detail)),
      ("ledger", .optional(ledger)), ("page", .optional(isKept ? page : nil)),
    ])
  }
}
