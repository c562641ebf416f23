import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What people and programs see on standard error: in a real terminal, in a file, as JSON.
@Suite(.timeLimit(.minutes(10)))
struct ConsoleTests {
  private static let hasTerminal = access("/usr/bin/script", X_OK) == 0
  private static let escape: Character = "\u{1B}"
  private static let erase = "\r\u{1B}[K"

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

  /// The lines that are left on the screen at the end.
  private func screen(_ output: String) -> [String] {
    output.replacing("\r\n", with: "\n").split(separator: "\n").map {
      $0.split(separator: Self.erase, omittingEmptySubsequences: false).last.map(String.init) ?? ""
    }
  }

  @Test(.enabled(if: hasTerminal, "script is not there"))
  func aTerminalHasAProgressLineThatLeavesNoTrace() async throws {
    let output = try await onTerminal(run + ["--verbose"])
    #expect(output.contains(Self.erase))
    let progress = output.split(separator: Self.erase).filter { $0.contains("/s · ") }
    #expect(!progress.isEmpty, "\(output.debugDescription)")
    let lines = screen(output)
    #expect(!lines.contains { $0.contains("/s · ") }, "\(lines)")
    // Messages stay whole: a row, its two images, and the summary after all of them.
    let rows = lines.filter { $0.hasPrefix("line ") && $0.contains(": accepted") }
    #expect(rows.count == 6, "\(lines)")
    let summary = try #require(lines.firstIndex { $0 == "6 rows: 6 accepted" }, "\(lines)")
    #expect(lines[summary...].allSatisfy { !$0.hasPrefix("line ") })
  }

  @Test(.enabled(if: hasTerminal, "script is not there"))
  func theProgressLineFitsTheTerminal() async throws {
    let output = try await onTerminal(run, columns: 24)
    let pieces = output.split(separator: Self.erase).dropFirst().map {
      $0.prefix { !$0.isNewline }
    }
    #expect(!pieces.isEmpty)
    #expect(pieces.filter { $0.contains("row") && $0.contains("·") }.allSatisfy { $0.count < 24 })
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
      #expect(try await !onTerminal(run, environment).contains(Self.erase))
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
    let lines = errors.split(separator: "\n").filter { $0.contains("/s · ") }
    #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix("docintake: ") }, "\(errors)")
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
    let summary = try #require(events.last)
    #expect(summary["type"]?.string == "summary")
    #expect(summary["rows"]?.integer == 6)
    #expect(summary["outcomes"]?["accepted"]?.integer == 6)
    #expect(summary["ledger"]?.string?.hasSuffix(".ledger.jsonl") == true)
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
