import IntakeCore
import TestSupport
import Testing

/// `check`: every error of every row in one pass.
@Suite(.timeLimit(.minutes(20)))
struct CheckTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func check(_ row: String, _ more: String...) throws -> Program.Result {
    let header = "id,email,fn,ln,addr,dob,front,back\n"
    folder.write("scan.jpg", TinyScan.bytes)
    folder.write("page.jpg", Array("<!DOCTYPE html><p>not an image</p>".utf8))
    let manifest = folder.write("rows.csv", header + row + "\n")
    return try program.start(["check", manifest, "--to", "dcams"] + more).wait()
  }

  private func problems(_ row: JSONValue?) -> [String] {
    let further = row?["further"]?.elements ?? []
    return ([row].compactMap { $0 } + further).map {
      "\($0["code"]?.string ?? "?") \($0["column"]?.string ?? $0["side"]?.string ?? "?")"
    }
  }

  @Test func cellsMissingValuesAndImagesAreToldTogether() throws {
    let result = try check("A,,Ann,Lee,1 Elm,19900231,nowhere.jpg,page.jpg")
    #expect(result.code == 3, "\(result.errors)")
    #expect(
      problems(result.rows.first) == [
        "invalid_value dob", "missing_value email", "file_not_found front",
        "unsupported_format back",
      ])
  }

  /// Whoever followed such a hint would send the identity card of somebody else.
  @Test func theScanOfAnotherCustomerIsNotOffered() throws {
    folder.write("10007_V.jpg", TinyScan.bytes)
    let result = try check("A,a@example.com,Ann,Lee,1 Elm,19900228,10017_V.jpg,")
    #expect(problems(result.rows.first) == ["file_not_found front"])
    #expect(!result.errors.contains("there is 10007"), "\(result.errors)")
    #expect(result.rows.first?["hint"]?.string?.contains("10007") == false)
    let meant = try check("A,a@example.com,Ann,Lee,1 Elm,19900228,10007-v.jpeg,")
    #expect(meant.errors.contains("→ there is 10007_V.jpg: correct"), "\(meant.errors)")
  }

  /// Where paths start depends on the command line, and a missing scan is how one learns it.
  @Test(arguments: [
    ([], "the manifest's folder; --images-root DIR names another"),
    (["--images-root", "."], "the folder of --images-root"),
    (
      ["-"],
      "the current folder, as the manifest is standard input; --images-root DIR names another"
    ),
    (["-", "--images-root", "."], "the folder of --images-root"),
  ])
  func aMissingScanSaysWhereItsPathStarts(words: [String], place: String) async throws {
    let manifest = folder.write("rows.csv", "id,email,front\nA,a@example.com,gone.jpg\n")
    let isInput = words.first == "-"
    let result = try await program.start(
      ["check"] + (isInput ? words : [manifest] + words) + ["--to", "dcams"],
      input: isInput ? manifest : "/dev/null"
    ).wait()
    let hint = result.rows.first?["hint"]?.string
    #expect(hint == "check the path: it is relative to " + place, "\(result.errors)")
  }

  @Test func aScanThatTwoRowsNameIsAWarning() throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    folder.write("own.jpg", TinyScan.bytes)
    batch.write { number, cells in if number == 1 { cells[6] = "own.jpg" } }
    let result = try program.run("check", batch.manifest, "--to", "dcams")
    #expect(result.code == 0, "\(result.errors)")
    #expect(
      result.errors.contains("warning: 1 cell names the scan of an earlier row: "),
      "\(result.errors)")
    #expect(result.errors.contains("(line 4, front)"), "\(result.errors)")
  }

  @Test func aCheckThatStopsEarlyKnowsNoFilesThatNoRowNames() throws {
    let manifest = folder.write(
      "two.csv", "email,front\na@example.com,scan.jpg\nb@example.com,own.jpg\n")
    for name in ["scan.jpg", "own.jpg", "left.jpg"] { folder.write(name, TinyScan.bytes) }
    let part = try program.run("check", manifest, "--to", "dcams", "--limit", "1")
    #expect(part.code == 0 && !part.errors.contains("named by no row"), "\(part.errors)")
    let all = try program.run("check", manifest, "--to", "dcams")
    #expect(all.errors.contains("1 file is named by no row: left.jpg"), "\(all.errors)")
  }

  /// A script sees the side in the detail, and a person doesn't see it twice.
  @Test(arguments: [
    ("page.jpg", "front: the file is HTML, not JPEG or PNG"),
    ("nowhere.jpg", "front: there is no such file"),
    ("short.jpg", "front: the JPEG ends early, after 100 bytes"),
  ])
  func aDetailNamesItsSideOnce(file: String, detail: String) throws {
    folder.write("short.jpg", Array(TinyScan.bytes.prefix(100)))
    let row = "A,a@example.com,Ann,Lee,1 Elm,19900228,\(file),"
    let listed = try check(row)
    #expect(listed.rows.first?["detail"]?.string == detail)
    let code = try #require(listed.rows.first?["code"]?.string)
    #expect(listed.errors.contains("\(code): \(detail) (\(file))\n"), "\(listed.errors)")
    let sent = try program.run("run", folder.path + "/rows.csv", "--to", "sandbox")
    #expect(sent.errors.contains("\(code): \(detail)\n"), "\(sent.errors)")
  }

  @Test func aColumnIsNamedOnce() throws {
    let result = try check("A,not-an-address,Ann,Lee,1 Elm,19900228,../scan.jpg,scan.jpg")
    #expect(problems(result.rows.first) == ["invalid_value email", "path_outside_root front"])
  }

  @Test func aRowWithACellTooManyIsNotReadFurther() throws {
    let result = try check("A,a@example.com,Ann,Lee,1 Elm, Apt 2,19900228,scan.jpg,")
    #expect(result.rows.first?["code"]?.string == "malformed_row")
    #expect(result.rows.first?["further"] == nil)
  }

  @Test func aBodyOverTheLimitIsNotReady() throws {
    // The assembler reckons with the limit for images; the fields alone have to break it.
    let long = String(repeating: "x", count: 900)
    let result = try check(
      "A,a@example.com,\(long),\(long),\(long),19900228,scan.jpg,", "--set", "dcams.max-body=2000")
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.rows.first?["outcome"]?.string == "rejected")
  }

  /// A photo that needs more than half of the room, beside a scan that needs less than half.
  @Test(arguments: [("phone", "small"), ("small", "phone")])
  func whatOneSideDoesNotNeedTheOtherMayHave(front: String, back: String) throws {
    let limit = 330_000
    let header = "id,email,fn,ln,front,back\n"
    let row = "A,a@example.com,Ann,Lee,\(front)-front.jpg,\(back)-back.jpg\n"
    let result = try program.run(
      "check", folder.write("share.csv", header + row), "--to", "dcams", "--images-root",
      Program.samples + "/images", "--set", "assemble.max-body=\(limit)")
    #expect(result.code == 0, "\(result.errors)")
    let ready = try #require(result.rows.first)
    let body = try #require(ready["bodyBytes"]?.integer)
    #expect(body <= limit && body > limit * 9 / 10)
    let images = ["front", "back"].map {
      ready["images"]?[$0]?["sent"]?["bytes"]?.integer ?? 0
    }
    // Half of the room is 123,000 bytes before base64.
    #expect(images.max() ?? 0 > 130_000 && images.min() ?? 0 < 110_000, "\(images)")
  }
}
