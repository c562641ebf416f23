import IntakeCore
import IntakeSystem
import TestSupport
import Testing

@testable import IntakeCommand

/// `docintake report`: its numbers are the run's, and nothing in its page is more than text.
@Suite(.timeLimit(.minutes(20)))
struct ReportTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func text(_ path: String) throws -> String {
    String(decoding: try Descriptor.open(path).wholeFile(atMost: 4 << 20), as: UTF8.self)
  }

  /// Four rows: a bad cell, a missing file, a target that throttles once, and one that goes through.
  private func run() async throws -> (batch: CustomerBatch, result: Program.Result) {
    let batch = CustomerBatch(rows: 4, in: folder)
    batch.write { number, cells in
      if number == 0 { cells[5] = "19831317" }
      if number == 1 { cells[6] = "none.jpg" }
    }
    let sandbox = try await SandboxProcess(folder, faults: ["429:retry-after=1@1"])
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.code == 3, "\(result.errors)")
    return (batch, result)
  }

  @Test func theReportSaysWhichCellOrSideIsWrong() async throws {
    let (batch, _) = try await run()
    let shown = try await program.run("ledger", "show", batch.ledger)
    #expect(Set(shown.rows.compactMap { $0["column"]?.string }) == ["dob", "front"])
    #expect(shown.rows.compactMap { $0["side"]?.string } == ["front"])
    let report = try await program.run("report", batch.ledger)
    #expect(report.output.contains("1 × not accepted: invalid_value (load, dob)"))
    #expect(report.output.contains("1 × not accepted: file_not_found (decode, front)"))
    #expect(report.output.contains("    line 3\n"), "\(report.output)")
  }

  @Test func numbersAndDigestsAreTheRuns() async throws {
    let (batch, result) = try await run()
    let output = try await program.run("report", batch.ledger, "--format", "json").output
    let report = try JSONParser.parse(Array(output.utf8))
    #expect(report["statistics"]?["rows"]?["accepted"]?.integer == 2)
    let open = report["notAccepted"]?.elements ?? []
    #expect(open.compactMap { $0["row"]?.integer } == [2, 3] && open[0]["column"]?.string == "dob")
    #expect(report["causes"]?.elements?.compactMap { $0["count"]?.integer } == [1, 1])
    let images = result.rows.compactMap { $0["images"]?["front"] }
    let accepted = result.rows.filter { $0["outcome"]?.string == "accepted" }
    #expect(
      report["imageBytes"]?.integer
        == images.compactMap { $0["source"]?["bytes"]?.integer }.reduce(0, +))
    #expect(
      report["bodyBytes"]?.integer
        == accepted.compactMap { $0["bodyBytes"]?.integer }.reduce(0, +))
    let last = try #require(report["runs"]?.elements?.last)
    #expect(last["retries"]?.integer == 1 && (last["waitedMs"]?.integer ?? 0) >= 900)
    #expect(last["tool"]?.string == "docintake-\(ProductVersion.number)")
    var sum = program
    sum.executable = "/usr/bin/sha256sum"
    let digest = try await sum.run(batch.manifest).output.split(separator: " ").first
    #expect(last["manifest"]?.string == digest.map(String.init))
    #expect(last["plan"]?.string?.utf8.count == 64)
    let submit = report["ms"]?.elements?.first { $0["stage"]?.string == "submit" }
    #expect(submit?["rows"]?.integer == 2, "\(output)")
  }

  /// A row that ends in doubt and is settled in the same run has two outcomes in the ledger.
  @Test func aRowThatWasInDoubtIsCountedOnce() async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let faults = ["close-after-accept@2", "429:retry-after=1@5"]
    let sandbox = try await SandboxProcess(folder, faults: faults)
    let run = try await program.start(
      batch.arguments(sandbox, "--settle-after", "0", "--concurrency", "1")
    ).wait()
    #expect(run.outcomes == ["accepted": 6], "\(run.errors)")
    let output = try await program.run("report", batch.ledger, "--format", "json").output
    let report = try JSONParser.parse(Array(output.utf8))
    let tally = try #require(report["runs"]?.elements?.first)
    let retries = run.rows.compactMap { $0["attempts"]?.integer }.reduce(0) { $0 + $1 - 1 }
    #expect(tally["retries"]?.integer == retries && retries >= 1, "\(output)")
    let page = folder.path + "/report.html"
    _ = try await program.run("report", batch.ledger, "--html", page)
    #expect(try text(page).contains("<td>complete</td><td>6</td><td>6</td>"))
    #expect(try text(page).contains("Every row is accepted"))
  }

  @Test func rowsThatNoRunCameToAreNotForgotten() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let run = try await program.start(batch.arguments(sandbox, "--limit", "2")).wait()
    #expect(run.outcomes == ["accepted": 2], "\(run.errors)")
    let page = folder.path + "/report.html"
    let report = try await program.run("report", batch.ledger, "--html", page)
    #expect(report.output.contains("did not come to the end of its manifest"))
    #expect(try text(page).contains("Every row that a run came to is accepted"))
  }

  /// What took less than a millisecond has no time in the ledger, and counts in runs whose plan has the stage.
  @Test func aStageCountsTheRowsThatPassedIt() {
    var times = StageTimes()
    for line in ["gate=5,submit=9", "submit=9", "decode=1,gate=7,submit=2"] {
      times.add(line, isAccepted: true)
    }
    times.add("decode=3", isAccepted: false)
    times.endRun()
    times.add("submit=4,upload=1", isAccepted: true)
    times.endRun()
    let stages = times.inOrder(["decode", "submit"])
    #expect(stages.map(\.name) == ["decode", "gate", "submit", "upload"])
    #expect(stages.map(\.count) == [4, 3, 4, 1])
    #expect(stages.map { $0.quantile(0.5) } == [0, 5, 4, 1])
    #expect(stages[0].words == ["<1", "3", "3"])
  }

  @Test func theManifestOfTheRunGivesRowsTheirIds() async throws {
    let (batch, _) = try await run()
    let named = try await program.run("report", batch.ledger, "--manifest", batch.manifest)
    #expect(named.output.contains("line 2 (\(CustomerBatch.id(0)))"), "\(named.errors)")
    batch.write()
    let other = try await program.run("report", batch.ledger, "--manifest", batch.manifest)
    #expect(other.code == 2 && other.errors.contains("isn't the manifest that the last run read"))
  }

  @Test func scansAreShownAsTheyCameAndAsTheyAreSent() async throws {
    let (manifest, page) = (Program.samples + "/customers.csv", folder.path + "/report.html")
    let ledger = folder.path + "/batch.ledger"
    let run = try await program.run("run", manifest, "--to", "sandbox", "--ledger", ledger)
    #expect(run.code == 0, "\(run.errors)")
    let bare = try await program.run("report", ledger, "--html", page, "--show-images")
    #expect(bare.code == 2 && bare.errors.contains("--manifest"), "\(bare.errors)")
    let report = try await program.run(
      "report", ledger, "--html", page, "--manifest", manifest, "--show-images")
    #expect(report.code == 0, "\(report.errors)")
    let html = try text(page)
    // Six customers, one of them with a front alone; each scan twice.
    #expect(html.ranges(of: "data:image/jpeg;base64,").count == 22)
    for words in [
      "front as it came: 3024 × 4032, 1.09 MB", "front as it is sent: 1512 × 2016, 191 KB",
    ] { #expect(html.contains(words), "\(words)") }
    #expect(html.utf8.count < 600_000)
  }

  @Test func namesThatAreHTMLStayText() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    batch.write { _, cells in
      (cells[0], cells[6]) = ("<script>alert(1)</script>&", "none.jpg")
    }
    let sandbox = try await SandboxProcess(folder)
    #expect(try await program.start(batch.arguments(sandbox)).wait().code == 3)
    let page = folder.path + "/report.html"
    let report = try await program.run(
      "report", batch.ledger, "--manifest", batch.manifest, "--html", page)
    #expect(report.code == 0, "\(report.errors)")
    let html = try text(page)
    #expect(
      html.contains("line 2 (&lt;script&gt;alert(1)&lt;/script&gt;&amp;)"), "\(html.suffix(600))")
    #expect(!html.contains("<script") && !html.contains("http"))
    let hidden = try await program.run("report", batch.ledger, "--html", page)
    #expect(hidden.code == 0)
    #expect(try !text(page).contains("alert"))
  }

  @Test func theReportSaysWhereRowsThatRepeatOthersAre() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    batch.write { number, cells in
      if number == 2 {
        cells = [
          CustomerBatch.id(1), CustomerBatch.email(1), "Zanzibar", "Quetzal1", "1 Xylophone Way",
          "19830417", "scan.jpg",
        ]
      }
    }
    let sandbox = try await SandboxProcess(folder)
    let run = try await program.start(batch.arguments(sandbox)).wait()
    #expect(run.rows.count == 3, "\(run.output)")
    let page = folder.path + "/report.html"
    let report = try await program.run("report", batch.ledger, "--html", page)
    #expect(report.output.contains("rows          2\n"), "\(report.output)")
    #expect(report.output.contains("repeats an earlier one"))
    let html = String(decoding: try Descriptor.open(page).wholeFile(atMost: 1 << 20), as: UTF8.self)
    #expect(html.contains("repeats an earlier one"))
  }
}
