import IntakeCore
import IntakeLedger
import IntakeSystem

/// `docintake report`: what a batch came to, for people.
enum ReportCommand {
  static let spec = CommandSpec(
    path: ["report"], summary: "report what a batch came to, from its ledger",
    arguments: "LEDGER", argumentCount: 1...1,
    options: [
      OptionSpec("html", value: "FILE", help: "also write a page that needs nothing else"),
      OptionSpec("format", choices: ["text", "json"], default: "text", help: "form of the output"),
    ]
  ) { arguments, invocation in
    let report = try LedgerReport(LedgerReader(arguments.positionals[0]))
    invocation.results.writeText(
      arguments["format"] == "json" ? report.json.text + "\n" : report.text)
    if let path = arguments["html"] {
      try CommandError.writing(path) { () throws(SystemCallFailure) in
        try DurableFile.replace(path, Array(ReportPage(report: report).html.utf8))
      }
    }
    return .success
  }
}

/// The counts of a ledger and every row that isn't accepted.
struct LedgerReport {
  let statistics: LedgerStatistics
  /// The rows that aren't accepted, in the order of the manifest.
  let open: [LedgerRow]

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
    JSONOutput(fields: [
      ("statistics", JSONOutput(fields: statistics.fields())),
      ("notAccepted", open.map { JSONOutput(fields: $0.fields()) }),
    ])
  }

  var facts: [(String, String)] {
    [
      ("target", statistics.target ?? "-"),
      ("operations", statistics.operations.joined(separator: ", ")), ("runs", "\(statistics.runs)"),
      ("from", statistics.first?.rfc3339 ?? "-"), ("to", statistics.last?.rfc3339 ?? "-"),
    ]
  }

  var counts: [(String, Int)] {
    let rows = statistics.rows
    return [
      ("rows", rows.total), ("accepted", rows.accepted), ("not accepted", rows.notAccepted),
      ("in doubt", rows.inDoubt),
    ]
  }

  /// Why a run may have reported more rows than there are here.
  static let note =
    "A row that repeats an earlier one, or its id, is not counted: docintake check MANIFEST names it."

  func cells(_ row: LedgerRow) -> [String] {
    let code = row.isUnanswered ? LedgerRow.unanswered : row.outcome?.code
    let hint = row.isUnanswered ? LedgerRow.unansweredHint : code.flatMap(FailureCode.named)?.hint
    return [
      row.line.map(String.init), row.standing.word, row.outcome?.stage, code,
      row.outcome?.column ?? row.outcome?.side, hint, row.key.description,
    ].map { $0 ?? "-" }
  }

  var text: String {
    let facts = facts + counts.map { ($0.0, "\($0.1)") }
    let head = facts.map { $0.0.padded(to: 14) + $0.1 } + ["", LedgerReport.note]
    let table = open.isEmpty ? [] : [LedgerReport.headings] + open.map(cells)
    let widths = LedgerReport.headings.indices.map { column in
      table.map { $0[column].count }.max() ?? 0
    }
    let rows = table.map { cells in
      zip(cells, widths).dropLast().map { $0.padded(to: $1 + 2) }.joined() + (cells.last ?? "")
    }
    return (head + (rows.isEmpty ? [] : [""]) + rows).joined(separator: "\n") + "\n"
  }
}

/// A report as one page without scripts that needs nothing else: it may be mailed and printed.
struct ReportPage {
  let report: LedgerReport

  var html: String {
    builtinText(
      PackageResources.report_html,
      [
        "__COUNTS__": tiles, "__FACTS__": facts, "__NOTE__": LedgerReport.note,
        "__ROWS__": openRows,
      ])
  }

  private var tiles: String {
    report.counts.map { name, count in
      let kind = name.replacing(" ", with: "-")
      return "<li class=\"\(kind)\(count == 0 ? " none" : "")\"><b>\(count)</b> \(name)</li>"
    }.joined()
  }

  private var facts: String {
    report.facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
  }

  private var openRows: String {
    guard !report.open.isEmpty else { return "<p>Every row is accepted.</p>" }
    let headings = LedgerReport.headings.map { "<th>\($0)</th>" }.joined()
    let rows = report.open.map { row in
      "<tr>" + report.cells(row).map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
    }
    return """
      <h2>Rows that are not accepted</h2>
      <table><thead><tr>\(headings)</tr></thead><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      """
  }

  /// Nothing in a ledger is personal, yet stages of others may have put anything into a code.
  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
