import IntakeCore
import IntakeLedger

/// `docintake ledger list`: what ledgers there are, and what their last runs came to.
enum LedgerListCommand {
  static let spec = CommandSpec(
    path: ["ledger", "list"],
    summary: "list the ledgers of the state directory with their rows and last runs",
    options: [RunOptions.json],
    examples: ["docintake ledger list --json | jq -r 'select(.rows.in_doubt>0).ledger'"],
    notes: [
      "JSON Lines, or words on a terminal. How the last run ended: complete, stopped, killed, running (its\n"
        + "process is there), or unknown for ledgers of format 1.",
      "Exit code 6 when a ledger cannot be read; the others are listed all the same.",
    ]
  ) { arguments, invocation in
    let isJSON = arguments.has("json") || !invocation.results.isTerminal
    var code = ExitCode.success
    for path in try LedgerPlace.all() {
      do throws(JournalError) {
        let statistics = try LedgerReader(path).statistics()
        invocation.results.writeLine(
          isJSON ? JSONOutput(fields: fields(of: statistics, path)).text : text(statistics, path))
      } catch {
        code = .ledgerUnusable
        invocation.console.error(error.description, hint: nil)
      }
    }
    return code
  }

  private static func fields(of statistics: LedgerStatistics, _ path: String) -> JSONFields {
    [
      ("ledger", path), ("target", statistics.target.orNull), ("shard", statistics.shard),
      ("rows", statistics.rows), ("runs", statistics.runs),
      ("lastRun", statistics.lastRun.map { JSONOutput(fields: $0.fields) }.orNull),
    ]
  }

  private static func text(_ statistics: LedgerStatistics, _ path: String) -> String {
    let rows = statistics.rows
    let counts = [
      (rows.accepted, "accepted"), (rows.notAccepted, "not accepted"), (rows.inDoubt, "in doubt"),
      (rows.unfinished, "unfinished"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return """
      \(statistics.target ?? "no target yet")\(statistics.shard.map { ", shard \($0)" } ?? ""): \
      \(counts.isEmpty ? "no rows" : counts.joined(separator: ", "))
        last run \(statistics.lastRun?.text ?? "-")
        \(path)
      """
  }
}
