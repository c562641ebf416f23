#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Folders for one test each, below one that goes away with the test process.
enum TemporaryFolder {
  private static let root: String = {
    let path = "/tmp/docintake-test-\(getpid())"
    mkdir(path, 0o700)
    atexit { TemporaryFolder.empty(TemporaryFolder.root) }
    return path
  }()

  /// A new folder that only its owner can enter.
  static func make() throws -> String {
    var template = Array((root + "/XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw SetupFailure(step: "mkdtemp", code: errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes a file with a mode, whatever the umask.
  @discardableResult
  static func write(_ text: String, to path: String, mode: mode_t) throws -> String {
    let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SetupFailure(step: "open", code: errno) }
    defer { close(number) }
    guard ServerConnection(number: number).send(text), fchmod(number, mode) == 0 else {
      throw SetupFailure(step: "write", code: errno)
    }
    return path
  }

  private static func empty(_ path: String) {
    guard let folder = opendir(path) else { return }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      if unlink(path + "/" + name) != 0 { empty(path + "/" + name) }
    }
    closedir(folder)
    rmdir(path)
  }
}
