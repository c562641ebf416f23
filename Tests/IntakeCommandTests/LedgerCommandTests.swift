import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The commands about ledgers, as scripts use them.
@Suite(.timeLimit(.minutes(20)))
struct LedgerCommandTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// A ledger of six accepted rows.
  private func ledger(_ name: String) async throws -> String {
    let path = folder.path + "/" + name
    let manifest = Program.samples + "/customers.csv"
    let result = try await program.run("run", manifest, "--to", "sandbox", "--ledger", path)
    #expect(result.code == 0, "\(result.errors)")
    return path
  }

  private func damage(_ path: String) throws {
    var bytes = try Descriptor.open(path).wholeFile(atMost: 1 << 20)
    let line = try #require(bytes.firstIndex(of: 0x0A))
    bytes[line + 30] ^= 1
    folder.write(String(path.split(separator: "/").last ?? ""), bytes)
  }

  @Test func severalLedgersAreShownTogether() async throws {
    let paths = [try await ledger("a.ledger"), try await ledger("b.ledger")]
    let shown = try await program.run("ledger", "show", paths[0], paths[1])
    #expect(
      shown.rows.compactMap { $0["ledger"]?.string } == paths.flatMap { [$0, $0, $0, $0, $0, $0] })
    let one = try await program.run("ledger", "show", paths[0])
    #expect(one.rows.count == 6 && one.rows.allSatisfy { $0["ledger"] == nil })
    let stats = try await program.run("ledger", "stats", paths[0], paths[1])
    #expect(stats.rows.compactMap { $0["ledger"]?.string } == paths)
    #expect(stats.rows.allSatisfy { $0["rows"]?["accepted"]?.integer == 6 })
  }

  @Test func damageIsToldToProgramsWithLineAndReason() async throws {
    let paths = [try await ledger("a.ledger"), try await ledger("b.ledger")]
    try damage(paths[0])
    let missing = folder.path + "/none"
    let result = try await program.run("ledger", "verify", "--json", paths[0], paths[1], missing)
    #expect(result.code == 6, "\(result.errors)")
    #expect(result.rows.compactMap { $0["ok"]?.bool } == [false, true, false])
    #expect(result.rows.first?["line"]?.integer == 2, "\(result.output)")
    #expect(result.rows.first?["reason"]?.string?.contains("damaged at line 2") == true)
    #expect(result.rows.last?["line"]?.integer == nil)
  }

  @Test func anotherFileGivenForALedgerIsCalledThat() async throws {
    let sheet = folder.write("excel.csv", "id;email\n1;ada@example.com\n")
    let output = folder.path + "/all.ledger"
    let manifest = Program.samples + "/customers.csv"
    for arguments in [
      ["ledger", "show"], ["ledger", "show", "--row", "1"], ["ledger", "verify"],
      ["ledger", "stats"], ["ledger", "merge", "-o", output], ["ledger", "prune", "--forget", "1"],
      ["report"], ["reconcile"], ["run", manifest, "--to", "sandbox", "--ledger"],
    ] {
      let result = try await program.start(arguments + [sheet]).wait()
      #expect(result.code == 6, "\(arguments): \(result.errors)")
      #expect(result.errors.contains("excel.csv isn't a ledger"), "\(arguments): \(result.errors)")
      #expect(!result.errors.contains("backup") && !result.errors.contains("ada@"))
    }
  }

  @Test(arguments: [["ledger", "show", "--row"], ["ledger", "prune", "--forget"]])
  func aRowThatIsNotThereIsSaid(command: [String]) async throws {
    let path = try await ledger("a.ledger")
    let result = try await program.start(command + ["C-1oo1", path]).wait()
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.errors.contains("there is no row \"C-1oo1\""), "\(result.errors)")
  }

  @Test func aRowIsShownWhereOneOfTheLedgersHasIt() async throws {
    let empty = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    #expect(try await program.start(empty.arguments(sandbox)).wait().code == 0)
    let path = try await ledger("a.ledger")
    let shown = try await program.run("ledger", "show", empty.ledger, path, "--row", "R-0")
    #expect(shown.code == 0 && shown.rows.count == 1, "\(shown.errors)")
  }

  @Test func pruningTakesOutWhatIsThereAndSaysWhatFollows() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    #expect(try await program.start(batch.arguments(sandbox)).wait().code == 0)
    let pruned = try await program.run(
      "ledger", "prune", batch.ledger, "--forget", "R-0", "--forget", "typo")
    #expect(pruned.code == 3 && pruned.rows.first?["removedRows"]?.integer == 1)
    #expect(pruned.errors.contains("sends these rows again"), "\(pruned.errors)")
    #expect(pruned.errors.contains("\"typo\"") && !pruned.errors.contains("R-0"))
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.outcomes == ["accepted": 1, "skipped": 2], "\(again.output)")
  }

  @Test(arguments: ["failed", "in-doubt"])
  func aSelectionFromALedgerThatIsNotThereIsRefused(only: String) async throws {
    let path = folder.path + "/none.ledger"
    let manifest = Program.samples + "/customers.csv"
    let result = try await program.run(
      "run", manifest, "--to", "sandbox", "--ledger", path, "--only", only)
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.errors.contains("there is no ledger"), "\(result.errors)")
    #expect(!DurableFile.exists(path))
  }

  @Test func aRowThatWasKilledWhileSendingTellsThatAndNotAnOlderStory() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    batch.write { _, cells in cells[5] = "19831317" }
    let sandbox = try await SandboxProcess(folder, faults: ["hang"])
    #expect(try await program.start(batch.arguments(sandbox)).wait().code == 3)
    batch.write()
    let run = try program.start(batch.arguments(sandbox, "--set", "submit.timeout=600"))
    while !(String(
      decoding: try Descriptor.open(batch.ledger).wholeFile(atMost: 1 << 20), as: UTF8.self
    ).contains(#""t":"intent""#)) { try await Task.sleep(for: .milliseconds(10)) }
    // While the run lives, it was not killed.
    let live = try #require(try await program.run("ledger", "show", batch.ledger).rows.first)
    #expect(live["standing"]?.string == "in_doubt")
    #expect(live["detail"]?.string == "being sent by a run now", "\(live)")
    #expect(live["hint"]?.string == "wait until the run has ended", "\(live)")
    let history = try await program.run("history", "R-0", "--ledger", batch.ledger).output
    #expect(history.contains("being sent by a run now"), "\(history)")
    #expect(!history.contains("killed"), "\(history)")
    run.signal(SIGKILL)
    _ = try await run.wait()
    let row = try #require(try await program.run("ledger", "show", batch.ledger).rows.first)
    #expect(row["standing"]?.string == "in_doubt" && row["outcome"]?.string == "in_doubt")
    #expect(row["detail"]?.string == "killed while sending" && row["row"]?.integer == 2)
    #expect(row["code"] == nil && row["attempts"] == nil)
    let report = try await program.run("report", batch.ledger)
    for words in ["killed while sending", "run the same command again: the target is asked"] {
      #expect(report.output.contains(words), "\(report.output)")
    }
    #expect(!report.output.contains("invalid_value"))
  }

  @Test func mergingAShardThatDidNotEndIsSaid() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@2"])
    let first = try await program.start(
      batch.arguments(sandbox, "--shard", "1/1", "--ambiguous", "hold")
    ).wait()
    #expect(first.code == 5, "\(first.errors)")
    let output = folder.path + "/all.ledger"
    let merged = try await program.run("ledger", "merge", batch.ledger, "-o", output)
    #expect(merged.code == 5 && merged.errors.contains("1 row is in doubt"), "\(merged.errors)")
    #expect(merged.rows.first?["rows"]?["in_doubt"]?.integer == 1, "\(merged.output)")
    #expect(try await program.run("ledger", "verify", output).code == 0)
    let help = try await program.run("ledger", "merge", "--help")
    #expect(help.output.contains("names those whose last run was killed or stopped"))
    #expect(!help.output.contains("none is missing"))
    for word in ["in-doubt", "in_doubt"] {
      let shown = try await program.run("ledger", "show", output, "--outcome", word)
      #expect(shown.code == 0 && shown.rows.count == 1, "\(shown.errors)")
    }
    let key = try #require(
      try await program.run("reconcile", batch.ledger).rows.first?["key"]?.string)
    let marked = try await program.run(
      "reconcile", batch.ledger, "--mark", "not_accepted", "--key", key)
    #expect(marked.code == 0 && marked.rows.first?["marked"]?.string == "not-accepted")
  }

  @Test func reconcileWithoutManifestSaysWhatIsNeeded() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@2"])
    let first = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect(first.code == 5, "\(first.errors)")
    let result = try await program.run("reconcile", batch.ledger)
    #expect(result.code == 5)
    #expect(result.rows.count == 1)
    for word in ["1 row is in doubt", "--manifest", "--mark"] {
      #expect(result.errors.contains(word), "\(result.errors)")
    }
    let asked = try await program.run(
      "reconcile", batch.ledger, "--manifest", batch.manifest, "--to", "dcams", "--endpoint",
      sandbox.endpoint, "--credentials", batch.credentials, "--settle-after", "0")
    #expect(asked.code == 0, "\(asked.errors)")
    let none = try await program.run("reconcile", batch.ledger)
    #expect(none.code == 0 && none.errors.contains("no row is in doubt"), "\(none.errors)")
  }

  @Test func theLedgerOfAShardTakesNoOther() async throws {
    let batch = CustomerBatch(rows: 9, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1"])
    let first = try await program.start(
      batch.arguments(sandbox, "--shard", "1/3", "--ambiguous", "hold")
    ).wait()
    #expect(first.code == 5, "\(first.errors)")
    for shard in [["--shard", "2/3"], []] {
      let other = try await program.start(batch.arguments(sandbox) + shard).wait()
      #expect(other.code == 6 && other.rows.isEmpty, "\(other.output) \(other.errors)")
      #expect(other.errors.contains("Give --shard 1/3, or name another ledger"))
    }
    let asked = try await program.run(
      "reconcile", batch.ledger, "--manifest", batch.manifest, "--to", "dcams", "--endpoint",
      sandbox.endpoint, "--credentials", batch.credentials, "--settle-after", "0")
    #expect(asked.code == 0, "\(asked.errors)")
    #expect(try sandbox.requests().count { $0.isAccepted } == first.rows.count)
  }

  @Test func aRowInDoubtOfAShardIsMarked() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1"])
    let first = try await program.start(
      batch.arguments(sandbox, "--shard", "1/1", "--ambiguous", "hold")
    ).wait()
    let id = try #require(first.rows.first { $0["outcome"]?.string == "in_doubt" }?["id"]?.string)
    let marked = try await program.run("reconcile", batch.ledger, "--mark", "accepted", "--row", id)
    #expect(marked.code == 0, "\(marked.errors)")
  }

  @Test func reconcileWithoutLedgerIsRefused() async throws {
    let path = folder.path + "/none.ledger"
    let manifest = Program.samples + "/customers.csv"
    for arguments in [
      [], ["--manifest", manifest, "--to", "dcams", "--endpoint", "http://localhost"],
    ] {
      let result = try await program.start(["reconcile", path] + arguments).wait()
      #expect(result.code == 6, "\(result.errors)")
      #expect(!DurableFile.exists(path))
    }
  }

  @Test func aReportTakesThePlaceOfTheOldOneWhole() async throws {
    let path = try await ledger("a.ledger")
    let page = folder.write("report.html", "the old report")
    let result = try await program.run("report", path, "--html", page)
    #expect(result.code == 0, "\(result.errors)")
    let text = String(decoding: try Descriptor.open(page).wholeFile(atMost: 1 << 20), as: UTF8.self)
    #expect(text.hasPrefix("<!doctype html>") && text.contains("</html>"))
    #expect(folder.files().allSatisfy { !$0.hasSuffix(".draft") })
  }

  @Test(.enabled(if: access("/usr/bin/prlimit", X_OK) == 0, "prlimit is missing"))
  func aReportThatCannotBeWrittenLeavesTheOldOne() async throws {
    let path = try await ledger("a.ledger")
    let page = folder.write("report.html", "the old report")
    var limited = program
    limited.wrapper = ["/usr/bin/prlimit", "--fsize=700"]
    let result = try await limited.start(["report", path, "--html", page]).wait()
    #expect(result.code == 2, "\(result.errors)")
    let text = String(decoding: try Descriptor.open(page).wholeFile(atMost: 1 << 20), as: UTF8.self)
    #expect(text == "the old report")
    #expect(folder.files().allSatisfy { !$0.hasSuffix(".draft") })
  }
}
