import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the end of a run says: what went wrong and why, what to do next, and the same numbers as every other command.
@Suite(.timeLimit(.minutes(20)))
struct RunEndTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// 40 rows: four without an e-mail, three with a day that is none, two that repeat another row.
  private func batchWithErrors() -> CustomerBatch {
    let batch = CustomerBatch(rows: 40, in: folder)
    batch.write { number, cells in
      switch number {
      case 5, 15, 25, 35: cells[1] = ""
      case 8, 18, 28: cells[5] = "19831345"
      case 11, 31: cells[1] = CustomerBatch.email(number - 1)
      default: break
      }
    }
    return batch
  }

  private func summary(_ result: Program.Result) throws -> JSONValue {
    let line = try #require(result.errors.split(separator: "\n").last)
    return try JSONParser.parse(Array(line.utf8))
  }

  @Test func runReportAndCheckAgreeToTheRow() async throws {
    let batch = batchWithErrors()
    let sandbox = try await SandboxProcess(folder, faults: ["400@7"])
    let json = ["--progress", "json", "--concurrency", "1"]
    let run = try await program.start(batch.arguments(sandbox) + json).wait()
    #expect(run.code == 3, "\(run.errors)")
    let end = try summary(run)
    #expect(end["outcomes"]?["accepted"]?.integer == 30)
    #expect(end["outcomes"]?["rejected"]?.integer == 10 && end["repeats"]?.integer == 2)
    let report = try await program.run("report", batch.ledger, "--format", "json")
    let rows = try JSONParser.parse(Array(report.output.utf8))["statistics"]?["rows"]
    #expect(rows?["accepted"]?.integer == 30 && rows?["not_accepted"]?.integer == 8)
    #expect(rows?["total"]?.integer == 38)
    let check = try await program.run(
      "check", batch.manifest, "--to", "dcams", "--progress", "json")
    let found = try summary(check)
    // The one that the target refused looks sound.
    #expect(found["ready"]?.integer == 31 && found["repeats"]?.integer == 2)
    #expect(found["outcomes"]?["rejected"]?.integer == 9)
    let words = try await program.start(batch.arguments(sandbox)).wait()
    #expect(
      words.errors.contains("40 rows: 1 accepted, 7 rejected, 30 skipped, 2 repeat another row"))
  }

  @Test func causesHaveTheirRowsAndTheCommandThatSendsThemAgain() async throws {
    let batch = batchWithErrors()
    let sandbox = try await SandboxProcess(folder)
    let run = try await program.start(
      batch.arguments(sandbox, "--limit", "1000", "--failed", folder.path + "/left.csv")
    ).wait()
    #expect(run.code == 3, "\(run.errors)")
    #expect(run.errors.contains("what is wrong, by cause:\n  4  missing_value email: "))
    #expect(run.errors.contains("\n     lines 7 (R-5), 17 (R-15), 27 (R-25) …\n     → "))
    #expect(run.errors.contains("\n  3  invalid_value dob: "), "\(run.errors)")
    #expect(run.errors.contains("\n     lines 10 (R-8), 20 (R-18), 30 (R-28)\n"))
    let lines = run.errors.split(separator: "\n").map(String.init)
    let place = try #require(lines.firstIndex { $0.hasPrefix("once corrected, ") })
    let command = try #require(lines[(place + 1)...].first).drop { $0 == " " }
    #expect(!command.contains("--limit") && !command.contains("--failed"), "\(command)")
    #expect(!command.contains("--only"), "\(command)")
    // Corrected, and pasted into a shell: every row goes out that was not accepted, and nobody twice.
    batch.write { number, cells in
      if number == 11 || number == 31 { cells[1] = CustomerBatch.email(number - 1) }
    }
    var shell = program
    shell.executable = "/bin/sh"
    let again = try await shell.run("-c", String(command))
    #expect(again.code == 3, "\(again.errors)")
    #expect(again.outcomes == ["accepted": 7, "skipped": 31, "rejected": 2], "\(again.output)")
    #expect(try sandbox.customers() == 38)
  }

  /// A corrected e-mail makes another customer of a row, so `--only failed` passes over it.
  @Test func rowsThatAreNewAndLeftOutAreCountedForPrograms() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let sandbox = try await SandboxProcess(folder)
    batch.write { number, cells in if number == 0 { cells[1] = "mistyped" } }
    #expect(try await program.start(batch.arguments(sandbox)).wait().code == 3)
    batch.write()
    let options = ["--only", "failed", "--progress", "json"]
    let only = try await program.start(batch.arguments(sandbox) + options).wait()
    #expect(only.code == 3 && only.rows.isEmpty, "\(only.errors)")
    #expect(try summary(only)["leftNew"]?.integer == 1, "\(only.errors)")
  }

  @Test func rowsThatAStopDidNotReachAreCounted() async throws {
    let batch = CustomerBatch(rows: 1_500, in: folder)
    let sandbox = try await SandboxProcess(folder)
    for options in [["--progress", "json"], []] {
      // 1,500 rows at this rate take longer than any test may: the signal always comes in the middle.
      let running = try program.start(batch.arguments(sandbox, "--rate", "2/s") + options)
      try await running.waitFor("\"outcome\":\"accepted\"")
      running.signal(SIGTERM)
      let result = try await running.wait()
      #expect(result.code == 4, "\(result.errors)")
      guard options.isEmpty else {
        let end = try summary(result)
        let left = try #require(end["neverReached"]?.integer, "\(result.errors)")
        #expect(end["neverReachedExact"]?.bool == true && left > 0)
        #expect((end["rows"]?.integer ?? 0) + left == 1_500)
        continue
      }
      #expect(result.errors.contains(#/\n1,\d\d\d rows were never reached\n/#), "\(result.errors)")
      #expect(result.errors.contains(#/\nto go on:\n  \S+docintake run .*batch.csv /#))
    }
  }

  @Test func ofAPipeNobodyKnowsWhatIsLeft() async throws {
    let pipe = folder.path + "/rows"
    folder.write("scan.jpg", TinyScan.bytes)
    #expect(mkfifo(pipe, 0o600) == 0)
    let manifest = open(pipe, O_RDWR | O_CLOEXEC)
    defer { close(manifest) }
    let running = try program.start(
      ["run", "-", "--to", "sandbox", "--images-root", folder.path], input: pipe)
    #expect(RawDescriptor.write(Array("id,email,front\n".utf8), to: manifest))
    while !running.text(".out").contains("\"outcome\":\"accepted\"") {
      let row =
        "\(Int.random(in: 0...Int.max)),canary-\(Int.random(in: 0...Int.max))@example.com,scan.jpg\n"
      #expect(RawDescriptor.write(Array(row.utf8), to: manifest))
      try await Task.sleep(for: .milliseconds(100))
    }
    running.signal(SIGTERM)
    let result = try await running.wait()
    #expect(result.code == 4 && !result.errors.contains("never reached"), "\(result.errors)")
  }

  /// It is opened once: what its writer has written is gone when it is closed.
  @Test func aPipeWithANameIsReadLikeAFile() async throws {
    let pipe = folder.path + "/rows"
    folder.write("scan.jpg", TinyScan.bytes)
    let rows = folder.write("rows.csv", "id,email,front\n1,canary-1@example.com,scan.jpg\n")
    #expect(mkfifo(pipe, 0o600) == 0)
    let writer = popen("cat \(rows) > \(pipe)", "r")
    defer { pclose(writer) }
    let result = try await program.start(["run", pipe, "--to", "sandbox"]).wait()
    #expect(result.code == 0 && result.outcomes == ["accepted": 1], "\(result.errors)")
  }

  @Test func aRowWithoutAnEndDoesNotHoldAStop() async throws {
    let pipe = folder.path + "/rows"
    folder.write("scan.jpg", TinyScan.bytes)
    let start = folder.write("start.csv", "id,email,front\n1,canary-1@example.com,scan.jpg\n")
    #expect(mkfifo(pipe, 0o600) == 0)
    let writer = popen("{ cat \(start); exec tr '\\0' a < /dev/zero; } > \(pipe)", "r")
    defer { pclose(writer) }
    let running = try program.start(
      ["run", "-", "--to", "sandbox", "--images-root", folder.path], input: pipe)
    try await running.waitFor("\"outcome\":\"accepted\"")
    running.signal(SIGTERM)
    let result = try await running.wait()
    #expect(result.code == 4 && result.errors.contains("stopped by a signal"), "\(result.errors)")
  }

  /// A command that prints credentials may hold them, and a log may be read by others.
  @Test func aCommandForCredentialsIsNotRepeatedInALog() async throws {
    let batch = batchWithErrors()
    let sandbox = try await SandboxProcess(folder)
    let words = batch.arguments(sandbox).map {
      $0 == batch.credentials ? "command:echo '{\"user\":\"sandbox\",\"pass\":\"sandbox\"}'" : $0
    }
    let result = try await program.start(words).wait()
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.errors.contains("--credentials 'command:…' "), "\(result.errors)")
    #expect(!result.errors.contains("pass"))
  }

  @Test func aCheckOfManyErrorsFitsOnAScreen() async throws {
    let batch = CustomerBatch(rows: 3_000, in: folder)
    batch.write { number, cells in
      if number % 4 == 1 { cells[1] = "" }
      if number % 4 == 3 { (cells[1], cells[5]) = ("", "19831345") }
    }
    let command = ["check", batch.manifest, "--to", "dcams", "--rate", "5/s"]
    let session = try TerminalSession(program, command, columns: 80)
    #expect(try await session.finish() == 3)
    let rows = session.screen.rows
    #expect(rows.count <= 24, "\(rows)")
    #expect(rows.contains("3,000 rows: 1,500 ready, 1,500 rejected"), "\(rows)")
    #expect(rows.contains("what is wrong, by cause (--all lists each row):"))
    #expect(rows.contains { $0.hasPrefix("  1,500  missing_value email: ") })
    #expect(rows.contains { $0.hasPrefix("    750  invalid_value dob: ") })
    #expect(
      rows.contains {
        $0.hasPrefix("a run sends 1,500 requests, ") && $0.hasSuffix("5 min or more")
      })
    let all = try await program.start(command + ["--all"]).wait()
    let numbers = all.errors.split(separator: "\n").compactMap {
      $0.firstMatch(of: #/^line (\d+) \(/#).flatMap { Int($0.output.1) }
    }
    #expect(numbers.count == 1_500 && numbers == numbers.sorted(), "\(numbers.count)")
    #expect(all.rows.count == 3_000)
  }

  @Test func aCheckOfFewErrorsListsThem() async throws {
    let batch = batchWithErrors()
    let result = try await program.start(["check", batch.manifest, "--to", "dcams"]).wait()
    let numbers = result.errors.split(separator: "\n").compactMap {
      $0.firstMatch(of: #/^line (\d+) \(/#).flatMap { Int($0.output.1) }
    }
    #expect(numbers == [7, 10, 13, 17, 20, 27, 30, 33, 37], "\(result.errors)")
    #expect(!result.errors.contains("by cause"))
  }

  /// Half of the rows are wrong, and what is kept of them does not grow with their number.
  @Test(.enabled(if: SlowTests.areWanted))
  func aCheckOfManyRowsNeedsNoMoreMemory() async throws {
    var measured = program
    measured.wrapper = [
      Interpreter.python, "-c",
      "import resource as r, subprocess as s, sys; s.call(sys.argv[1:]); "
        + "print(r.getrusage(r.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)",
    ]
    var peaks: [Int] = []
    for count in [10_000, 100_000] {
      let rows = (0..<count).map { number in
        let email = number % 2 == 0 ? "canary-\(number)@example.com" : ""
        return "R-\(number),\(email),\(number % 4 == 3 ? "MAYBE" : "PASS")\n"
      }
      let manifest = folder.write("many.csv", "id,email,status\n" + rows.joined())
      let result = try await measured.start([
        "check", manifest, "--to", "dcams", "--operation", "updateStatus", "--output", "none",
        "--all", "--isolation", "off", "--quiet",
      ]).wait(seconds: 280)
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count { $0.hasPrefix("line ") } == count / 2)
      peaks.append(try #require(lines.last.flatMap { Int($0) }, "\(result.errors.suffix(300))"))
    }
    // Kilobytes; 40 bytes a row tell rows apart that repeat each other.
    #expect(peaks[1] - peaks[0] < 16_000, "\(peaks)")
  }
}
