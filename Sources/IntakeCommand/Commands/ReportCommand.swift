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
      if let path = arguments["html"] { try write(ReportPage(report).html, to: path) }
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
