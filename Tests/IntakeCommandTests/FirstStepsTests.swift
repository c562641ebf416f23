import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What somebody who uses the command for the first time gets wrong, and what it answers.
@Suite(.timeLimit(.minutes(20)))
struct FirstStepsTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  @Test(arguments: ["/", "/nope", "/v3/stable/api/storag"])
  func aWrongPathOfTheEndpointStopsTheRunAtItsFirstRow(path: String) async throws {
    let sandbox = try await SandboxProcess(folder)
    let result = try await program.run(
      "run", Program.samples + "/customers.csv", "--to", "sandbox", "--endpoint",
      sandbox.address + path)
    #expect(result.code == 4, "\(result.errors)")
    // Rows side by side may end before the one that met the wrong address.
    let codes = Set(result.rows.compactMap { $0["code"]?.string })
    #expect(codes.contains("wrong_endpoint"), "\(result.output)")
    #expect(codes.isSubset(of: ["wrong_endpoint", "stopped"]), "\(result.output)")
    #expect(result.errors.contains("check --endpoint"), "\(result.errors)")
  }

  @Test(arguments: [
    ("dcams", #"dcams needs a file that holds {"user""#), ("noah", "noah needs a file"),
  ])
  func missingCredentialsAreToldAsMissing(target: String, text: String) async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let result = try await program.run("run", batch.manifest, "--to", target)
    #expect(result.code == 2)
    #expect(result.errors.contains("--credentials is missing: " + text), "\(result.errors)")
  }

  @Test(arguments: [
    ("sandbox", "/v3/stable/api/storage", "customers.csv"), ("noah-sandbox", "/v1", "noah.csv"),
  ])
  func aSandboxElsewhereTakesTheBuiltInCredentials(target: String, path: String, manifest: String)
    async throws
  {
    let sandbox = try await SandboxProcess(folder)
    let result = try await program.run(
      "run", Program.samples + "/" + manifest, "--to", target, "--endpoint", sandbox.address + path)
    #expect(result.code == 0, "\(result.errors)")
    #expect((result.outcomes["accepted"] ?? 0) > 0)
  }

  @Test func theSandboxSaysWhichKeyWorks() throws {
    #expect(try program.run("sandbox", "--help").output.contains("apikey_sandbox_"))
  }

  @Test func aRowChangedAfterAcceptanceIsToldInTheSummary() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 3, in: folder)
    #expect(try await program.start(batch.arguments(sandbox)).wait().code == 0)
    batch.write { number, cells in if number == 1 { cells[2] = "Other" } }
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.code == 3)
    let expected = "1 row was changed after it had been accepted: --resubmit-changed sends it"
    #expect(result.errors.contains(expected), "\(result.errors)")
    #expect(!result.errors.contains("nothing was left to send"))
  }

  @Test func aRunThatDidNothingTellsNoSizes() throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let arguments = ["run", batch.manifest, "--to", "sandbox", "--ledger", batch.ledger]
    let first = try program.start(arguments).wait()
    #expect(first.errors.contains("rows/s") && first.errors.contains("give --keep"))
    let again = try program.start(arguments).wait()
    #expect(again.errors.contains("nothing was left to send"), "\(again.errors)")
    #expect(!again.errors.contains("rows/s") && !again.errors.contains("--keep"))
  }

  @Test func aPageThatIsGoneIsNotNamed() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let common = ["run", batch.manifest, "--to", "sandbox", "--progress", "json", "--ledger"]
    let gone = try await program.start(common + [folder.path + "/a.ledger"]).wait()
    #expect(gone.errors.contains("\"type\":\"summary\""))
    #expect(!gone.errors.contains("http://"), "\(gone.errors)")
    let plain = ["run", batch.manifest, "--to", "sandbox", "--keep", "--ledger"]
    let kept = try program.start(plain + [folder.path + "/b.ledger"])
    try await kept.waitFor("Ctrl-C")
    kept.signal(SIGTERM)
    let errors = try await kept.wait().errors
    #expect(errors.ranges(of: "http://").count == 1, "\(errors)")
  }

  @Test(arguments: [["check"], ["run", "--dry-run"]])
  func aReaderThatGoesAwayEndsACheckQuietly(words: [String]) async throws {
    let batch = CustomerBatch(rows: 200, in: folder)
    batch.write { number, cells in if number > 0 { cells[6] = "scan-\(number).jpg" } }
    for number in 1..<200 { folder.write("scan-\(number).jpg", TinyScan.bytes) }
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    let started = try program.start(words + [batch.manifest, "--to", "sandbox"], output: ends[1])
    close(ends[1])
    let errors = try await started.wait().errors
    #expect(errors.hasSuffix(" notice: stopped: standard output was closed\n"), "\(errors)")
    #expect(errors.split(separator: "\n").count == 1)
  }

  @Test func rowsThatNobodyTriedAreToldOnce() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 8, in: folder)
    folder.write("keys.json", #"{"user":"sandbox","pass":"wrong"}"#)
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.code == 4)
    #expect(!result.errors.contains("failed: stopped"), "\(result.errors)")
    #expect(result.errors.contains(" not tried"), "\(result.errors)")
    let stop = try #require(result.errors.firstRange(of: "stopped early: "))
    #expect(result.errors[stop.upperBound...].contains("→ check the credentials"))
    #expect(result.rows.contains { $0["code"]?.string == "stopped" }, "stdout tells every row")
  }

  @Test func onlyFailedNamesTheRowsInDoubt() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept"])
    let batch = CustomerBatch(rows: 2, in: folder)
    let first = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect(first.code == 5, "\(first.errors)")
    let only = try await program.start(batch.arguments(sandbox, "--only", "failed")).wait()
    #expect(only.code == 0)
    #expect(
      only.errors.contains("no row failed; 2 are in doubt: --only in-doubt"), "\(only.errors)")
  }

  @Test func onlyInDoubtNamesTheFailedRows() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    batch.write { number, cells in if number == 0 { cells[6] = "gone.jpg" } }
    let common = ["run", batch.manifest, "--to", "sandbox", "--ledger", batch.ledger]
    #expect(try await program.start(common).wait().code == 3)
    let only = try await program.start(common + ["--only", "in-doubt"]).wait()
    #expect(only.errors.contains("no row is in doubt; 1 failed: --only failed"), "\(only.errors)")
  }

  @Test func anAbsoluteImagePathLeadsBelowTheImagesRoot() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    batch.write { _, cells in cells[6] = folder.path + "/scan.jpg" }
    #expect(try await program.run("check", batch.manifest).code == 0)
    let elsewhere = folder.folder("elsewhere")
    let result = try await program.run("check", batch.manifest, "--images-root", elsewhere)
    #expect(result.rows.first?["code"]?.string == "path_outside_root")
    #expect(result.errors.contains("→ give --images-root the folder that holds the scans"))
    let root = try await program.run("check", batch.manifest, "--images-root", folder.path)
    #expect(root.code == 0)
  }

  @Test func manyRenamedColumnsAreOneNotice() async throws {
    let manifest = folder.write("m.csv", "Key,Mail,First,Last,Junk,Side\n1,a@b.example,Ada,Lo,x,\n")
    let names = ["Key=id", "Mail=email", "First=fn", "Last=ln", "Typo=dob", "Side=front"]
    let result = try await program.start(
      ["check", manifest, "--ignore-column", "Junk"] + names.flatMap { ["--map", $0] }
    ).wait()
    #expect(result.errors.ranges(of: "columns read under other names: \"Key\" as").count == 1)
    #expect(!result.errors.contains("is read as"), "\(result.errors)")
    #expect(result.errors.contains("warning: there is no column \"Typo\" to rename or ignore"))
  }

  @Test func everyUnknownColumnIsInTheError() async throws {
    let names = (0..<20).map { "unheard-\($0)-of-a-longer-name" }
    let manifest = folder.write("m.csv", "id,email,fn,\(names.joined(separator: ","))\n")
    let result = try await program.run("check", manifest)
    #expect(result.code == 2)
    for name in names { #expect(result.errors.contains("\"\(name)\" is unknown")) }
  }

  @Test func uploadsOfRowsWithoutScansAreNoticed() async throws {
    let result = try await program.run(
      "check", Program.samples + "/noah.csv", "--to", "noah", "--set", "noah.documents=upload")
    let text = "rows without front and back upload nothing"
    #expect(result.errors.ranges(of: text).count == 1, "\(result.errors)")
  }

  @Test(arguments: [("sh", "stages check ./one/one.sh"), ("swift", "cd ./two && swift test")])
  func aNewStageTellsTheNextStep(language: String, step: String) async throws {
    var program = program
    program.wrapper = ["/usr/bin/env", "-C", folder.path]
    let output = language == "sh" ? "one" : "./two"
    let result = try await program.run("stages", "new", "one", "--lang", language, "-o", output)
    #expect(result.code == 0)
    #expect(result.errors.hasPrefix("next: ") && result.errors.contains(step), "\(result.errors)")
  }

  /// A program that was installed does not know where its sources are.
  @Test func aSwiftStageOfAnInstalledProgramNamesItsPackage() async throws {
    let bare = try await program.run("install", "--prefix", folder.path + "/usr")
    #expect(bare.code == 0, "\(bare.errors)")
    var installed = program
    installed.executable = folder.path + "/usr/bin/docintake"
    installed.wrapper = ["/usr/bin/env", "-C", folder.path + "/usr"]
    for package in [[], ["--package", "../none"]] {
      let result = try await installed.start(["stages", "new", "one"] + package).wait()
      #expect(result.code == 2)
      #expect(result.errors.contains("give --package with the folder"), "\(result.errors)")
    }
    let sources = folder.folder("sources")
    folder.write("sources/Package.swift", "")
    let made = try await installed.run("stages", "new", "one", "--package", "../sources")
    #expect(made.code == 0, "\(made.errors)")
    #expect(made.output.hasPrefix("one/Package.swift\n"), "\(made.output)")
    let path = folder.path + "/usr/one/Package.swift"
    let text = String(
      decoding: try Descriptor.open(path).wholeFile(atMost: 1 << 20), as: UTF8.self)
    #expect(text.contains(#".package(path: "\#(sources)")"#), "\(text)")
    #expect(text.contains(#"package: "sources""#))
  }

  @Test func aPrintedPlanWritesNumbersAsNumbers() async throws {
    let result = try await program.run(
      "run", "m.csv", "--to", "sandbox", "--set", "shrink.edge=1600", "--set",
      "submit.timeout=2.5", "--print-plan")
    #expect(result.output.contains(#""edge":1600"#), "\(result.output)")
    #expect(result.output.contains(#""timeout":2.5"#), "\(result.output)")
    let plan = folder.write("plan.json", result.output)
    let again = try await program.run("run", "m.csv", "--to", plan, "--print-plan")
    #expect(again.code == 0, "\(again.errors)")
  }

  @Test(arguments: [
    ["run"], ["check"], ["reconcile"], ["sandbox"], ["report"], ["stages", "new"],
    ["stages", "check"], ["ledger", "show"], ["customer", "get"],
  ])
  func noLineOfHelpIsWiderThanATerminal(words: [String]) async throws {
    let help = try await program.start(words + ["--help"]).wait().output
    let wide = help.split(separator: "\n").filter { $0.count > 110 }
    #expect(wide.isEmpty, "\(wide)")
  }
}
