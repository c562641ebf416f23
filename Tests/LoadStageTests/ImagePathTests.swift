import CSystem
import IntakeCore
import IntakeSystem
import Testing

@testable import LoadStage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct ImagePathTests {
  @Test(arguments: [
    "/etc/passwd", "//host/share/a.jpg", "~/a.jpg", "~root/a.jpg", "file:///etc/passwd",
    "FILE:a.jpg",
    "https://example.com/a.jpg", "../a.jpg", "a/../../b.jpg", "./../a.jpg", "..",
    "C:\\scans\\a.jpg",
    "\\\\host\\a.jpg",
  ])
  func pathsThatLeadOutAreRefusedWithTheRow(path: String) async throws {
    let loaded = try await Workshop.load("id,front\n1,\(path)\n")
    #expect(loaded.codes == ["2 path_outside_root"])
    let failure = try #require(loaded.failures.first?.first)
    #expect(failure.file == path && failure.side == .front)
    #expect(!failure.detail.contains(path) || path == "..")
  }

  @Test(arguments: [
    ("a.jpg", "a.jpg", true), ("inner/a.jpg", "./inner//a.jpg", true),
    ("inner/../a.jpg", "a.jpg", true), ("a.jpg", "A.JPG", true),
    ("inner\\a.jpg", "inner/a.jpg", true),
    ("a.jpg", "inner/a.jpg", false), ("b.jpg", "B.jpg", false),
    ("inner/a.jpg", "inner/../a.jpg", false),
  ])
  func theSameFileOnBothSidesIsRefused(front: String, back: String, isSame: Bool) async throws {
    let workshop = Workshop()
    mkdir(workshop.path + "/inner", 0o700)
    for (size, name) in ["a.jpg", "inner/a.jpg", "b.jpg", "B.jpg"].enumerated() {
      workshop.write(name, String(repeating: "x", count: size + 1))
    }
    let loaded = try await workshop.load(text: "id,front,back\n1,\(front),\(back)\n".utf8)
    #expect(loaded.codes == (isSame ? ["2 invalid_value"] : []))
  }

  @Test(arguments: [
    ("a.pdf,a.pdf", "1 2"), ("a.pdf,./a.pdf", "1 2"), ("A.TIFF,A.TIFF", "1 2"),
    ("a.pdf#page=3,a.pdf", "3 1"),
    ("a.pdf,b.pdf", "1 1"), ("a.pdf#page=2,a.pdf#page=1", "2 1"),
    ("a.pdf,a.pdf#page=1", "invalid_value"), ("a.jpg#page=1,a.jpg", "invalid_value"),
    ("a.pdf#page=0,b.jpg", "1 1"), ("odd#page=2,a.pdf#page=10000", "1 1"),
  ])
  func aPageOfADocumentIsUnderstood(cells: String, pages: String) async throws {
    let workshop = Workshop()
    workshop.write("odd#page=2", "a file may be called that")
    let loaded = try await workshop.load(text: "id,front,back\n1,\(cells)\n".utf8)
    let row = try #require(loaded.rows.first)
    let found = row.failures.first?.code.rawValue
    #expect((found ?? row.record.images.map { "\($0.page)" }.joined(separator: " ")) == pages)
  }

  @Test(arguments: [
    ("{id}-front.*", "C-1", "C-1-FRONT.JPG"), ("{ID}.jpg", "C-1", "names a column"),
    ("{id}-front.*", "c-1", "C-1-FRONT.JPG"), ("{id}-f*t.j?g", "C-1", "C-1-FRONT.JPG"),
    ("{id}.*", "C-1", "file_not_found"), ("{id}*", "C-1", "ambiguous_file"),
    ("{id}*.jpg", "C-1", "C-1-FRONT.JPG"), ("*{id}-f*", "0", "file_not_found"),
    ("*{id}-f*", "10", "C-10-front.jpg"), ("{id}?-f*", "C-1", "C-10-front.jpg"),
    ("{id}/a.*", "C-1", "file_not_found"), ("inner/{id}.jpg", "any", "inner/any.jpg"),
    ("{id}.*", "a/b", "invalid_value"), ("{id}.*", "..", "invalid_value"),
    ("{id}.*", "[x]*", "[x]*.png"), ("{email}.*", "C-1", "missing_value"),
    ("{id}_?.*", "Ñandú", "n\u{303}andu\u{301}_1.jpg"), ("{id}.*", "inner", "file_not_found"),
    ("a.jpg", "C-1", "needs a column"), ("*/{id}.jpg", "C-1", "in the name of the file only"),
    ("{id", "C-1", "lacks a }"), ("{front}.jpg", "C-1", "names a column"),
  ])
  func aScanIsFoundByItsRow(pattern: String, id: String, answer: String) async throws {
    let workshop = Workshop()
    for name in [
      "C-1-FRONT.JPG", "c-1-back.png", "C-10-front.jpg", "[x]*.png", "n\u{303}andu\u{301}_1.jpg",
      ".C-1-front.jpg",
    ] { workshop.write(name, "x") }
    mkdir(workshop.path + "/inner", 0o700)
    do {
      let loaded = try await workshop.load(
        text: #"{"id":"\#(id)"}"#.utf8 + [10], as: "a.jsonl", ["front": .text(pattern)])
      let row = try #require(loaded.rows.first)
      let found = row.failures.first?.code.rawValue ?? row.record.images.first?.path
      #expect(found == answer && row.failures.count <= 1)
    } catch let error as OptionError {
      #expect(error.option == "front" && error.description.contains(answer))
    }
  }

  @Test func aCellWinsOverThePatternAndWhatNoRowNamesIsListed() async throws {
    let workshop = Workshop()
    for name in ["1-front.jpg", "1-back.jpg", "other.jpg", "left.JPG", "notes.txt", ".hidden.jpg"] {
      workshop.write(name, "x")
    }
    let loaded = try await workshop.load(
      text: "id,front,back\n1,,other.jpg\n".utf8,
      [
        "front": .text("{id}-front.*"), "back": .text("{id}-back.*"), "unused-files": .flag(true),
      ])
    let images = loaded.rows.first?.record.images.map(\.path)
    #expect(images == ["1-front.jpg", "other.jpg"])
    #expect(loaded.notices.contains("2 files are named by no row: 1-back.jpg, left.JPG"))
  }

  @Test(arguments: [
    ("a.jpg,|b.jpg,|c.jpg,", nil), ("a.jpg,b.jpg|c.jpg,B.JPG", "1 cell names (line 3, back)"),
    ("a.jpg,|a.jpg,b.jpg|,b.jpg", "2 cells name (first: line 3, front)"),
    ("a.jpg,a.jpg|b.jpg,", nil),
    ("a.pdf,a.pdf|a.pdf#page=3,a.pdf#page=4", nil),
    ("a.pdf,a.pdf|a.pdf#page=2,", "1 cell names (line 3, front)"),
    ("gone.jpg,|gone.jpg,", "1 cell names (line 3, front)"),
  ])
  func rowsThatNameTheScanOfAnEarlierOneAreCounted(rows: String, warning: String?) async throws {
    let workshop = Workshop()
    for name in ["a.jpg", "b.jpg", "c.jpg", "a.pdf"] { workshop.write(name, "x") }
    let lines = rows.split(separator: "|").enumerated().map { "\($0),\($1)\n" }
    let loaded = try await workshop.load(
      text: ("id,front,back\n" + lines.joined()).utf8, ["unused-files": .flag(true)])
    let words = "the scan of an earlier row: is it this customer's? "
    #expect(loaded.warnings.map { $0.replacing(words, with: "") } == [warning].compactMap(\.self))
  }

  @Test(arguments: ["./a.jpg", "scans/../a.jpg", ".//a.jpg"])
  func aFileIsNamedInWhateverWayItsPathIsWritten(path: String) async throws {
    let workshop = Workshop()
    mkdir(workshop.path + "/scans", 0o700)
    for name in ["a.jpg", "b.jpg", "scans/c.jpg", "scans/d.jpg"] { workshop.write(name, "x") }
    let loaded = try await workshop.load(
      text: "id,front,back\n1,\(path),scans/c.jpg\n2,b.jpg,./scans//c.jpg\n".utf8,
      ["unused-files": .flag(true)])
    #expect(loaded.notices == ["1 file is named by no row: scans/d.jpg"])
  }

  /// The failure, or nothing, that reading a path gives; both ways of opening agree on whether it opens.
  private func code(_ path: String, in workshop: Workshop, limit: Int = 100) throws -> FailureCode?
  {
    let file = try workshop.scan(path)
    do {
      _ = try file.read(atMost: limit)
      return nil
    } catch let failure as StageFailure {
      #expect(failure.file == path && !failure.detail.contains(path))
      return failure.code
    }
  }

  private func scans() throws -> Workshop {
    let workshop = Workshop()
    workshop.write("a.jpg", "front")
    workshop.write("empty.jpg", "")
    mkdir(workshop.path + "/inner", 0o700)
    workshop.write("inner/b.jpg", "back")
    symlink("a.jpg", workshop.path + "/inside.jpg")
    symlink("../a.jpg", workshop.path + "/inner/up.jpg")
    symlink("inner", workshop.path + "/folder")
    symlink("/etc/hostname", workshop.path + "/absolute.jpg")
    symlink("../../../../../../etc/hostname", workshop.path + "/climbing.jpg")
    symlink("/etc", workshop.path + "/etc")
    symlink("loop.jpg", workshop.path + "/loop.jpg")
    symlink("nothing.jpg", workshop.path + "/dangling.jpg")
    mkfifo(workshop.path + "/pipe.jpg", 0o600)
    return workshop
  }

  @Test(
    .timeLimit(.minutes(20)),
    arguments: [
      ("a.jpg", nil), ("inner/b.jpg", nil), ("inner/../a.jpg", nil), ("./a.jpg", nil),
      ("inside.jpg", nil), ("inner/up.jpg", nil), ("folder/b.jpg", nil), ("folder/../a.jpg", nil),
      ("absolute.jpg", .pathOutsideRoot), ("climbing.jpg", .pathOutsideRoot),
      ("etc/hostname", .pathOutsideRoot), ("loop.jpg", .pathOutsideRoot),
      ("dangling.jpg", .fileNotFound), ("none.jpg", .fileNotFound), ("a.jpg/b.jpg", .fileNotFound),
      ("pipe.jpg", .notRegularFile), ("inner", .notRegularFile), (".", .notRegularFile),
      ("empty.jpg", .notAnImage), (String(repeating: "n", count: 300), .fileUnreadable),
    ] as [(String, FailureCode?)])
  func filesAreReadBeneathTheRootOnly(path: String, expected: FailureCode?) throws {
    let workshop = try scans()
    #expect(try code(path, in: workshop) == expected)

    let root = open(workshop.path, O_RDONLY | O_DIRECTORY)
    defer { close(root) }
    let (kernel, byHand) = (
      csystem_open_beneath(root, path), csystem_open_beneath_portably(root, path)
    )
    #expect((kernel >= 0) == (byHand >= 0))
    if kernel >= 0 { close(kernel) }
    if byHand >= 0 { close(byHand) }
  }

  @Test func devicesAndProcessFilesAreRefused() throws {
    let devices = try Folder("/dev")
    for name in ["null", "zero"] {
      #expect(throws: FileFailure.notRegular("a device")) { try devices.read(name, atMost: 10) }
    }
    // Says that it has 0 bytes and then gives some, or gives none at all.
    let process = try Folder("/proc/self")
    #expect((try? process.read("environ", atMost: 1_000_000))?.isEmpty ?? true)
  }

  @Test func sizesAreCheckedBeforeReading() throws {
    let workshop = try scans()
    #expect(try code("a.jpg", in: workshop, limit: 5) == nil)
    #expect(try code("a.jpg", in: workshop, limit: 4) == .fileTooLarge)
    #expect(truncate(workshop.path + "/a.jpg", 10_000_000_000) == 0)
    #expect(try code("a.jpg", in: workshop, limit: 20_000_000) == .fileTooLarge)
  }

  @Test(.enabled(if: geteuid() != 0, "root reads everything"))
  func aFileWithoutPermissionIsUnreadable() throws {
    let workshop = try scans()
    chmod(workshop.path + "/a.jpg", 0)
    #expect(try code("a.jpg", in: workshop) == .fileUnreadable)
  }

  @Test(arguments: [
    ("a.png", "a.jpg"), ("inner/c.jpg", nil), ("inner\\b.jpeg", "inner/b.jpg"),
    ("completely-different.jpg", nil), ("nowhere/a.jpg", nil),
  ])
  func aMissingFileSaysWhatIsThere(path: String, similar: String?) throws {
    let workshop = try scans()
    let file = try workshop.scan(path)
    let failure = #expect(throws: StageFailure.self) { try file.read(atMost: 100) }
    #expect(failure?.similar == similar)
    // Names of files may be names of people, and these two go into logs.
    #expect(failure?.detail.contains(".jpg") == false && failure?.hint.contains(".jpg") == false)
  }

  @Test(arguments: [
    ("10017_V.jpg", nil), ("10007-v.jpeg", "10007_V.jpg"), ("10007 vv.jpg", "10007_V.jpg"),
    ("10007V.jp2", "10007_V.jpg"), ("1000_7_V.jpg", nil), ("0010007_V.jpg", nil), ("V.jpg", nil),
    ("IMG.10018", nil), ("IMGE.10017", "IMG.10017"), ("Renee 3.jpg", "Renée 3.jpg"),
  ])
  func theScanOfAnotherNumberIsNeverMeant(path: String, similar: String?) throws {
    let workshop = Workshop()
    for name in ["10007_V.jpg", "IMG.10017", "Renée 3.jpg"] { workshop.write(name, "x") }
    let file = try workshop.scan(path)
    let failure = #expect(throws: StageFailure.self) { try file.read(atMost: 100) }
    #expect(failure?.similar == similar)
  }

  @Test(arguments: [
    ("{id}-front.*", "C-1", "C-1_vorn.jpg"), ("{id}-front.*", "C-", nil),
    ("{id}-front.*", "C", nil),
    ("{reference}-{id}.*", "Jo", nil), ("{reference}-{id}.*", "Joan", "Lee-Joan_f.jpg"),
    ("{id}.*", "Leed", nil),
  ])
  func theScanOfARowThatBeginsAlikeIsNeverMeant(pattern: String, id: String, similar: String?)
    async throws
  {
    let workshop = Workshop()
    for name in ["C-1_vorn.jpg", "C-10-front.png", "Lee-Joan_f.jpg", "Leeds_f.jpg"] {
      workshop.write(name, "x")
    }
    let loaded = try await workshop.load(
      text: "id,reference\n\(id),Lee\n".utf8, ["front": .text(pattern)])
    let failure = try #require(loaded.failures.first?.first)
    #expect(failure.code == .fileNotFound && failure.similar == similar)
  }

  @Test(arguments: [
    ("dangling.jpg", "front: it is a link to a file that isn't there"),
    ("loop.jpg", "front: a link on the path leads back to itself"),
  ])
  func aLinkThatLeadsNowhereSaysSo(path: String, detail: String) throws {
    let workshop = try scans()
    let file = try workshop.scan(path)
    let failure = #expect(throws: StageFailure.self) { try file.read(atMost: 100) }
    #expect(failure?.detail == detail && failure?.similar == nil)
    #expect(failure?.hint == "name the scan itself, or put the link right")
  }

  @Test(arguments: [
    ("inner\\b.jpg", "inner/b.jpg"), (".\\inner\\b.jpg", "./inner/b.jpg"), ("A.JPG", "a.jpg"),
    ("INNER/B.jpg", "inner/b.jpg"), ("ROOT/a.jpg", "a.jpg"),
    ("file://ROOT/inner/b.jpg", "inner/b.jpg"),
    ("file://localhostROOT/a.jpg", "a.jpg"), ("FILE://ROOT/inner%2Fb.jpg", "inner/b.jpg"),
    ("RENE\u{301}E.jpg", "Renée.jpg"), ("rene\u{301}e.JPG", "Renée.jpg"),
    ("back\\slash.jpg", "back\\slash.jpg"),
  ])
  func pathsOfOtherProgramsAreUnderstood(path: String, location: String) throws {
    let workshop = try scans()
    workshop.write("Renée.jpg", "front")
    workshop.write("back\\slash.jpg", "front")
    let given = path.split(separator: "ROOT", omittingEmptySubsequences: false)
      .joined(separator: workshop.path)
    let file = try workshop.scan(given)
    #expect(try !file.read(atMost: 100).isEmpty)
    #expect(file.location.utf8.elementsEqual(location.utf8))
    #expect(file.stamp != nil && file.path == given)
  }

  @Test func whatTwoFilesAreLikeIsNotTaken() throws {
    let workshop = try scans()
    for name in ["x.jpg", "X.JPG"] { workshop.write(name, name) }
    #expect(throws: StageFailure.self) { try workshop.scan("X.jpg").read(atMost: 100) }
    #expect(try workshop.scan("X.JPG").read(atMost: 100) == Array("X.JPG".utf8))
  }

  @Test(arguments: [
    "ROOT/../x.jpg", "ROOTx/a.jpg", "inner\\..\\..\\x.jpg", "file://host/a.jpg", "D:\\scans\\a.jpg",
    "C:/scans/a.jpg",
  ])
  func whatLeadsOutIsRefusedInTheFormsOfOtherProgramsToo(path: String) async throws {
    let workshop = try scans()
    let given = path.split(separator: "ROOT", omittingEmptySubsequences: false)
      .joined(separator: workshop.path)
    let loaded = try await workshop.load(text: "id,front\n1,\(given)\n".utf8)
    #expect(loaded.codes == ["2 path_outside_root"])
  }
}
