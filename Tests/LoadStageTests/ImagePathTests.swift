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

  @Test func theSameFileOnBothSidesIsRefused() async throws {
    let loaded = try await Workshop.load("id,front,back\n1,a.jpg,a.jpg\n")
    #expect(loaded.codes == ["2 invalid_value"])
  }

  /// The failure, or nothing, that reading a path gives; both ways of opening agree on whether it opens.
  private func code(_ path: String, in workshop: Workshop, limit: Int = 100) throws -> FailureCode?
  {
    let file = ImagePath(text: path, side: .front).file(in: try Folder(workshop.path))
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
    .timeLimit(.minutes(5)),
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
    ("A.JPG", "upper and lower case"), ("a.png", "another extension"),
    ("inner/c.jpg", "similar name"), ("inner\\b.jpg", "with / instead"),
    ("completely-different.jpg", "check the path"),
  ])
  func aMissingFileSaysWhatIsThereWithoutNamingIt(path: String, hint: String) throws {
    let workshop = try scans()
    let file = ImagePath(text: path, side: .back).file(in: try Folder(workshop.path))
    let failure = #expect(throws: StageFailure.self) { try file.read(atMost: 100) }
    #expect(failure?.hint.contains(hint) == true, "\(failure?.hint ?? "")")
    #expect(failure?.hint.contains("b.jpg") == false && failure?.hint.contains("a.jpg") == false)
  }
}
