#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files that only their owner may read, replaced whole or not at all.
enum PrivateFile {
  /// Writes a file: a temporary one beside it, fsync, rename, fsync of the directory; false when that failed.
  static func replace(_ path: String, with bytes: [UInt8]) -> Bool {
    let temporary = path + ".tmp"
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
    let file = open(temporary, flags, 0o600)
    guard file >= 0 else { return false }
    let isWritten = write(bytes, to: file) && fsync(file) == 0
    guard close(file) == 0, isWritten, rename(temporary, path) == 0 else {
      unlink(temporary)
      return false
    }
    return syncParent(of: path)
  }

  private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        #if canImport(Glibc)
          Glibc.write(file, raw.baseAddress?.advanced(by: written), raw.count - written)
        #else
          Darwin.write(file, raw.baseAddress?.advanced(by: written), raw.count - written)
        #endif
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }

  private static func syncParent(of path: String) -> Bool {
    let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let directory = open(parent.isEmpty ? "/" : parent, O_RDONLY | O_CLOEXEC)
    guard directory >= 0 else { return false }
    defer { close(directory) }
    return fsync(directory) == 0
  }

  /// The bytes of a regular file of at most `most` bytes, else nil.
  static func read(_ path: String, most: Int) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= most
    else { return nil }
    let size = Int(facts.st_size)
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while count < size {
        let piece = readSome(file, buffer.baseAddress?.advanced(by: count), size - count)
        if piece <= 0 { break }
        count += piece
      }
      initialized = count
    }
    return count == size ? bytes : nil
  }

  private static func readSome(_ file: Int32, _ space: UnsafeMutableRawPointer?, _ size: Int) -> Int
  {
    #if canImport(Glibc)
      Glibc.read(file, space, size)
    #else
      Darwin.read(file, space, size)
    #endif
  }

  /// Makes a directory for its owner alone, if it is not there yet; false when there is none then.
  static func makeDirectory(_ path: String) -> Bool {
    mkdir(path, 0o700) == 0 || errno == EEXIST
  }

  /// Removes a file, if it is there.
  static func remove(_ path: String) { unlink(path) }

  /// The names in a directory, in no order.
  static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  /// Takes a lock that ends with the descriptor or the process; nil when somebody else has it.
  static func lock(_ path: String) -> Int32? {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return nil }
    if flock(file, LOCK_EX | LOCK_NB) == 0 { return file }
    close(file)
    return nil
  }

  /// Gives a lock back.
  static func unlock(_ file: Int32) { close(file) }
}
