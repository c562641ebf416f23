import IntakeSystem
import Testing

struct DurableFileTests {
  let folder = TemporaryFolder()

  @Test func aFileIsCreatedWholeAndWithoutADraft() throws {
    let path = folder.path + "/a"
    try DurableFile.create(path, Array("content".utf8))
    #expect(Bytes.text(path) == "content")
    #expect(try AppendOnlyFile.open(path, .reading).permissions() == 0o600)
    #expect(folder.names() == ["a"])
  }

  @Test func anExistingFileIsNotReplaced() throws {
    let path = folder.path + "/a"
    try DurableFile.create(path, [1])
    let error = #expect(throws: SystemCallFailure.self) { try DurableFile.create(path, [2]) }
    #expect(error?.code == SystemCallFailure.exists)
    #expect(Bytes.read(path) == [1] && folder.names() == ["a"])
  }

  @Test func appendedBytesAreReadBack() throws {
    let file = try AppendOnlyFile.open(folder.path + "/a", .creating)
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    try file.append(bytes)
    try file.reserve(300_000..<400_000)
    #expect(try file.size() == 300_000)
    #expect(try file.read(at: 1, count: 1 << 20) == Array(bytes[1...]))
    try file.truncate(to: 10)
    #expect(try file.read(at: 0, count: 100) == Array(bytes[..<10]))
  }

  @Test func aRenamedFileIsNoLongerInPlace() throws {
    let path = folder.path + "/a"
    let file = try AppendOnlyFile.open(path, .creating)
    #expect(try file.isInPlace())
    try DurableFile.rename(path, to: folder.path + "/b")
    #expect(try !file.isInPlace())
  }

  @Test(arguments: [("a", "."), ("/a", "/"), ("/a/b", "/a"), ("a/b/c", "a/b")])
  func theFolderOfAPathIsFound(path: String, folder: String) {
    #expect(DurableFile.folder(of: path) == folder)
  }
}
