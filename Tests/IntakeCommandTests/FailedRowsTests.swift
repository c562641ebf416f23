import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// `--failed`: the rows that were not accepted, as a manifest to correct.
@Suite(.timeLimit(.minutes(20)))
struct FailedRowsTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private var failed: String { folder.path + "/failed.csv" }

  init() { folder.write("scan.jpg", TinyScan.bytes) }

  private func text(_ path: String) -> String {
    let bytes = (try? Descriptor.open(path).wholeFile(atMost: 1 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  private func lines(_ path: String) -> [String] {
    text(path).split(separator: "\n").map(String.init)
  }

  /// The manifest that a bank's branch sends: other names, another delimiter, a column of its own, quotes.
  private let branch = #"""
    id;E-Mail;fn;ln;addr;dob;front;Note
    1;canary-1@example.com;Zanzibar;Quetzal;"1 Xylophone Way; Flat ""B""";19830417;scan.jpg;keep
    2;canary-2@example.com;Zanzibar;Quetzal;2 Xylophone Way;19831317;scan.jpg;"a; note"
    3;canary-3@example.com;Zanzibar;Quetzal;3 Xylophone Way;19830417;gone.jpg; spaced
    4;canary-4@example.com;Zanzibar
    5;canary-5@example.com;Zan"zibar;Quetzal;5 Xylophone Way;19830417;scan.jpg;
    6;canary-6@example.com;Zanzibar;"Quetzal ""6""";6 Xylophone Way;1983;scan.jpg;
    7;canary-7@example.com;Zanzibar;Quetzal;7 Xylophone Way;19830417;scan.jpg;
    """#

  private func runBranch(_ manifest: String, _ more: String...) throws -> Program.Result {
    try program.start(
      [
        "run", manifest, "--to", "sandbox", "--map", "E-Mail=email", "--ignore-column", "Note",
      ] + more
    ).wait()
  }

  @Test func itHasTheRowsAsTheManifestHasThemAndInItsOrder() throws {
    let manifest = folder.write("branch.csv", branch + "\n")
    let result = try runBranch(manifest, "--failed", failed)
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 2, "rejected": 5])
    #expect(result.errors.contains("5 rows that were not accepted: \(failed)"), "\(result.errors)")
    let rows = lines(failed)
    let given = branch.split(separator: "\n").map(String.init)
    try #require(rows.count == 6)
    #expect(rows[0] == given[0] + ";reason;hint;next")
    for (row, source) in zip(rows.dropFirst(), [given[2], given[3], given[4]]) {
      #expect(row.hasPrefix(source + ";"), "\(row)")
    }
    // What cannot be split into cells is one cell, so it is refused again until somebody corrects it.
    #expect(rows[4].hasPrefix(#""5;canary-5@example.com;Zan""zibar;"#), "\(rows[4])")
    #expect(rows[5].hasPrefix(given[6] + ";"), "\(rows[5])")
    #expect(rows[1].contains("invalid_value: "))
    #expect(rows[2].contains("file_not_found: "))
    #expect(rows.dropFirst().allSatisfy { $0.hasSuffix(";correct and run again") })
    #expect(try AppendOnlyFile.open(failed, .reading).permissions() == 0o600)
    for canary in CustomerBatch.canaries {
      #expect(!(result.output + result.errors).contains(canary))
    }
  }

  @Test func correctedInPlaceItIsTheNextManifest() throws {
    let manifest = folder.write("branch.csv", branch + "\n")
    #expect(try runBranch(manifest, "--failed", failed).code == 3)
    let again = folder.path + "/again.csv"
    let corrected = text(failed).replacing("19831317", with: "19831213")
      .replacing("gone.jpg", with: "scan.jpg")
    folder.write("failed.csv", corrected)
    let second = try runBranch(failed, "--failed", again)
    #expect(second.outcomes == ["accepted": 2, "rejected": 3], "\(second.errors)")
    for note in ["reason", "\"hint\"", "\"next\""] {
      #expect(!second.errors.contains(note), "\(second.errors)")
    }
    // The notes of the first run give way to those of the second.
    let rows = lines(again)
    #expect(rows.first == lines(failed).first)
    #expect(rows.last?.hasPrefix(#"6;canary-6@example.com;Zanzibar;"Quetzal ""6""";6 "#) == true)
    #expect(rows.last?.split(separator: ";").count { $0 == "correct and run again" } == 1)
  }

  /// A script that repeats its command must not end with 2 because the first run left rows.
  @Test func theSameCommandAgainWritesItsRowsBesideThoseOfTheFirst() throws {
    let manifest = folder.write("branch.csv", branch + "\n")
    folder.write("failed.csv", "mine")
    for number in 2...3 {
      let path = folder.path + "/failed-\(number).csv"
      let result = try runBranch(manifest, "--failed", failed)
      #expect(result.code == 3 && result.errors.contains(path), "\(result.errors)")
      #expect(lines(path).first?.hasSuffix("reason;hint;next") == true)
    }
    #expect(text(failed) == "mine")
  }

  @Test(arguments: ["/dev/null", "/tmp", "/nowhere/failed.csv"])
  func whereNoFileCanBeNothingIsSent(_ path: String) throws {
    let result = try runBranch(folder.write("branch.csv", branch + "\n"), "--failed", path)
    #expect(result.code == 2 && result.output.isEmpty, "\(result.errors)")
  }

  @Test func inAnotherFolderItSaysWhereTheImagesAre() throws {
    let manifest = folder.write("branch.csv", branch + "\n")
    let elsewhere = folder.folder("elsewhere") + "/failed.csv"
    let result = try runBranch(manifest, "--failed", elsewhere)
    #expect(
      result.errors.contains("with the same options and --images-root \(folder.path)\n"),
      "\(result.errors)")
    #expect(!(try runBranch(manifest, "--failed", failed)).errors.contains("and --images-root"))
  }

  @Test func thereIsNoFileWhereEveryRowWasAccepted() throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let result = try program.run(
      "run", batch.manifest, "--to", "sandbox", "--failed", failed)
    #expect(result.code == 0, "\(result.errors)")
    #expect(!folder.files().contains { $0.contains("failed") || $0.contains("draft") })
  }

  @Test(arguments: [["check"], ["run", "--dry-run"]])
  func itIsWrittenWhereNothingIsSent(_ command: [String]) throws {
    let batch = CustomerBatch(rows: 40, in: folder)
    batch.write { number, cells in if number % 3 == 0 { cells[5] = "19831317" } }
    let result = try program.start(
      command + [batch.manifest, "--to", "dcams", "--failed", failed]
    ).wait()
    #expect(result.code == 3, "\(result.errors)")
    let ids = lines(failed).dropFirst().compactMap { $0.split(separator: ",").first }
    #expect(ids.map(String.init) == stride(from: 0, to: 40, by: 3).map(CustomerBatch.id))
  }

  /// Excel takes UTF-8 without a mark for another encoding, and shows whoever corrects the rows other letters.
  @Test(arguments: ["utf-8", "utf-8 with a mark", "utf-16", "windows-1252", "ascii"])
  func itHasAByteOrderMarkUnlessTheManifestWasUTF8WithoutOne(encoding: String) throws {
    let name = encoding == "ascii" ? "Zoe" : "Zoë"
    let text =
      "id,email,fn,ln,addr,dob,front\n"
      + "1,canary-1@example.com,\(name),Quetzal,1 Xylophone Way,19831317,scan.jpg\n"
    let mark = "\u{FEFF}"
    let bytes: [UInt8] =
      switch encoding {
      case "utf-8 with a mark": Array((mark + text).utf8)
      case "utf-16":
        (mark + text).utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
      case "windows-1252": text.unicodeScalars.map { UInt8($0.value) }
      default: Array(text.utf8)
      }
    let fixed = folder.path + "/fixed.csv"
    let result = try program.run(
      "check", folder.write("batch.csv", bytes), "--to", "dcams", "--failed", failed, "--fix",
      fixed)
    #expect(result.code == 3, "\(result.errors)")
    for path in [failed, fixed] {
      let written = self.text(path)
      #expect(written.utf8.starts(with: mark.utf8) == !["utf-8", "ascii"].contains(encoding))
      #expect(written.contains(",\(name),Quetzal,"))
      folder.write("again.csv", written.replacing("19831317", with: "19831213"))
      let again = try program.run("check", folder.path + "/again.csv", "--to", "dcams")
      #expect(again.code == 0, "\(again.errors)")
    }
  }

  @Test func ofJSONLinesItHasTheColumnsThatTheRowsHave() throws {
    let manifest = folder.write(
      "batch.jsonl",
      """
      {"id":"1","email":"canary-1@example.com","fn":"Zan, zibar","ln":"Quetzal","dob":"19831317","front":"scan.jpg"}
      {"id":"2","email":"canary-2@example.com","fn":"Zanzibar","ln":"Quetzal","dob":"19830417","front":"scan.jpg"}
      {"id":"3","email":"canary-3@example.com","city":"Oslo","fn":"Zanzibar","dob":"1983","front":"scan.jpg"}
      {"id":"4","email":

      """)
    let result = try program.run("run", manifest, "--to", "sandbox", "--failed", failed)
    #expect(result.code == 3, "\(result.errors)")
    let rows = lines(failed)
    try #require(rows.count == 4)
    #expect(rows[0] == "id,email,fn,ln,dob,front,city,reason,hint,next")
    #expect(rows[1].hasPrefix(#"1,canary-1@example.com,"Zan, zibar",Quetzal,19831317,scan.jpg,,"#))
    #expect(rows[2].hasPrefix("3,canary-3@example.com,Zanzibar,,1983,scan.jpg,Oslo,"))
    #expect(rows[3].hasPrefix(#""{""id"":""4"",""email"":","#), "\(rows[3])")
    let corrected = text(failed).replacing("19831317", with: "19831213")
    folder.write("failed.csv", corrected)
    let second = try program.run("run", failed, "--to", "sandbox")
    #expect(second.outcomes == ["accepted": 1, "rejected": 2], "\(second.errors)")
  }

  @Test func whatToDoDependsOnWhatBecameOfTheRow() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1", "400@2"])
    let batch = CustomerBatch(rows: 3, in: folder)
    let first = try await program.start(
      batch.arguments(
        sandbox, "--failed", failed, "--ambiguous", "hold", "--concurrency", "1", "--workers", "1")
    ).wait()
    #expect(first.code == 5, "\(first.errors)")
    let rows = lines(failed)
    try #require(rows.count == 3)
    // Which of the three rows is sent first is nobody's business.
    #expect(rows.dropFirst().count { $0.contains(",\"settle: ") } == 1, "\(rows)")
    #expect(rows.dropFirst().count { $0.hasSuffix(",correct and run again") } == 1, "\(rows)")
    let accepted = try #require(first.rows.first { $0["outcome"]?.string == "accepted" })
    batch.write { number, cells in
      if CustomerBatch.id(number) == accepted["id"]?.string { cells[4] = "9 Xylophone Way" }
    }
    let changed = folder.path + "/changed.csv"
    let second = try await program.start(
      batch.arguments(sandbox, "--failed", changed, "--settle-after", "0")
    ).wait()
    #expect(second.code == 3, "\(second.errors)")
    try #require(lines(changed).count == 2)
    #expect(lines(changed)[1].contains("changed_after_acceptance: "))
    #expect(lines(changed)[1].contains("--resubmit-changed"))
  }

  @Test func aRunThatStopsWritesWhatItKnows() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["401@2-"])
    let batch = CustomerBatch(rows: 12, in: folder)
    let result = try await program.start(
      batch.arguments(sandbox, "--failed", failed, "--concurrency", "1")
    ).wait()
    #expect(result.code == 4, "\(result.errors)")
    let reported = result.rows.compactMap { row -> Int? in
      row["outcome"]?.string == "accepted" ? nil : row["row"]?.integer
    }
    let written = lines(failed).dropFirst().compactMap {
      $0.split(separator: ",").first?.dropFirst(2)
    }.compactMap { Int($0).map { $0 + 2 } }
    #expect(!written.isEmpty)
    #expect(written == reported.sorted())
    #expect(lines(failed).dropFirst().allSatisfy { $0.hasSuffix(",run again") })
  }
}
