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
    #expect(other.code == 2 && other.errors.contains("isn't a manifest that a run of this ledger"))
  }

  /// What `report` says with a manifest in each of its forms: words, the rows of its causes, and the page.
  private func report(_ batch: CustomerBatch, _ manifest: String) async throws
    -> (text: String, rows: [JSONValue], page: String)
  {
    let path = folder.path + "/report.html"
    let command = ["report", batch.ledger, "--manifest", manifest]
    let result = try await program.start(command + ["--html", path]).wait()
    #expect(result.code == 0, "\(result.errors)")
    let json = try await program.start(command + ["--format", "json"]).wait().output
    let causes = try JSONParser.parse(Array(json.utf8))["causes"]?.elements ?? []
    return (result.output, causes.flatMap { $0["rows"]?.elements ?? [] }, try text(path))
  }

  /// The same lines of two manifests are about different customers.
  @Test func aRowIsNeverGivenTheIdOfAnotherManifest() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let first = batch.writePart(0..<2, "first.csv") { number, cells in
      if number == 1 { cells[6] = "none.jpg" }
    }
    let second = batch.writePart(2..<4, "second.csv")
    for (manifest, code) in [(first, 3), (second, 0)] {
      let words = batch.arguments(sandbox).map { $0 == batch.manifest ? manifest : $0 }
      #expect(try await program.start(words).wait().code == code)
    }
    let later = try await report(batch, second)
    #expect(later.text.contains("    line 3 of another manifest\n"), "\(later.text)")
    #expect(later.page.contains("<li>line 3 of another manifest</li>"))
    #expect(!later.text.contains("R-") && !later.page.contains("R-"))
    #expect(later.rows.count == 1 && later.rows[0]["id"] == nil, "\(later.rows)")
    #expect(later.rows[0]["row"]?.integer == 3 && later.rows[0]["inManifest"]?.bool == false)
    let earlier = try await report(batch, first)
    #expect(earlier.text.contains("    line 3 (R-1)\n"), "\(earlier.text)")
    #expect(earlier.page.contains("<li>line 3 (R-1)</li>"))
    #expect(earlier.rows.count == 1 && earlier.rows[0]["id"]?.string == "R-1")
    #expect(earlier.rows[0]["row"]?.integer == 3 && earlier.rows[0]["inManifest"]?.bool == true)
  }

  /// A row that fails as it did before is not written down again, so the ledger has its line of the earlier manifest.
  @Test func aRowIsFoundWhereTheManifestHasItNow() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    batch.write { number, cells in
      if number < 2 { cells[6] = "none.jpg" }
      if number == 0 { cells[1] = "mistyped@example.com" }
    }
    #expect(try await program.start(batch.arguments(sandbox)).wait().code == 3)
    let order = [2, 0, 1]
    batch.write { number, cells in
      let other = order[number]
      (cells[0], cells[1]) = (CustomerBatch.id(other), CustomerBatch.email(other))
      if other == 1 { cells[6] = "none.jpg" }
    }
    let second = try await program.start(batch.arguments(sandbox, "--resubmit-changed")).wait()
    #expect(second.outcomes["failed", default: 0] + second.outcomes["rejected", default: 0] == 1)
    let report = try await report(batch, batch.manifest)
    #expect(
      report.text.contains("    line 4 (R-1), line 2 of another manifest\n"), "\(report.text)")
    #expect(report.rows.compactMap { $0["row"]?.integer } == [4, 2])
    #expect(report.rows.compactMap { $0["id"]?.string } == ["R-1"])
  }

  /// What customers are known by depends on the target, which the ledger names.
  @Test func rowsOfEveryTargetAreNamed() async throws {
    let manifest = folder.write(
      "noah.csv",
      "id,fn,ln,addr,city,state,zip,country,dob,id_type,id_number,id_country\n"
        + "N-1,Lena,Whitcombe,9 Juniper Avenue,Sacramento,CA,95814,US,19901321,TaxID,000-00-0134,US\n"
    )
    let ledger = folder.path + "/noah.ledger"
    let run = try await program.run(
      "run", manifest, "--to", "noah-sandbox", "--ledger", ledger)
    #expect(run.code == 3, "\(run.errors)")
    let report = try await program.run("report", ledger, "--manifest", manifest)
    #expect(report.output.contains("line 2 (N-1)"), "\(report.output) \(report.errors)")
    // One that a plan describes: a setting may name the plan.
    let other = folder.path + "/other.ledger"
    let keys = folder.write("keys.json", #"{"tenant":"x","token":"y"}"#)
    let people = folder.write(
      "people.csv", "id,email,fn,ln,dob,front\nT-1,a@b.example,A,B,19901321,x\n")
    var program = program
    program.environment["DOCINTAKE_TO"] = Program.samples + "/plans/template.json"
    let second = try await program.run("run", people, "--ledger", other, "--credentials", keys)
    #expect(second.code == 3, "\(second.errors)")
    let named = try await program.run("report", other, "--manifest", people)
    #expect(named.output.contains("line 2 (T-1)"), "\(named.output) \(named.errors)")
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
