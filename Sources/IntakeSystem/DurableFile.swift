#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Files and folders whose creation and renaming survive a power cut: the folder is synchronised as well.
public enum DurableFile {
  /// Creates a file (0600) that must not be there yet, whole or not at all as far as its name goes.
  ///
  /// The content is written under a name of its own and linked to the final one when it is on disk, so that
  /// nobody finds half of it; `link` refuses to replace a file, which `rename` would not.
  public static func create(_ path: String, _ content: [UInt8]) throws(SystemCallFailure) {
    try create(path) { (file) throws(SystemCallFailure) in try file.append(content) }
  }

  /// The same for a content that is written piece by piece.
  public static func create(
    _ path: String, writing: (AppendOnlyFile) throws(SystemCallFailure) -> Void
  ) throws(SystemCallFailure) {
    let draft = draft(for: path)
    defer { unlink(draft) }
    try write(to: draft, writing)
    try publish(draft, as: path)
    try synchronizeFolder(of: path)
  }

  /// A file (0600) in that folder without a name, for notes: it is gone when it is closed, however the program ends.
  public static func nameless(in folder: String) throws(SystemCallFailure) -> AppendOnlyFile {
    let path = draft(for: folder + "/.docintake")
    unlink(path)
    defer { unlink(path) }
    return try AppendOnlyFile.open(path, .creating)
  }

  private static func draft(for path: String) -> String { "\(path).\(getpid()).draft" }

  private static func write(
    to draft: String, _ body: (AppendOnlyFile) throws(SystemCallFailure) -> Void
  ) throws(SystemCallFailure) {
    unlink(draft)
    let file = try AppendOnlyFile.open(draft, .creating)
    try body(file)
    try file.synchronize()
  }

  private static func publish(_ draft: String, as path: String) throws(SystemCallFailure) {
    guard link(draft, path) != 0 else { return }
    let failure = SystemCallFailure("create \(name(path))")
    // FAT and some network file systems have no links; there a moment remains in which two can collide.
    guard [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS].contains(failure.code), !exists(path) else {
      throw failure
    }
    try rename(draft, to: path)
  }

  /// Puts a file (0600) in the place of what has that name; whoever looks finds the old one or the new one whole.
  ///
  /// `isPublic` lets others read it.
  public static func replace(_ path: String, _ content: [UInt8], isPublic: Bool = false)
    throws(SystemCallFailure)
  {
    var status = stat()
    guard lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      // Above all no device: as root one would be replaced by a file for good.
      throw SystemCallFailure("replace", code: EEXIST)
    }
    let draft = draft(for: path)
    do throws(SystemCallFailure) {
      try write(to: draft) { (file) throws(SystemCallFailure) in try file.append(content) }
      if isPublic, chmod(draft, 0o644) != 0 { throw SystemCallFailure("chmod") }
      try rename(draft, to: path)
    } catch {
      unlink(draft)
      throw error
    }
  }

  /// The same for what everybody may read, and run where it is a program; makes the folders that are missing (0755).
  public static func replaceForAll(_ path: String, _ content: [UInt8], isProgram: Bool)
    throws(SystemCallFailure)
  {
    try makeFolder(folder(of: path), mode: 0o755)
    try replace(path, content)
    guard chmod(path, isProgram ? 0o755 : 0o644) == 0 else { throw SystemCallFailure("chmod") }
  }

  /// Gives a file that is on disk already another name, replacing what had it.
  public static func rename(_ path: String, to newPath: String) throws(SystemCallFailure) {
    guard renameFile(path, newPath) == 0 else { throw SystemCallFailure("rename") }
    try synchronizeFolder(of: newPath)
  }

  /// Removes a file; it is no error when there is none.
  public static func remove(_ path: String) throws(SystemCallFailure) {
    guard unlink(path) != 0, errno != ENOENT else { return }
    throw SystemCallFailure("remove")
  }

  /// Lets the owner run a file.
  public static func makeExecutable(_ path: String) throws(SystemCallFailure) {
    guard chmod(path, 0o700) == 0 else { throw SystemCallFailure("chmod") }
  }

  /// Makes a folder and those above it (0700) where they are missing.
  public static func makeFolder(_ path: String) throws(SystemCallFailure) {
    try makeFolder(path, mode: 0o700)
  }

  private static func makeFolder(_ path: String, mode: mode_t) throws(SystemCallFailure) {
    guard !exists(path) else { return }
    if folder(of: path) != path { try makeFolder(folder(of: path), mode: mode) }
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
      throw SystemCallFailure("create the folder \(path)")
    }
    // The process's mask keeps others out of whatever it makes.
    if mode != 0o700, chmod(path, mode) != 0 { throw SystemCallFailure("chmod") }
    try synchronizeFolder(of: path)
  }

  /// Writes the folder's list of names to disk.
  public static func synchronizeFolder(of path: String) throws(SystemCallFailure) {
    let descriptor = try retried("open the folder") {
      open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    defer { close(descriptor) }
    do throws(SystemCallFailure) {
      _ = try retried("fsync the folder") { fsync(descriptor) }
    } catch {
      // Some network file systems cannot synchronise folders and say so; their names are durable at once.
      guard error.code == EINVAL else { throw error }
    }
  }

  /// Whether something has that name, a dangling link included.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// The folder that a path stands in: `.` for a bare name.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func name(_ path: String) -> Substring {
    path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
  }
}

/// `rename(2)`; inside the type its name would be taken by the type's own `rename`.
private func renameFile(_ path: String, _ newPath: String) -> Int32 { rename(path, newPath) }
