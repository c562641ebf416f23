import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a run that nobody watches tells other programs.
@Suite(.timeLimit(.minutes(20)))
struct UnattendedTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func text(_ path: String) throws -> String {
    String(decoding: try Descriptor.open(path).wholeFile(atMost: 1 << 20), as: UTF8.self)
  }

  /// The end of a run of four rows, of which one is refused and another one is turned away once.
  private func run(_ options: [String]) async throws -> Program.Result {
    let batch = CustomerBatch(rows: 4, in: folder)
    batch.write { number, cells in if number == 0 { cells[5] = "19831317" } }
    let sandbox = try await SandboxProcess(folder, faults: ["429:retry-after=1@1"])
    return try await program.start(batch.arguments(sandbox) + options).wait()
  }

  @Test func theMetricsAreTheRunsAndHoldNothingPersonal() async throws {
    let path = folder.path + "/docintake.prom"
    let result = try await run(["--metrics", path])
    #expect(result.code == 3, "\(result.errors)")
    let metrics = try text(path)
    #expect(metrics.hasSuffix("\n# EOF\n"))
    for line in [
      #"outcome="accepted"} 3"#, #"outcome="rejected"} 1"#, #"outcome="in_doubt"} 0"#,
      "docintake_retries_total{target=", "# TYPE docintake_rows counter",
      "docintake_exit_code{target=",
    ] { #expect(metrics.contains(line), "\(metrics)") }
    let code = metrics.split(separator: "\n").first { $0.hasPrefix("docintake_exit_code") }
    #expect(code?.hasSuffix(" 3") == true)
    let retries = metrics.split(separator: "\n").first { $0.hasPrefix("docintake_retries_total") }
    #expect(retries?.hasSuffix(" 1") == true)
    #expect(!CustomerBatch.canaries.contains { metrics.contains($0) })
    // The collector is another user's; a name that it would read half written is not left behind.
    #expect(folder.files().filter { $0.contains("docintake.prom") } == [path])
  }

  /// A program that keeps what it is told.
  private func listener() throws -> String {
    let script = folder.write(
      "tell", "#!/bin/sh\ncat >> \(folder.path)/told.json\nenv > \(folder.path)/env\n")
    try DurableFile.makeExecutable(script)
    return script
  }

  @Test func theNotifiedProgramGetsTheSummary() async throws {
    let result = try await run(["--notify", listener()])
    #expect(result.code == 3, "\(result.errors)")
    let told = try JSONParser.parse(Array(text(folder.path + "/told.json").utf8))
    #expect(told["type"]?.string == "summary" && told["exitCode"]?.integer == 3)
    #expect(told["outcomes"]?["accepted"]?.integer == 3)
    #expect(told["at"]?.string?.hasSuffix("Z") == true)
    let all = try text(folder.path + "/told.json") + text(folder.path + "/env")
    #expect(!CustomerBatch.canaries.contains { all.contains($0) })
  }

  /// Nobody reads standard error at night: a run that could not begin is told as well as one that ended.
  @Test(arguments: [
    ("manifest", 2, "manifest.csv"), ("header", 2, "Zip-Code"), ("credentials", 2, "credentials"),
    ("ledger", 6, "ledger"), ("failed", 2, "--failed"), ("rate", 2, "--rate"),
  ])
  func aRunThatCannotBeginIsTold(what: String, code: Int, words: String) async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let metrics = folder.write("docintake.prom", "docintake_exit_code{target=\"\"} 0\n# EOF\n")
    var command = batch.arguments(endpoint: "http://127.0.0.1:9/x")
    command += ["--notify", try listener(), "--metrics", metrics]
    switch what {
    case "manifest": command[1] = folder.path + "/manifest.csv"
    case "header": folder.write("batch.csv", "id,email,Zip-Code\nR-0,canary-0@example.com,1\n")
    case "credentials": try DurableFile.remove(batch.credentials)
    case "ledger": folder.write("batch.ledger", "not a ledger\n")
    case "failed": command += ["--failed", folder.path]
    default: command += ["--rate", "fast"]
    }
    let result = try await program.start(command).wait()
    #expect(result.code == code && result.output.isEmpty, "\(result.errors)")
    let told = try JSONParser.parse(Array(text(folder.path + "/told.json").utf8))
    #expect(told["type"]?.string == "error" && told["exitCode"]?.integer == code)
    #expect(told["message"]?.string?.contains(words) == true, "\(told)")
    #expect(told["at"]?.string?.hasSuffix("Z") == true)
    let numbers = try text(metrics)
    let line = numbers.split(separator: "\n").first { $0.hasPrefix("docintake_exit_code") }
    #expect(line?.hasSuffix(" \(code)") == true, "\(numbers)")
    let all = try text(folder.path + "/told.json") + numbers
    #expect(!CustomerBatch.canaries.contains { all.contains($0) }, "\(all)")
  }

  @Test func aProgramThatFailsIsSaidAndChangesNothing() async throws {
    let script = folder.write("fail", "#!/bin/sh\nexit 7\n")
    try DurableFile.makeExecutable(script)
    let result = try await run(["--notify", script])
    #expect(result.code == 3)
    #expect(result.errors.contains("--notify \(script) ended with exit code 7"), "\(result.errors)")
  }

  @Test func messagesAreKeptWithTheirTimesAndGoOnInANewFile() async throws {
    let path = folder.path + "/night.log"
    #expect(try await run(["--log-file", path]).code == 3)
    let lines = try text(path).split(separator: "\n")
    #expect(lines.count >= 3)
    for line in lines {
      #expect(line.hasPrefix("20") && line.dropFirst(19).hasPrefix("Z "), "\(line)")
    }
    #expect(try text(path).contains("invalid_value") && !text(path).contains("\u{1B}"))
    let kept = try text(path)
    #expect(!CustomerBatch.canaries.contains { kept.contains($0) })
    #expect(rename(path, path + ".1") == 0)
    #expect(try await run(["--log-file", path, "--log-format", "json"]).code == 3)
    for line in try text(path).split(separator: "\n") {
      let time = try JSONParser.parse(Array(line.utf8))["time"]?.string
      #expect(time?.hasSuffix("Z") == true, "\(line)")
    }
  }

  @Test func processesThatStartTogetherShareANewFileOfMessages() async throws {
    let path = folder.path + "/shared.log"
    let check = ["check", folder.path + "/none.csv", "--to", "dcams", "--log-file", path]
    for _ in 0..<8 {
      let all = try (0..<6).map { _ in try program.start(check) }
      for one in all { #expect(try await one.wait().code == 2) }
      let log = try text(path)
      let lines = log.split(separator: "\n").count
      #expect(lines >= 6 && lines % 6 == 0, "\(log)")
      try DurableFile.remove(path)
    }
  }

  @Test(arguments: ["--log-file", "--metrics"])
  func aLinkIsRefusedWithTheNextStep(option: String) async throws {
    let link = folder.path + "/link.prom"
    #expect(symlink(folder.path + "/elsewhere", link) == 0)
    let result = try await run([option, link])
    #expect(result.code == 2 && result.output.isEmpty, "\(result.errors)")
    #expect(result.errors.contains("\(option) \(link)"), "\(result.errors)")
    #expect(result.errors.contains("name the file itself, not a link"), "\(result.errors)")
  }

  /// Everything but the summary, which says when the run ended.
  @Test func messagesInWordsHaveTheTimeOfDay() async throws {
    let result = try await run(["--progress", "plain", "--map", "id=reference"])
    let lines = result.errors.split(separator: "\n").map(String.init)
    let summary = try #require(lines.firstIndex { $0.hasPrefix("4 rows: ") })
    #expect(
      lines[summary...].contains {
        $0.contains(/^ended: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}$/)
      })
    // The next step stands in the line below.
    let isTimed = { (line: String) in
      line.wholeMatch(of: /(docintake: )?\d\d:\d\d:\d\d .+| +→ .+/) != nil
    }
    #expect(summary >= 3 && lines[..<summary].allSatisfy(isTimed), "\(result.errors)")
    // So does what ends a run before its first row; a command line that isn't understood is answered at once.
    let missing = try await program.run("run", folder.path + "/none.csv", "--to", "sandbox")
    #expect(missing.code == 2 && isTimed(String(missing.errors.split(separator: "\n")[0])))
    let unknown = try await program.run("run", "none.csv", "--tho", "sandbox")
    #expect(unknown.errors.hasPrefix("docintake: error: "), "\(unknown.errors)")
  }

  @Test func aWorkflowShowsRowsBesideTheManifest() async throws {
    let result = try await run(["--log-format", "github"])
    #expect(result.code == 3)
    let place = "::warning file=\(folder.path)/batch.csv,line=2::line 2 (\(CustomerBatch.id(0)))"
    let lines = result.errors.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix(place + ": rejected") }, "\(result.errors)")
    #expect(!CustomerBatch.canaries.contains { result.errors.contains($0) })
    let missing = try await program.run(
      "run", folder.path + "/none.csv", "--to", "sandbox", "--log-format", "github")
    #expect(missing.code == 2 && missing.errors.hasPrefix("::error"), "\(missing.errors)")
  }

  @Test func quietKeepsNoticesBack() async throws {
    let loud = try await run([])
    #expect(loud.errors.contains(/notice: line \d \(R-\d\): waiting 1 s/), "\(loud.errors)")
    try DurableFile.remove(folder.path + "/batch.ledger")
    let quiet = try await run(["--quiet"])
    #expect(quiet.code == 3 && quiet.errors.contains("line 2 (R-0): rejected"))
    #expect(!quiet.errors.contains("notice: "), "\(quiet.errors)")
  }

  @Test(arguments: [
    (["--log-file", "/none/there/a.log"], "--log-file /none/there/a.log"),
    (["--notify", "mail"], "PATH is not searched"),
    (["--notify", "/none/there"], "--notify /none/there"),
    (["--metrics", "/none/there/a.prom"], "there is no such folder"),
    (["--bwlimit", "0"], "--bwlimit"),
    (["--bwlimit", "fast"], "--bwlimit"),
  ])
  func whatCannotWorkIsSaidBeforeAnythingIsSent(options: [String], words: String) async throws {
    let result = try await run(options)
    #expect(result.code == 2 && result.output.isEmpty)
    #expect(result.errors.contains(words), "\(result.errors)")
  }

  /// `nohup` starts it like this, and a script's `&` with SIGINT, which counts all the same.
  @Test(arguments: [SIGHUP, SIGINT])
  func underNohupTheEndOfTheTerminalIsNoStop(number: Int32) async throws {
    let isHangup = number == SIGHUP
    // With the rate, 600 rows take ten minutes: the signal always comes in the middle.
    let batch = CustomerBatch(rows: isHangup ? 8 : 600, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var program = program
    program.wrapper = ["/bin/sh", "-c", "trap '' \(number); exec \"$@\"", "sh"]
    let running = try program.start(batch.arguments(sandbox, "--rate", isHangup ? "4/s" : "1/s"))
    try await running.waitFor("\"accepted\"")
    running.signal(number)
    let result = try await running.wait()
    #expect(result.code == (isHangup ? 0 : 4), "\(result.errors)")
    #expect(result.outcomes["accepted"].map { $0 < 600 } == true, "\(result.errors)")
    if isHangup { #expect(result.outcomes == ["accepted": 8]) }
  }

  /// Four rows, each of which waits until those before it are within the limit.
  @Test func theBandwidthIsLimited() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    batch.write()
    let sandbox = try await SandboxProcess(folder)
    let result = try await program.start(
      batch.arguments(
        sandbox, "--bwlimit", "2k", "--concurrency", "4", "--log-format", "json")
    ).wait()
    #expect(result.code == 0, "\(result.errors)")
    let sizes = result.rows.compactMap { $0["bodyBytes"]?.integer }.sorted()
    let summary = try JSONParser.parse(
      Array((result.errors.split(separator: "\n").last ?? "").utf8))
    // The last one leaves when all before it are within the limit, however fast or slow the machine is.
    let least = Double(sizes.dropLast().reduce(0, +)) / 2_000
    guard case .number(let text) = summary["seconds"]?.kind, let seconds = Double(text) else {
      return #expect(Bool(false), "\(result.errors)")
    }
    #expect(sizes.count == 4 && seconds >= least, "\(seconds) of \(least) s")
  }
}
