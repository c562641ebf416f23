import IntakeCore
import IntakeLedger

extension LedgerRow {
  /// The row for programs: nothing in it is personal.
  var json: JSONOutput {
    var fields: [(String, JSONOutput)] = [
      ("key", .string(key.description)), ("standing", .string(standing.field)),
      ("at", .string(time.description)),
    ]
    guard let outcome else { return .object(fields) }
    let texts = [
      ("outcome", outcome.verdict), ("operation", outcome.operation), ("stage", outcome.stage),
      ("code", outcome.code), ("status", outcome.status), ("type", outcome.type),
      ("settledBy", outcome.author),
    ]
    for (name, text) in texts { if let text { fields.append((name, .string(text))) } }
    let numbers = [
      ("row", outcome.row), ("http", outcome.http), ("attempts", outcome.attempt),
      ("bodyBytes", outcome.bytes), ("ms", outcome.milliseconds),
    ]
    for (name, number) in numbers { if let number { fields.append((name, .integer(number))) } }
    return .object(fields)
  }
}

extension LedgerCounts {
  /// The counts for programs.
  var json: JSONOutput {
    .object([
      ("accepted", .integer(accepted)), ("notAccepted", .integer(notAccepted)),
      ("inDoubt", .integer(inDoubt)), ("total", .integer(total)),
    ])
  }
}

extension LedgerStatistics {
  /// The statistics for programs.
  var json: JSONOutput {
    .object([
      ("target", .optional(target)), ("operations", .array(operations.map { .string($0) })),
      ("rows", rows.json), ("runs", .integer(runs)), ("lines", .integer(lines)),
      ("codes", .object(codes.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })),
      ("shards", .array(shards.map { .string($0) })),
      ("first", .optional(first?.description)), ("last", .optional(last?.description)),
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
