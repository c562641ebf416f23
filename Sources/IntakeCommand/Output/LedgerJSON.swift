import IntakeCore
import IntakeLedger

extension LedgerRow {
  /// What is said of a row whose last attempt never ended.
  static let unanswered = "killed while sending"
  /// The next step for such a row.
  static let unansweredHint =
    "run the same command again: the target is asked (unless a run is at work on it now)"

  /// The row for programs: nothing in it is personal.
  var json: JSONOutput { json(of: nil) }

  /// The same with the path of its ledger, where rows of several stand together.
  func json(of ledger: String?) -> JSONOutput {
    var fields: [(String, JSONOutput)] = ledger.map { [("ledger", .string($0))] } ?? []
    fields += [
      ("key", .string(key.description)), ("standing", .string(standing.field)),
      ("at", .string(time.rfc3339)),
    ]
    if isUnanswered {
      fields += [
        ("outcome", .string(Verdict.inDoubt.rawValue)), ("detail", .string(LedgerRow.unanswered)),
        ("hint", .string(LedgerRow.unansweredHint)),
      ]
      if let line { fields.append(("row", .integer(line))) }
    }
    guard let outcome else { return .object(fields) }
    fields += outcome.shown.map { ($0.name, JSONOutput($0.value)) }
    return .object(fields)
  }
}

extension JSONOutput {
  fileprivate init(_ value: FieldValue) {
    switch value {
    case .word(let word): self = .string(word)
    case .number(let number): self = .integer(number)
    case .fingerprint(let fingerprint): self = .string(fingerprint.description)
    }
  }
}

extension LedgerCounts {
  /// The counts for programs, by the words that outcomes have.
  var json: JSONOutput {
    .object([
      ("accepted", .integer(accepted)), ("not_accepted", .integer(notAccepted)),
      ("in_doubt", .integer(inDoubt)), ("total", .integer(total)),
    ])
  }
}

extension LedgerStatistics {
  /// The statistics for programs.
  var json: JSONOutput { json(of: nil) }

  /// The same with the path of the ledger, where it is not clear from elsewhere.
  func json(of ledger: String?) -> JSONOutput {
    let place = ledger.map { [("ledger", JSONOutput.string($0))] } ?? []
    return .object(
      place + [
        ("target", .optional(target)), ("operations", .array(operations.map { .string($0) })),
        ("rows", rows.json), ("runs", .integer(runs)), ("lines", .integer(lines)),
        ("codes", .object(codes.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })),
        ("shards", .array(shards.map { .string($0) })),
        ("first", .optional(first?.rfc3339)), ("last", .optional(last?.rfc3339)),
      ])
  }
}

extension Standing {
  /// The word in JSON, which spells `outcome` so, too; options have hyphens.
  var field: String { word.replacing("-", with: "_") }

  /// The word that options and tables use.
  var word: String {
    switch self {
    case .unknown: return "unknown"
    case .accepted: return "accepted"
    case .notAccepted: return "not-accepted"
    case .inDoubt: return "in-doubt"
    }
  }
}

extension LedgerCheck {
  /// A ledger that is as it was written, for programs.
  func json(of ledger: String) -> JSONOutput {
    .object([
      ("ledger", .string(ledger)), ("ok", .bool(true)), ("lines", .integer(lines)),
      ("bytes", .integer(bytes)), ("tornBytes", .integer(tornBytes)),
    ])
  }

  /// The same for people.
  func text(of ledger: String) -> String {
    let torn = tornBytes > 0 ? ", \(tornBytes) bytes of an unfinished line" : ""
    return "\(ledger): ok, \(lines) lines, \(bytes) bytes\(torn)"
  }
}

extension JournalError {
  /// A ledger that is not as it was written, for programs; `line` is null when it cannot be read at all.
  func json(of ledger: String) -> JSONOutput {
    .object([
      ("ledger", .string(ledger)), ("ok", .bool(false)),
      ("line", line.map { .integer($0) } ?? .null), ("reason", .string(description)),
    ])
  }
}
