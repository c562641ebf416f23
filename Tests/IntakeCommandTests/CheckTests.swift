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
