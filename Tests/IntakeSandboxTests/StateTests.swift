import IntakeCore
import IntakeSandbox
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite(.timeLimit(.minutes(20)))
struct StateTests {
  /// A directory that is removed with the test.
  final class Folder {
    let path: String

    init() throws {
      var template = Array("/tmp/sandbox-state-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw WireClient.Failure.malformed }
      path = template.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    deinit { Folder.remove(path) }

    var names: [String] { Folder.names(path) }

    static func names(_ path: String) -> [String] {
      guard let directory = opendir(path) else { return [] }
      defer { closedir(directory) }
      var names: [String] = []
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
          String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
      }
      return names.sorted()
    }

    private static func remove(_ path: String) {
      for name in names(path) { remove(path + "/" + name) }
      if rmdir(path) != 0 { unlink(path) }
    }

    /// Permission bits of a file below the folder.
    func mode(_ name: String) -> mode_t {
      var facts = stat()
      return stat(path + "/" + name, &facts) == 0 ? facts.st_mode & 0o777 : 0
    }
  }

  @Test func customersAndImagesOutliveARestart() throws {
    let folder = try Folder()
    let front = Request.png() + [1, 2, 3]
    let state = folder.path + "/state"
    do {
      let box = try TestSandbox { $0.stateDirectory = state }
      _ = try box.post(
        Request.create("Ada@example.com", [("fn", "Ad\"a")], front: front, reference: .integer(7)))
      _ = try box.client.exchange(
        "PUT", "/v1/customers/c-7", NoahTests.key, body: NoahTests.individual())
    }
    let box = try TestSandbox { $0.stateDirectory = state }
    #expect(try box.get("/admin/images/100001/front").body == front)
    let answer = try box.post(Request.body("getStatus", DCAMSStorageTests.email("ada@example.com")))
    #expect(answer.text.contains("\"reference\":7") && answer.text.contains("Ad\\\"a"))
    let noah = try box.client.exchange("GET", "/v1/customers/c-7", NoahTests.key)
    #expect(try noah.json["FullName"]?["LastName"]?.string == "Quill")
    #expect(try box.post(Request.create("new@example.com")).text.contains("&id=100003\""))
  }

  @Test func filesAreForTheirOwnerAlone() throws {
    let folder = try Folder()
    let box = try TestSandbox { $0.stateDirectory = folder.path + "/state" }
    _ = try box.post(Request.create("ada@example.com"))
    #expect(folder.mode("state") == 0o700)
    #expect(folder.mode("state/customers/100001.json") == 0o600)
    let images = Folder.names(folder.path + "/state/images")
    #expect(images.count == 1)
    #expect(images.allSatisfy { folder.mode("state/images/\($0)") == 0o600 })
  }

  @Test func replacedImagesAndStraysAreRemoved() throws {
    let folder = try Folder()
    do {
      let box = try TestSandbox { $0.stateDirectory = folder.path }
      _ = try box.post(Request.create("ada@example.com", front: Request.png(1)))
      _ = try box.post(Request.create("ada@example.com", front: Request.png(2)))
      #expect(Folder.names(folder.path + "/images").count == 1)
    }
    close(open(folder.path + "/images/stray.tmp", O_CREAT | O_WRONLY, 0o600))
    let box = try TestSandbox { $0.stateDirectory = folder.path }
    #expect(Folder.names(folder.path + "/images").count == 1)
    #expect(try box.client.exchange("POST", "/sandbox/reset").status == 204)
    #expect(Folder.names(folder.path + "/images").isEmpty)
    #expect(Folder.names(folder.path + "/customers").isEmpty)
  }

  @Test func imagesDroppedFromMemoryAreReadFromDisk() throws {
    let folder = try Folder()
    let box = try TestSandbox {
      $0.stateDirectory = folder.path
      $0.keptImageBytes = 40
    }
    _ = try box.post(Request.create("a@example.com", front: Request.png(1)))
    _ = try box.post(Request.create("b@example.com", front: Request.png(2)))
    #expect(try box.get("/admin/images/100001/front").body == Request.png(1))
  }

  /// An image that memory did not hold must not look like one that never came.
  @Test(arguments: [false, true])
  func anImageThatIsNoLongerKeptIsSaidToBe(isWholeCustomerGone: Bool) throws {
    let box = try TestSandbox {
      if isWholeCustomerGone { $0.wholeCustomers = 1 } else { $0.keptImageBytes = 40 }
    }
    for name in ["a", "b"] {
      _ = try box.post(
        Request.create("\(name)@example.com", front: Request.png(name.utf8.first ?? 0)))
    }
    func images(_ name: String) throws -> HTTPResponse {
      try box.post(Request.body("getDocumentImages", [("email", .string("\(name)@example.com"))]))
    }
    let gone = try images("a")
    #expect(gone.status == 410)
    #expect(try gone.json["result"]?.string == "Error")
    #expect(try gone.json["message"]?.string == "The sandbox no longer keeps this image (front)")
    #expect(try images("b").json["target"]?["documents"]?["front"] != nil)
    #expect(try box.get("/admin/images/100001/front").status == 410)
    #expect(
      try box.get("/admin/customers.php?id=100001").text.contains("no longer keeps this image"))
    #expect(try box.get("/admin/images/100002/back").status == 404)
  }

  @Test func damagedStateIsRefusedByName() throws {
    let folder = try Folder()
    do {
      let box = try TestSandbox { $0.stateDirectory = folder.path }
      _ = try box.post(Request.create("ada@example.com"))
    }
    truncate(folder.path + "/customers/100001.json", 40)
    let error = #expect(throws: SandboxError.self) {
      try TestSandbox { $0.stateDirectory = folder.path }
    }
    #expect(error?.description.contains("100001.json") == true)
  }

  @Test func oneDirectoryServesOneSandbox() throws {
    let folder = try Folder()
    let first = try TestSandbox { $0.stateDirectory = folder.path }
    let error = #expect(throws: SandboxError.self) {
      try TestSandbox { $0.stateDirectory = folder.path }
    }
    #expect(error?.description.contains("another sandbox") == true)
    #expect(try first.get("/").status == 200)
  }

  @Test func unusableDirectoriesAreRefused() throws {
    #expect(throws: SandboxError.self) { try TestSandbox { $0.stateDirectory = "/nowhere/at/all" } }
    #expect(throws: SandboxError.self) { try TestSandbox { $0.stateDirectory = "/dev/null" } }
  }
}
