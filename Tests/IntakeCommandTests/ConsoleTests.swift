import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What people and programs see on standard error: in a real terminal, in a file, as JSON.
@Suite(.timeLimit(.minutes(20)))
struct ConsoleTests {
  private static let hasTerminal = access("/usr/bin/script", X_OK) == 0
  private static let escape: Character = "\u{1B}"
  private let folder = TemporaryFolder()
  private let run = ["run", Program.samples + "/customers.csv", "--to", "sandbox"]

  /// What the command writes to a terminal of `columns`; results go to a file, as in `… > results.jsonl`.
  private func onTerminal(
    _ words: [String], columns: Int = 100, _ environment: [String: String] = [:]
  ) async throws -> String {
    var program = Program(folder: folder)
    program.executable = "/usr/bin/script"
    program.environment = ["TERM": "xterm"].merging(environment) { $1 }
    let command = ([Program.path] + words).map { "'\($0)'" }.joined(separator: " ")
    let line = "stty cols \(columns); \(command) > \(folder.path)/results.jsonl"
    return try await program.run("-qec", line, "/dev/null").output
  }

  @Test func aTerminalHasAProgressLineThatLeavesNoTrace() async throws {
    let session = try TerminalSession(
      Program(folder: folder), run + ["--verbose"], columns: 100)
    #expect(try await session.finish() == 0)
    // It was there, with the cursor at its start, and was removed.
    #expect(
      session.output.contains(#/\d rows?[^\n]*\r\r?\e\[J/#), "\(session.output.debugDescription)")
    let rows = session.screen.rows
    #expect(!rows.contains { $0.contains("/s · ") || $0.contains(" under way") }, "\(rows)")
    // Messages stay whole: a row, its two images, and the summary after all of them.
    #expect(rows.count { $0.hasPrefix("line ") && $0.contains(": accepted") } == 6, "\(rows)")
    let summary = try #require(rows.firstIndex(of: "6 rows: 6 accepted"), "\(rows)")
    #expect(rows[summary...].allSatisfy { !$0.hasPrefix("line ") })
    #expect(session.screen.unknown.isEmpty, "\(session.screen.unknown)")
  }

  @Test func theProgressLineFitsTheTerminal() async throws {
    let session = try TerminalSession(Program(folder: folder), run, columns: 24)
    #expect(try await session.finish() == 0)
    let drawn = session.output.replacing("\u{1B}[J", with: "\r").split { $0.isNewline }
    let lines = drawn.map(String.init)
    let progress = lines.filter { $0.contains("/6") || $0.hasPrefix("0 rows") }
    #expect(!progress.isEmpty && progress.allSatisfy { $0.count < 24 }, "\(lines)")
  }

  @Test(
    .enabled(if: hasTerminal, "script is not there"),
    arguments: [
      ([:], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false),
      (["NO_COLOR": "1", "CLICOLOR_FORCE": "1"], false),
      (["TERM": "dumb", "CLICOLOR_FORCE": "1"], true),
    ])
  func aTerminalHasColoursUnlessTheyAreUnwanted(environment: [String: String], isColored: Bool)
    async throws
  {
    let output = try await onTerminal(["run", "missing.csv", "--to", "sandbox"], environment)
    #expect(
      output.contains("\u{1B}[31merror\u{1B}[0m: ") == isColored, "\(output.debugDescription)")
    #expect(output.contains("missing.csv"))
  }

  @Test(.enabled(if: hasTerminal, "script is not there"))
  func aDumbTerminalAndCIGetNoProgressLine() async throws {
    for environment in [["TERM": "dumb"], ["CI": "true"]] {
      #expect(try await !onTerminal(run, environment).contains("\u{1B}[J"))
    }
  }

  /// The same in a file: nothing that only a terminal understands.
  @Test func aFileGetsWordsAlone() async throws {
    let program = Program(folder: folder)
    let arguments = run + ["--verbose"]
    let result = try await program.start(arguments).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(!result.errors.contains(Self.escape) && !result.errors.contains("\r"))
    #expect(!result.errors.contains("/s · "), "\(result.errors)")
    #expect(result.errors.contains("6 rows: 6 accepted\n"))
  }

  @Test func plainProgressIsALineOfItsOwn() async throws {
    let arguments = run + ["--progress", "plain"]
    let errors = try await Program(folder: folder).start(arguments).wait().errors
    let lines = errors.split(separator: "\n").filter { $0.contains(" 6 of 6 rows (100%) · ") }
    #expect(lines.count == 1, "\(errors)")
    #expect(lines.allSatisfy { $0.contains(#/^docintake: \d\d:\d\d:\d\d /#) }, "\(errors)")
    #expect(!errors.contains(Self.escape) && !errors.contains("\r"))
  }

  @Test func progressForProgramsEndsWithTheSummary() async throws {
    let arguments = run + ["--progress", "json", "--log-format", "json"]
    let result = try await Program(folder: folder).start(arguments).wait()
    let events = try result.errors.split(separator: "\n").map {
      try JSONParser.parse(Array($0.utf8))
    }
    #expect(events.contains { $0["type"]?.string == "status" }, "\(result.errors)")
    let counts = events.filter { $0["type"]?.string == "status" }.map { $0["rows"]?.integer ?? -1 }
    #expect(counts == counts.sorted() && counts.allSatisfy { (0...6).contains($0) })
    #expect(events.allSatisfy { isTime($0["time"]) }, "\(result.errors)")
    let last = try #require(events.last { $0["type"]?.string == "status" })
    #expect(last["expectedRows"]?.integer == 6 && last["expectedExact"]?.bool == true)
    #expect(last["percent"]?.integer == 100 && last["outcomes"]?["accepted"]?.integer == 6)
    #expect(last["rate"]?.number ?? 0 > 0 && last["sourceBytes"]?.integer ?? 0 > 5_000_000)
    let summary = try #require(events.last)
    #expect(summary["type"]?.string == "summary")
    #expect(summary["rows"]?.integer == 6)
    #expect(summary["outcomes"]?["accepted"]?.integer == 6)
    #expect(summary["ledger"]?.string?.hasSuffix(".ledger.jsonl") == true)
  }

  private func isTime(_ value: JSONValue?) -> Bool {
    value?.string.map { UTCTime(rfc3339: Array($0.utf8).span) != nil } ?? false
  }

  @Test func messagesForProgramsNameLevelAndRow() async throws {
    let manifest = folder.write("m.csv", "id,email,front\nA-1,nobody,none.jpg\n")
    let result = try await Program(folder: folder).run(
      "run", manifest, "--to", "sandbox", "--log-format", "json", "--quiet")
    let lines = try result.errors.split(separator: "\n").map {
      try JSONParser.parse(Array($0.utf8))
    }
    let warning = try #require(lines.first { $0["level"]?.string == "warning" }, "\(result.errors)")
    #expect(warning["type"]?.string == "log")
    #expect(warning["row"]?.integer == 2 && warning["id"]?.string == "A-1")
    #expect(!result.errors.contains("nobody"))
  }
}
