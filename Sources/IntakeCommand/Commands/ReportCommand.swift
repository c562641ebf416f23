import IntakeCore
import IntakeCrypto
import IntakeImaging
import IntakeLedger
import IntakeSystem

/// `docintake report`: what a batch came to, for people.
enum ReportCommand {
  static let spec = CommandSpec(
    path: ["report"], summary: "report what a batch came to, from its ledger",
    arguments: "LEDGER", argumentCount: 1...1,
    options: [
      OptionSpec(
        "html", value: "FILE",
        help: "also write a page that needs nothing else: to be mailed and printed"),
      OptionSpec("format", choices: ["text", "json"], default: "text", help: "form of the output"),
      OptionSpec(
        "manifest", value: "FILE",
        help: "manifest that a run read: its rows are shown with their ids, too"),
      OptionSpec(
        "show-images",
        help:
          "with --html and --manifest: small pictures of the first 50 rows' scans, as they came and as "
          + "they are sent"),
      RunOptions.to, Isolation.option,
      OptionSpec(
        "images-root", value: "DIR",
        help: "folder of the images; default: the manifest's"),
    ]
      + RunOptions.manifestOptions.filter { $0.name.hasPrefix("map") || $0.name == "ignore-column" },
    examples: [
      "docintake report batch.ledger.jsonl --html report.html --manifest customers.csv",
      "docintake report batch.ledger.jsonl --format json | jq '.causes[] | [.count, .code, .where]'",
    ],
    notes: [
      "The ledger holds no ids; --manifest must be the very file that one of its runs read, which its digest proves.\n"
        + "Rows are found in it by their keys, as runs find them (needs the key file); those that it doesn't have\n"
        + "stand there with the line of another manifest."
    ]
  ) { arguments, invocation in
    var report = try LedgerReport(
      LedgerReader(arguments.positionals[0]), stages: invocation.registry.names)
    var pictures: [RowPictures] = []
    guard !arguments.has("show-images") || arguments.has("manifest") && arguments.has("html") else {
      throw arguments.usageError(
        "--show-images needs --html FILE and --manifest FILE: the scans are read again")
    }
    if let manifest = arguments["manifest"] {
      let (first, pipeline) = try await report.nameRows(manifest, arguments, invocation.registry)
      if arguments.has("show-images") {
        let decoders = try Isolation.start(arguments, width: 1, console: invocation.console)
        defer { decoders?.stop() }
        for record in first {
          pictures.append(
            await DecoderPool.$current.withValue(decoders) { await RowPictures(record, pipeline) })
        }
      }
      await pipeline.loader.finish()
    }
    invocation.results.writeText(
      arguments["format"] == "json" ? report.json.text + "\n" : report.text)
    if let path = arguments["html"] {
      let page = ReportPage(report: report, pictures: pictures).html
      try CommandError.writing(path) { try DurableFile.replace(path, Array(page.utf8)) }
    }
    return .success
  }
}

// The forms for programs and for terminals.
extension LedgerReport {
  /// The rows that aren't accepted, in the order of the manifest.
  private var open: [LedgerRow] {
    causes.flatMap(\.rows).sorted { place(of: $0) < place(of: $1) }
  }

  var json: JSONOutput {
    let bytes = bytes
    let times = stages.map { times in
      JSONOutput(fields: [
        ("stage", times.name), ("rows", times.count), ("p50", times.quantile(0.5)),
        ("p95", times.quantile(0.95)), ("max", times.most), ("histogram", times.histogram),
      ])
    }
    return JSONOutput(fields: [
      ("statistics", JSONOutput(fields: ledger.fields())),
      ("runs", runs.map(\.json)), ("causes", causes.map(json)),
      ("notAccepted", open.map { JSONOutput(fields: $0.fields()) }),
      ("imageBytes", bytes.before), ("sentImageBytes", bytes.after), ("bodyBytes", bytes.requests),
      ("ms", times),
    ])
  }

  var text: String {
    let bytes = bytes
    var lines = (facts + counts.map { ($0.0, RowText.number($0.1)) }).map {
      $0.0.padded(to: 14) + $0.1
    }
    if bytes.before > 0 {
      lines.append(
        "images".padded(to: 14)
          + "\(RowText.bytes(bytes.before)) → \(RowText.bytes(bytes.after)), in requests of "
          + RowText.bytes(bytes.requests))
    }
    lines += ["", LedgerReport.note] + [unreached].compactMap(\.self)
    if !stages.isEmpty { lines += ["", "stage         p50      p95      max  (ms a row)"] }
    for times in stages {
      let numbers = times.words.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }
      lines.append(times.name.padded(to: 8) + numbers.joined())
    }
    for cause in causes { lines += [""] + self.lines(cause) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func json(_ cause: Cause) -> JSONOutput {
    let list = cause.rows.map { row in
      let reference = named?[row.key]
      return JSONOutput(fields: [
        ("row", reference?.line ?? row.line), ("id", reference?.label),
        ("inManifest", named.map { _ in reference != nil }), ("key", row.key.description),
      ])
    }
    return JSONOutput(fields: [
      ("count", cause.rows.count), ("standing", cause.standing.code), ("stage", cause.stage),
      ("code", cause.code), ("where", cause.place), ("hint", cause.hint), ("rows", list),
    ])
  }

  /// The cause, its next step, and its first rows; `--format json` has all of them.
  private func lines(_ cause: Cause) -> [String] {
    let (most, count) = (10, cause.rows.count)
    let names = cause.rows.prefix(most).map(name).joined(separator: ", ")
    let more = count > most ? " and \(RowText.number(count - most)) more" : ""
    let hint = cause.hint.map { ["    → " + $0] } ?? []
    return ["\(RowText.number(count)) × \(cause.title)"] + hint + ["    \(names)\(more)"]
  }
}

extension RunTally {
  fileprivate var json: JSONOutput {
    JSONOutput(
      fields: run.fields + [
        ("manifest", run.open.manifest.orNull), ("plan", run.open.plan.orNull),
        ("retries", retries),
        ("waitedMs", waited), ("imageBytes", before), ("sentImageBytes", after),
        ("bodyBytes", requests),
      ])
  }
}

extension LedgerReport.Cause {
  /// `not accepted: file_not_found (load, front)`.
  var title: String {
    let places = [stage, place].compactMap(\.self).joined(separator: ", ")
    return standing.code.replacing("_", with: " ") + ": " + (code ?? "no reason is recorded")
      + (places.isEmpty ? "" : " (\(places))")
  }
}
