import Glibc

/// What the kernel says about the process of the tests.
enum OwnProcess {
  /// The numbers of all processes of that name, our own zombies included.
  ///
  /// A dead grandchild is left to the first process of the system, which in a container may never reap it.
  static func all(named name: String) -> [String] {
    entries(of: "/proc").filter { $0.first?.isNumber == true }.filter {
      let words = text(of: "/proc/\($0)/stat").split(separator: " ").map(String.init)
      guard words.count > 3, words[1] == "(\(name))" else { return false }
      return words[2] != "Z" || words[3] == String(getpid())
    }
  }

  /// What the kernel says of the calling thread under that name, nil when it says nothing.
  static func status(_ name: String) -> String? {
    text(of: "/proc/thread-self/status").split(separator: "\n").first { $0.hasPrefix(name + ":") }
      .map { $0.dropFirst(name.count + 1).trimmingPrefix { $0.isWhitespace } }.map(String.init)
  }

  /// How many descriptors are open.
  static var descriptors: Int { entries(of: "/proc/self/fd").count }

  private static func entries(of folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  private static func text(of path: String) -> String {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}
