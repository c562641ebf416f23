import Glibc
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

  @Test func theDraftOfAProcessWithTheSameNumberIsLeftAlone() throws {
    let (path, foreign) = (folder.path + "/a", folder.path + "/a.\(getpid()).draft")
    Bytes.write([1], to: foreign)
    try DurableFile.create(path, [2])
    try DurableFile.replace(path, [3])
    #expect(Bytes.read(path) == [3] && Bytes.read(foreign) == [1])
  }

  @Test func manyCreateOneFileAndOneOfThemDoes() async throws {
    for round in 0..<50 {
      let path = folder.path + "/\(round)"
      let made = await withTaskGroup(of: UInt8?.self) { group in
        for number in UInt8(1)...8 {
          group.addTask {
            do throws(SystemCallFailure) {
              try DurableFile.create(path, [UInt8](repeating: number, count: 1000))
              return number
            } catch {
              #expect(error.code == SystemCallFailure.exists)
              return nil
            }
          }
        }
        return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
      }
      #expect(made.count == 1)
      #expect(Bytes.read(path) == made.flatMap { [UInt8](repeating: $0, count: 1000) })
    }
    #expect(folder.names().count == 50)
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
