import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What an operator sees in a terminal of 40, 80 and 200 columns while the target is slow, throttles or is down.
@Suite(.timeLimit(.minutes(20)))
struct TerminalTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// Rows of the screen that belong to no message: a progress line, or what is left of one.
  private func traces(_ rows: [String]) -> [String] {
    rows.filter { $0.contains("ETA ") || $0.contains(#/^\d+(?:\/| of )~?\d/#) }
  }

  /// A fault at the target, and what the progress line says while it lasts.
  struct Trouble: Sendable, CustomTestStringConvertible {
    let fault: String
    let words: @Sendable (String) -> Bool
    var testDescription: String { fault }
  }

  private static let troubles = [
    Trouble(fault: "slow=9000@5") { $0.contains(#/no answer for [5-9] s/#) },
    Trouble(fault: "429:retry-after=4@5") { $0.contains(#/waits until \d\d:\d\d:\d\d/#) },
    Trouble(fault: "500@5-9") {
      $0.contains(#/down(?: \(since [\d:]{8}\))?, next try \d\d:\d\d:\d\d/#)
    },
  ]

  @Test(arguments: troubles, [40, 80, 200])
  func whatARunWaitsForIsSeen(trouble: Trouble, columns: Int) async throws {
    let batch = CustomerBatch(rows: 12, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: [trouble.fault])
    let command = batch.arguments(sandbox, "--concurrency", "1")
    let session = try TerminalSession(program, command, columns: columns)
    #expect(try await session.finish() == 0)
    // Whatever was drawn, also where the test was too slow to see it on the screen.
    let drawn = session.output.split { $0.isNewline }.flatMap { $0.split(separator: "\u{1B}[J") }
    let shown = drawn.map(String.init).filter(trouble.words)
    #expect(!shown.isEmpty, "\(session.output.debugDescription)")
    #expect(shown.allSatisfy { $0.columns < columns && $0.contains("12") }, "\(shown)")
    let rows = session.screen.rows
    #expect(traces(rows).isEmpty, "\(rows)")
    #expect(rows.count { $0.hasPrefix("line ") && $0.contains("): accepted") } == 12, "\(rows)")
    #expect(rows.contains("12 rows: 12 accepted"), "\(rows)")
    #expect(!session.output.contains("{") && session.screen.unknown.isEmpty)
  }

  /// Eight seconds between two requests: what is waited for, and when the rest will be done.
  @Test func aWaitForTheRateIsSeen() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let session = try TerminalSession(
      program, batch.arguments(sandbox, "--rate", "0.125"), columns: 80)
    #expect(try await session.finish() == 0)
    let words = #/waits until \d\d:\d\d:\d\d: rate limit/#
    #expect(session.output.contains(words), "\(session.output.debugDescription)")
  }

  @Test(arguments: [TerminalScreen.Resizing.reflow, .cut])
  func aTerminalThatIsResizedKeepsNoTrace(resizing: TerminalScreen.Resizing) async throws {
    let batch = CustomerBatch(rows: 12, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["500@5-"])
    let session = try TerminalSession(
      program, batch.arguments(sandbox, "--concurrency", "1"), columns: 200, resizing: resizing)
    try await session.waitFor("a long line") { rows in
      rows.last?.contains("12 rows (") == true && rows.last?.contains("the target is down") == true
    }
    for columns in [40, 80, 33, 200] {
      session.resize(to: columns)
      let before = session.output.count
      try await session.waitFor("a line of \(columns) columns") { rows in
        session.output.count > before && rows.last?.contains("12") == true
          && rows.last.map { $0.columns < columns } == true
      }
      // Whatever width it was drawn for, it is there once.
      #expect(traces(session.screen.rows).count == 1, "\(session.screen.rows)")
    }
    session.running.signal(SIGTERM)
    #expect(try await [4, 5].contains(session.finish()))
    #expect(traces(session.screen.rows).isEmpty, "\(session.screen.rows)")
    #expect(session.screen.rows.contains("stopped early: stopped by a signal"))
  }

  @Test func aRowIsOneLineHoweverWideItsLettersAre() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    batch.write { number, cells in
      cells[0] = "客户档案编号第\(number)号"
      if number == 1 { cells[5] = "19831345" }
    }
    let session = try TerminalSession(
      program, ["run", batch.manifest, "--to", "sandbox"], columns: 40)
    #expect(try await session.finish() == 3)
    let rows = session.screen.rows.filter { $0.hasPrefix("line ") }
    #expect(rows.count == 3 && rows.allSatisfy { $0.columns <= 40 }, "\(session.screen.rows)")
    #expect(rows.contains { $0.hasPrefix("line 3 (客户档案编号第1号): reje") && $0.hasSuffix("…") })
    // What did not fit is said in whole below, broken between words.
    let screen = session.screen.rows
    #expect(screen.allSatisfy { $0.columns <= 40 || $0.contains("docintake") })
    #expect(screen.joined(separator: " ").contains("invalid_value dob"))
  }

  @Test func quietShowsWhatWentWrongAlone() async throws {
    let batch = CustomerBatch(rows: 5, in: folder)
    batch.write { number, cells in if number == 2 { cells[5] = "19831345" } }
    let session = try TerminalSession(
      program, ["run", batch.manifest, "--to", "sandbox", "--quiet"], columns: 120)
    #expect(try await session.finish() == 3)
    let rows = session.screen.rows.filter { !$0.isEmpty && !$0.contains(" warning: ") }
    try #require(rows.count == 1, "\(rows)")
    #expect(rows[0].hasPrefix("line 4 (R-2): rejected: invalid_value dob: "))
  }

  @Test func messagesInAFileHaveTheRowsWithProblemsAsWell() async throws {
    let batch = CustomerBatch(rows: 5, in: folder)
    batch.write { number, cells in if number == 2 { cells[5] = "19831345" } }
    var shell = program
    shell.executable = "/bin/sh"
    let log = folder.path + "/errors.log"
    let line = "'\(Program.path)' run '\(batch.manifest)' --to sandbox 2> '\(log)'"
    let session = try TerminalSession(shell, ["-c", line], columns: 80)
    #expect(try await session.finish() == 3)
    #expect(session.screen.rows.count { $0.hasPrefix("line ") } == 5, "\(session.screen.rows)")
    let messages = String(
      decoding: try Descriptor.open(log).wholeFile(atMost: 1 << 20), as: UTF8.self)
    #expect(messages.contains("line 4 (R-2): rejected: invalid_value: dob"), "\(messages)")
    #expect(!messages.contains("): accepted") && !messages.contains("\u{1B}"), "\(messages)")
  }

  /// What a terminal shows as results, and what it breaks into lines, is whole in the file.
  @Test func theFileOfMessagesHasWholeLines() async throws {
    let batch = CustomerBatch(rows: 5, in: folder)
    batch.write { number, cells in if number == 2 { cells[5] = "19831345" } }
    let log = folder.path + "/night.log"
    let session = try TerminalSession(
      program, ["run", batch.manifest, "--to", "sandbox", "--log-file", log], columns: 40)
    #expect(try await session.finish() == 3)
    let lines = String(
      decoding: try Descriptor.open(log).wholeFile(atMost: 1 << 20), as: UTF8.self
    ).split(separator: "\n")
    #expect(lines.contains { $0.contains("Z line 4 (R-2): rejected: invalid_value: dob") })
    let warning = "Z docintake: warning: dob: the date that was not read fits no usual format"
    #expect(lines.contains { $0.hasSuffix(warning) }, "\(lines)")
  }

  @Test func aTerminalCanHaveJSONAndAPipeWords() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    batch.write { number, cells in if number == 2 { cells[5] = "19831345" } }
    let common = ["run", batch.manifest, "--to", "sandbox", "--ledger"]
    let session = try TerminalSession(
      program, common + [folder.path + "/a.ledger", "--output", "json", "--quiet"], columns: 80)
    #expect(try await session.finish() == 3)
    #expect(session.output.ranges(of: "{\"row\":").count == 4, "\(session.output)")
    let words = try await program.start(
      common + [folder.path + "/b.ledger", "--output", "text"]
    ).wait()
    let lines = words.output.split(separator: "\n")
    #expect(lines.count == 4 && lines.allSatisfy { $0.hasPrefix("line ") }, "\(words.output)")
    #expect(words.output.contains("line 4 (R-2): rejected: invalid_value dob: "))
    #expect(!words.errors.contains("line 4 (R-2): rejected"), "\(words.errors)")
    let nothing = try await program.start(
      common + [folder.path + "/c.ledger", "--output", "none"]
    ).wait()
    #expect(nothing.output.isEmpty)
    #expect(nothing.errors.contains("line 4 (R-2): rejected: invalid_value: "))
    for text in [words.output, words.errors, nothing.errors] {
      #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A })
    }
  }

  @Test func aLogHasALineWithTheTimeEveryHalfMinute() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["slow=34000@2"])
    let result = try await program.start(
      batch.arguments(sandbox, "--concurrency", "1")
    ).wait()
    #expect(result.code == 0)
    let lines = result.errors.split(separator: "\n").filter { $0.contains(" of ") }
    let line = try #require(lines.first, "\(result.errors)")
    #expect(
      lines.count == 1 && line.contains(#/^docintake: \d\d:\d\d:\d\d 1 of ~?4 rows \(25%\) · /#))
    #expect(line.contains(#/ · no answer for \d\d s · /#) && line.contains("1 accepted"), "\(line)")
  }
}
