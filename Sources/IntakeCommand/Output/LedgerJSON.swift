import IntakeCore
import IntakeLedger

extension LedgerRow {
  /// What is reported about an attempt that has not ended.
  static func unanswered(isUnderWay: Bool) -> String {
    isUnderWay ? "being sent by a run now" : "killed while sending"
  }

  /// The same about the row, nil when it has an outcome.
  var unanswered: String? { isUnanswered ? LedgerRow.unanswered(isUnderWay: isBeingSent) : nil }

  /// What to do about a row without an outcome.
  var unansweredHint: String {
    isBeingSent
      ? "wait until the run has ended"
      : "run the same command again: the target is asked (unless a run is at work on it now)"
  }

  /// The row for programs, with the path of its ledger where several are shown; nothing in it is personal.
  func fields(of ledger: String? = nil) -> JSONFields {
    let head: JSONFields = [
      ("ledger", ledger), ("key", key.description),
      ("standing", standing.code), ("at", time.rfc3339),
    ]
    let doubt: JSONFields = [
      ("outcome", Verdict.inDoubt.rawValue), ("detail", unanswered),
      ("hint", unansweredHint), ("row", line),
    ]
    let last: JSONFields = outcome?.shown.map { ($0.name, $0.value) } ?? []
    return head + (isUnanswered ? doubt : last)
  }
}

extension FieldValue: JSONConvertible {
  var json: JSONOutput {
    switch self {
    case .word(let word): return .string(word)
    case .number(let number): return .integer(number)
    case .fingerprint(let fingerprint): return .string(fingerprint.description)
    }
  }
}

extension LedgerCounts: JSONConvertible {
  /// The counts by the words that outcomes have.
  var json: JSONOutput {
    JSONOutput(fields: [
      ("accepted", accepted), ("not_accepted", notAccepted), ("in_doubt", inDoubt),
      ("total", total),
    ])
  }
}

extension LedgerReader {
  /// The statistics for programs, with the path of the ledger where it is not clear from elsewhere.
  func fields(of ledger: String? = nil) -> JSONFields {
    [
      ("ledger", ledger), ("target", target.orNull), ("operations", operations), ("rows", rows),
      ("runs", runs.count), ("lines", lines), ("codes", codes), ("shards", shards),
      ("first", (first?.rfc3339).orNull), ("last", (last?.rfc3339).orNull),
    ]
  }
}

extension LedgerRun {
  var fields: JSONFields {
    [
      ("number", number), ("start", start.rfc3339), ("end", (end?.rfc3339).orNull),
      ("ending", ending.rawValue), ("tool", open.tool), ("shard", shard), ("options", options),
      ("outcomes", end == nil ? nil : Verdict.json(of: rows)),
    ]
  }

  /// The run for people: `2026-11-29 00:10:03 UTC (docintake-0.9.0), complete`.
  var text: String {
    let given = options.map { ", " + $0 } ?? ""
    return "\(start.readable) (\(open.tool ?? "-")\(given)), \(ending.rawValue)"
  }
}

extension Standing {
  /// The word in JSON.
  var code: String {
    switch self {
    case .unknown: "unknown"
    case .accepted: "accepted"
    case .notAccepted: "not_accepted"
    case .inDoubt: "in_doubt"
    }
  }

  /// The word in options and tables.
  var word: String { code.replacing("_", with: "-") }
}

extension LedgerCheck {
  func fields(of ledger: String) -> JSONFields {
    [
      ("ledger", ledger), ("ok", true), ("lines", lines), ("bytes", bytes),
      ("tornBytes", tornBytes),
    ]
  }

  func text(of ledger: String) -> String {
    let torn = tornBytes > 0 ? ", \(tornBytes) bytes of an unfinished line" : ""
    return "\(ledger): ok, \(lines) lines, \(bytes) bytes\(torn)"
  }
}

extension JournalError {
  /// A ledger that is damaged; `line` is null when it cannot be read at all.
  func fields(of ledger: String) -> JSONFields {
    [
      ("ledger", ledger), ("ok", false), ("line", line.orNull), ("reason", description),
    ]
  }
}
