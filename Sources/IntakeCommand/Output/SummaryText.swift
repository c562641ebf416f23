import IntakeCore
import IntakeRunner

/// The last thing on standard error: what a run came to.
struct SummaryText {
  let summary: RunSummary
  let ledger: String?
  /// The address of the sandbox's page.
  let page: String?
  let mode: RunPolicy.Mode
  /// Whether that page can be looked at after the run.
  var isKept = false

  var text: String {
    var lines = [counts, sizes]
    if let reason = summary.stopReason { lines.append("stopped early: \(reason)") }
    if let error = summary.journalError { lines.append("the ledger failed: \(error)") }
    if let failure = summary.loadFailure {
      lines.append("the manifest could not be read to its end: \(failure.detail) (\(failure.hint))")
    }
    if summary.counts[.inDoubt] != nil {
      lines.append(
        "rows in doubt may have been accepted: run the same command again to ask the target")
    }
    if let ledger { lines.append("ledger: \(ledger)") }
    if let page {
      lines.append(
        isKept
          ? "what arrived: \(page)/"
          : "to look at what arrives, give --keep and a new --ledger: the sandbox shows it as a page"
      )
    }
    return lines.joined(separator: "\n")
  }

  private var counts: String {
    var parts = Verdict.allCases.compactMap { verdict in
      summary.counts[verdict].map { "\($0) \(verdict.rawValue.replacing("_", with: " "))" }
    }
    if mode != .send { parts.insert("\(summary.ready) ready", at: 0) }
    let rows = "\(summary.rows) row" + (summary.rows == 1 ? "" : "s")
    let found = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
    return rows + found + (isNothingToDo ? " — nothing was left to send" : "")
  }

  private var isNothingToDo: Bool {
    mode == .send && summary.rows > 0 && summary.counts[.skipped] == summary.rows
  }

  private var sizes: String {
    let rate = Double(summary.rows) / max(0.001, summary.seconds)
    return
      "images \(RowText.bytes(summary.sourceBytes)) → requests \(RowText.bytes(summary.bodyBytes)) "
      + "in \(RowText.digits(summary.seconds)) s, \(RowText.digits(rate)) rows/s"
  }

  var json: JSONOutput {
    let counts = Verdict.allCases.map { ($0.rawValue, JSONOutput.integer(summary.counts[$0] ?? 0)) }
    return .object([
      ("type", .string("summary")), ("rows", .integer(summary.rows)),
      ("outcomes", .object(counts)), ("ready", .integer(summary.ready)),
      ("sourceBytes", .integer(summary.sourceBytes)), ("bodyBytes", .integer(summary.bodyBytes)),
      ("seconds", .decimal(summary.seconds)),
      ("rate", .decimal(Double(summary.rows) / max(0.001, summary.seconds))),
      ("stopped", .optional(summary.stopReason)), ("ledgerError", .optional(summary.journalError)),
      ("manifestError", .optional(summary.loadFailure?.detail)),
      ("ledger", .optional(ledger)), ("page", .optional(page)),
    ])
  }
}

extension ExitCode {
  /// How a run ends: the first that applies.
  init(_ summary: RunSummary) {
    if summary.journalError != nil {
      self = .ledgerUnusable
    } else if summary.internalError != nil {
      self = .internalError
    } else if summary.stopReason != nil || summary.loadFailure != nil {
      self = .stopped
    } else if summary.counts[.inDoubt] != nil {
      self = .inDoubt
    } else {
      self = summary.notAccepted > 0 ? .notAccepted : .success
    }
  }
}
