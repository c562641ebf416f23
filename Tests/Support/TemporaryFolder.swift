import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder of a test's own that goes away with it.
package final class TemporaryFolder: Sendable {
  package let path: String

  package init() {
    var template = Array("/tmp/docintake-test-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
  }

  deinit {
    guard path.hasPrefix("/tmp/docintake-test-") else { return }
    TemporaryFolder.remove(path)
  }

  /// Writes a file and returns its path.
  @discardableResult
  package func write(_ name: String, _ text: String) -> String { write(name, Array(text.utf8)) }

  /// Writes a file and returns its path.
  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8]) -> String {
    let file = path + "/" + name
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    _ = RawDescriptor.write(bytes, to: descriptor)
    close(descriptor)
    return file
  }

  /// Makes a folder inside.
  package func folder(_ name: String) -> String {
    mkdir(path + "/" + name, 0o700)
    return path + "/" + name
  }

  /// Every file below the folder.
  package func files() -> [String] { TemporaryFolder.files(below: path) }

  private static func files(below path: String) -> [String] {
    entries(of: path).flatMap { isFolder($0) ? files(below: $0) : [$0] }
  }

  private static func entries(of path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(path + "/" + name) }
    }
    return names
  }

  private static func isFolder(_ path: String) -> Bool {
    var info = stat()
    return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }

  private static func remove(_ path: String) {
    for entry in entries(of: path) {
      if isFolder(entry) { remove(entry) } else { unlink(entry) }
    }
    rmdir(path)
  }
}
