import IntakeCore
import IntakeLedger
import IntakeSystem

/// `docintake history`: what became of one customer, attempt by attempt.
enum HistoryCommand {
  static let spec = CommandSpec(
    path: ["history"], summary: "tell what became of one customer, attempt by attempt",
    arguments: "ID|ROW|KEY|-", argumentCount: 1...1,
    options: [
      OptionSpec(
        "ledger", value: "PATH", isRepeatable: true, completion: .ledgers,
        help: "look here only; default: every ledger of the state directory"),
      RunOptions.json,
    ],
    examples: [
      "docintake history C-1001",
      "docintake history - --json < email.txt | jq -r '[.at,.outcome,.code]|@tsv'",
    ],
    notes: [
      "ID is the manifest's id (reference where it has none), the e-mail, or what else the target knows the\n"
        + "customer by. KEY is the row's key, as results name it. ROW is a line of a manifest: a number that is\n"
        + "no id. With - it is read from standard input, so that no e-mail stands among the arguments.",
      "The last line says what a later run does with the row, and why.",
      "Exit code 3 when no ledger knows the customer.",
    ]
  ) { arguments, invocation in
    let argument = arguments.positionals[0]
    let name = argument == "-" ? (readLine() ?? "") : argument
    let wanted = String(name.split(whereSeparator: \.isWhitespace).joined(separator: " "))
    guard !wanted.isEmpty else {
      throw arguments.usageError("there is no id on standard input")
    }
    let given = arguments.all("ledger")
    let paths = given.isEmpty ? try LedgerPlace.all() : given
    var entries = try paths.flatMap { try HistoryEntry.all(of: wanted, in: $0) }
    if entries.isEmpty, let line = Int(wanted) {
      entries = try paths.flatMap { try HistoryEntry.all(at: line, in: $0) }
      if !entries.isEmpty {
        invocation.console.log(
          .notice,
          "no row has the id \(line): this is about rows on line \(line) of their manifests")
      }
    }
    guard !entries.isEmpty else {
      // The name isn't printed: it may be an e-mail.
      invocation.console.error(
        "no ledger knows that customer",
        hint:
          "give the manifest's id, the e-mail or the row's key; --ledger PATH looks into another ledger"
      )
      return .notAccepted
    }
    // Events by time; standings come last, because a row's last event is as old as its standing.
    for entry in entries.sorted(by: {
      ($0.isStanding ? 1 : 0, $0.time) < ($1.isStanding ? 1 : 0, $1.time)
    }) {
      invocation.results.writeLine(
        entry.fields, or: entry.text,
        isJSON: arguments.has("json") || !invocation.results.isTerminal)
    }
    return .success
  }
}

/// A line of a history: something that happened to the row, or where it stands now.
private struct HistoryEntry {
  let time: UTCTime
  let isStanding: Bool
  let fields: JSONFields
  let text: String

  /// Everything that a ledger knows of a customer.
  static func all(of name: String, in path: String) throws(JournalError) -> [HistoryEntry] {
    let reader = try LedgerReader(path, sharedKeys: LedgerPlace.keyFile)
    let keys = Set(try reader.keys(named: name))
    return keys.isEmpty ? [] : try all(in: reader, path) { keys.contains($0.key) }
  }

  /// Everything that a ledger knows of rows from that line of a manifest.
  static func all(at line: Int, in path: String) throws(JournalError) -> [HistoryEntry] {
    try all(in: LedgerReader(path, sharedKeys: LedgerPlace.keyFile), path) { $0.line == line }
  }

  private static func all(
    in reader: LedgerReader, _ path: String, where isWanted: (LedgerRow) -> Bool
  ) throws(JournalError) -> [HistoryEntry] {
    var rows: [LedgerRow] = []
    try reader.forEachRow { row in if isWanted(row) { rows.append(row) } }
    let keys = Set(rows.map(\.key))
    guard !keys.isEmpty else { return [] }
    return try reader.events(of: keys).map { HistoryEntry($0, path) }
      + rows.map { HistoryEntry($0, lastRun: reader.runs.last, path) }
  }

  private init(_ event: RowEvent, _ path: String) {
    (time, isStanding) = (event.time, false)
    let shown: JSONFields
    if let author = event.end?.author {
      shown = [("settled", event.end?.verdict ?? ""), ("by", author)]
    } else if let end = event.end {
      shown = end.shown.map { ($0.name, $0.value) }
    } else {
      shown = [
        ("outcome", Verdict.inDoubt.rawValue),
        ("detail", LedgerRow.unanswered(isUnderWay: event.isUnderWay)),
      ]
    }
    let run = event.run
    fields =
      [
        ("at", time.rfc3339), ("ledger", path), ("key", event.key.description),
        ("run", run?.number), ("runStart", run?.start.rfc3339), ("tool", run?.open.tool),
        ("attempt", event.attempt),
      ] + shown
    let words = shown.compactMap { name, value in value.map { "\(name) \($0.json.plainText)" } }
    text =
      "\(time.readable)  run \(run.map { String($0.number) } ?? "-")  \(words.joined(separator: ", "))"
  }

  /// Where a row stands, and what that means for a run.
  private init(_ row: LedgerRow, lastRun: LedgerRun?, _ path: String) {
    (time, isStanding) = (row.time, true)
    let meaning = row.meaning
    fields = [
      ("at", time.rfc3339), ("ledger", path), ("key", row.key.description),
      ("standing", row.standing.code),
      ("since", row.accepted?.rfc3339), ("lastRun", lastRun?.start.rfc3339), ("next", meaning),
    ]
    text = "\(path): \(row.standing.word): \(meaning)"
  }
}

extension LedgerRow {
  /// What a run does with a row that stands so, and why; a run that skips a row writes nothing down.
  fileprivate var meaning: String {
    switch standing {
    case .accepted:
      let since = accepted.map { " on \($0.readable)" } ?? ""
      return
        "runs skip it because it was accepted\(since) (already_accepted); one with other cells or scans "
        + "is named as changed (changed_after_acceptance)"
    case .inDoubt:
      return isUnanswered ? unansweredHint : "a run asks the target about it first"
    case .notAccepted: return "a run sends it as soon as nothing is wrong with it"
    case .unknown: return "a run sends it: work on it began and never ended"
    }
  }
}

extension JSONOutput {
  fileprivate var plainText: String {
    if case .string(let text) = self { return text }
    return text
  }
}
