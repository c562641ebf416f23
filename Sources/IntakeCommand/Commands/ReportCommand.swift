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
    try await LedgerCommands.explaining {
      let report = try LedgerReport(LedgerReader(arguments.positionals[0]))
      invocation.results.writeText(
        arguments["format"] == "json" ? report.json.text + "\n" : report.text)
      if let path = arguments["html"] { try write(report.html, to: path) }
      return .success
    }
  }

  private static func write(_ text: String, to path: String) throws(CommandError) {
    do throws(SystemCallFailure) {
      try DurableFile.replace(path, Array(text.utf8))
    } catch {
      throw CommandError(.usage, "\(Sanitizer.clean(path)) cannot be written: \(error)")
    }
  }
}

/// The counts of a ledger and every row that is not accepted.
struct LedgerReport {
  private let statistics: LedgerStatistics
  private var open: [LedgerRow] = []

  init(_ reader: LedgerReader) throws(JournalError) {
    statistics = try reader.statistics()
    var open: [LedgerRow] = []
    try reader.forEachRow { (row) throws(JournalError) in
      if row.standing != .accepted { open.append(row) }
    }
    self.open = open.sorted { ($0.outcome?.row ?? 0) < ($1.outcome?.row ?? 0) }
  }

  var json: JSONOutput {
    .object([("statistics", statistics.json), ("notAccepted", .array(open.map(\.json)))])
  }

  private var facts: [(String, String)] {
    [
      ("target", statistics.target ?? "-"),
      ("operations", statistics.operations.joined(separator: ", ")),
      ("rows", "\(statistics.rows.total)"), ("accepted", "\(statistics.rows.accepted)"),
      ("not accepted", "\(statistics.rows.notAccepted)"),
      ("in doubt", "\(statistics.rows.inDoubt)"), ("runs", "\(statistics.runs)"),
      ("from", statistics.first?.description ?? "-"), ("to", statistics.last?.description ?? "-"),
    ]
  }

  private func cells(_ row: LedgerRow) -> [String] {
    let code = row.outcome?.code
    return [
      row.outcome?.row.map(String.init) ?? "-", row.standing.word, row.outcome?.stage ?? "-",
      code ?? "-", code.flatMap(FailureCode.named)?.hint ?? "-", row.key.description,
    ]
  }

  var text: String {
    let lines = facts.map { HelpText.pad($0.0, 14) + $0.1 }
    let rows = open.map { "  " + cells($0).joined(separator: "  ") }
    let heading =
      open.isEmpty ? [] : ["", "not accepted: line, standing, stage, code, next step, key"]
    return (lines + heading + rows).joined(separator: "\n") + "\n"
  }

  /// One page without scripts; nothing in a ledger is personal, yet everything is escaped.
  var html: String {
    func escaped(_ text: String) -> String {
      text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
    let list = facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
    let rows = open.map { row in
      "<tr>" + cells(row).map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
    }.joined(separator: "\n")
    return """
      <!doctype html><html lang="en"><meta charset="utf-8"><title>docintake report</title>
      <style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}dl{display:grid;\
      grid-template-columns:10rem 1fr}dt{color:#555}dd{margin:0}table{border-collapse:collapse;width:100%}\
      td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;font-size:.9rem}</style>
      <h1>docintake report</h1><dl>\(list)</dl>
      <h2>Rows that are not accepted: \(open.count)</h2>
      <table><tr><th>line</th><th>standing</th><th>stage</th><th>code</th><th>next step</th><th>key</th></tr>
      \(rows)
      </table></html>

      """
  }
}
