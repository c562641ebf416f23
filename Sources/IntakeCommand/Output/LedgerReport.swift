import IntakeCore
import IntakeLedger

/// The counts of a ledger and every row that is not accepted.
struct LedgerReport {
  let statistics: LedgerStatistics
  /// The rows that are not accepted, in the order of the manifest.
  let open: [LedgerRow]

  /// The headings of `cells`.
  static let headings = ["line", "standing", "stage", "code", "where", "next step", "key"]

  init(_ reader: LedgerReader) throws(JournalError) {
    statistics = try reader.statistics()
    var open: [LedgerRow] = []
    try reader.forEachRow { (row) throws(JournalError) in
      if row.standing != .accepted { open.append(row) }
    }
    self.open = open.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
  }

  var json: JSONOutput {
    .object([("statistics", statistics.json), ("notAccepted", .array(open.map(\.json)))])
  }

  /// What the ledger is about.
  var facts: [(String, String)] {
    [
      ("target", statistics.target ?? "-"),
      ("operations", statistics.operations.joined(separator: ", ")), ("runs", "\(statistics.runs)"),
      ("from", statistics.first?.description ?? "-"), ("to", statistics.last?.description ?? "-"),
    ]
  }

  /// How many rows stand how.
  var counts: [(String, Int)] {
    let rows = statistics.rows
    return [
      ("rows", rows.total), ("accepted", rows.accepted), ("not accepted", rows.notAccepted),
      ("in doubt", rows.inDoubt),
    ]
  }

  /// Why a run may have told of more rows than there are here.
  static let note =
    "A row that repeats an earlier one, or its id, is not counted: docintake check MANIFEST names it."

  /// A row that is not accepted, under `headings`.
  func cells(_ row: LedgerRow) -> [String] {
    let line = row.line.map(String.init) ?? "-"
    let key = row.key.description
    guard !row.isUnanswered else {
      let hint = LedgerRow.unansweredHint
      return [line, row.standing.word, "-", LedgerRow.unanswered, "-", hint, key]
    }
    let code = row.outcome?.code
    return [
      line, row.standing.word, row.outcome?.stage ?? "-", code ?? "-",
      row.outcome?.column ?? row.outcome?.side ?? "-",
      code.flatMap(FailureCode.named)?.hint ?? "-", key,
    ]
  }

  var text: String {
    let lines = facts + counts.map { ($0.0, "\($0.1)") }
    let table = open.isEmpty ? [] : [LedgerReport.headings] + open.map(cells)
    let widths = LedgerReport.headings.indices.map { column in
      table.map { $0[column].count }.max() ?? 0
    }
    let rows = table.map { cells in
      zip(cells, widths).dropLast().map { HelpText.pad($0, $1 + 2) }.joined() + (cells.last ?? "")
    }
    let head = lines.map { HelpText.pad($0.0, 14) + $0.1 } + ["", LedgerReport.note]
    return (head + (rows.isEmpty ? [] : [""]) + rows)
      .joined(separator: "\n") + "\n"
  }
}
