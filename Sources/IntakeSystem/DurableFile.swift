import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A regular file that only grows at its end; closed with the last reference.
///
/// Only EINTR is retried. After a failed `fsync` the kernel may have dropped the page, and the next one would succeed
/// over a hole.
public final class AppendOnlyFile: Sendable {
  /// The path it was opened by.
  public let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    // A program that is being started holds a copy of the descriptor, and with it the lock, until its `exec`.
    unlock()
    close(descriptor)
  }

  /// How a file is opened.
  public enum Mode: Sendable {
    /// Only reads.
    case reading
    /// Reads and appends to an existing file.
    case appending
    /// Creates a file (0600) that must not exist yet.
    case creating
  }

  /// Opens a regular file; a symbolic link is refused like anything else.
  ///
  /// `O_NONBLOCK` keeps the call from waiting for the other end of a FIFO.
  public static func open(_ path: String, _ mode: Mode) throws(SystemCallFailure) -> AppendOnlyFile
  {
    var flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    switch mode {
    case .reading: flags |= O_RDONLY
    case .appending: flags |= O_RDWR | O_APPEND
    case .creating: flags |= O_RDWR | O_APPEND | O_CREAT | O_EXCL
    }
    let descriptor = try retried("open") { systemOpen(path, flags, mode: 0o600) }
    let file = AppendOnlyFile(path: path, descriptor: descriptor)
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SystemCallFailure("open", code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    return file
  }

  /// Creates a file (0600) without a name; nil where the file system has no such thing.
  fileprivate static func openNameless(in folder: String) throws(SystemCallFailure)
    -> AppendOnlyFile?
  {
    do throws(SystemCallFailure) {
      let descriptor = try retried("open") { csystem_open_nameless(folder) }
      return AppendOnlyFile(path: folder, descriptor: descriptor)
    } catch {
      guard error.code == EOPNOTSUPP else { throw error }
      return nil
    }
  }

  /// Gives a nameless file a name that nothing has yet; false with `errno`.
  fileprivate func link(as path: String) -> Bool { csystem_name_file(descriptor, path) == 0 }

  fileprivate func setPermissions(_ permissions: Int) throws(SystemCallFailure) {
    guard fchmod(descriptor, mode_t(permissions)) == 0 else { throw SystemCallFailure("chmod") }
  }

  /// Takes the file's exclusive or shared lock; false if another process holds it.
  ///
  /// `flock` belongs to the open file and ends with the process. A POSIX record lock would be dropped whenever a
  /// library opens and closes the same file.
  public func lock(shared: Bool = false) throws(SystemCallFailure) -> Bool {
    let kind = shared ? LOCK_SH : LOCK_EX
    do throws(SystemCallFailure) {
      _ = try retried("lock") { flock(descriptor, kind | LOCK_NB) }
      return true
    } catch {
      guard error.code == EWOULDBLOCK else { throw error }
      return false
    }
  }

  /// Gives up the lock before the file is closed.
  public func unlock() { flock(descriptor, LOCK_UN) }

  /// Bytes in the file.
  public func size() throws(SystemCallFailure) -> Int { Int(try status().st_size) }

  /// Whether the file is on another machine: locks and `fsync` are then only as good as that machine's.
  public var isRemote: Bool { csystem_is_remote(descriptor) != 0 }

  /// The permission bits, 0 to 0o7777.
  public func permissions() throws(SystemCallFailure) -> Int { Int(try status().st_mode & 0o7777) }

  /// Whether its path still names this file: it was neither deleted nor replaced.
  public func isInPlace() throws(SystemCallFailure) -> Bool {
    let own = try status()
    guard own.st_nlink > 0 else { return false }
    var named = stat()
    guard lstat(path, &named) == 0 else {
      guard errno == ENOENT || errno == ENOTDIR else { throw SystemCallFailure("stat") }
      return false
    }
    return FileIdentity(named) == FileIdentity(own)
  }

  /// Which file it is, by whatever path it was opened.
  public func identity() throws(SystemCallFailure) -> FileIdentity { FileIdentity(try status()) }

  /// Reads up to `count` bytes from an offset; fewer at the end of the file only.
  public func read(at offset: Int, count: Int) throws(SystemCallFailure) -> [UInt8] {
    try filled(count) { room, filled in
      pread(descriptor, room.baseAddress, room.count, off_t(offset + filled))
    }
  }

  /// Writes all bytes at the end; on failure some of them may have been written.
  public func append(_ bytes: [UInt8]) throws(SystemCallFailure) {
    if let failure = RawDescriptor.failure(writing: bytes, to: descriptor) { throw failure }
  }

  /// Returns once everything written is on disk.
  public func synchronize() throws(SystemCallFailure) {
    _ = try retried("fsync") { fsync(descriptor) }
  }

  /// Cuts the file, and frees space that was reserved beyond its end.
  public func truncate(to size: Int) throws(SystemCallFailure) {
    _ = try retried("truncate") { ftruncate(descriptor, off_t(size)) }
  }

  private func status() throws(SystemCallFailure) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemCallFailure("stat") }
    return status
  }

  /// Reserves disk blocks beyond the end of the file without changing its size.
  ///
  /// Where the file system can't, a full disk shows in the write itself.
  public func reserve(_ range: Range<Int>) throws(SystemCallFailure) {
    guard !range.isEmpty else { return }
    do throws(SystemCallFailure) {
      _ = try retried("reserve space") {
        csystem_reserve(descriptor, Int64(range.lowerBound), Int64(range.count))
      }
    } catch {
      guard [EOPNOTSUPP, ENOSYS, ENOTSUP].contains(error.code) else { throw error }
    }
  }
}

/// What tells a file from all others of this machine; the order means nothing, but is the same for every process.
public struct FileIdentity: Comparable, Sendable {
  private let device: UInt64
  private let number: UInt64

  fileprivate init(_ status: stat) {
    (device, number) = (UInt64(truncatingIfNeeded: status.st_dev), UInt64(status.st_ino))
  }

  /// The order.
  public static func < (left: FileIdentity, right: FileIdentity) -> Bool {
    (left.device, left.number) < (right.device, right.number)
  }
}

/// Files and folders whose creation and renaming survive a power cut, because the folder is synchronised too.
public enum DurableFile {
  /// Creates a file (0600) that must not exist yet.
  ///
  /// It gets its name once the content is on disk, so that nobody finds half of it.
  public static func create(_ path: String, _ content: [UInt8]) throws(SystemCallFailure) {
    try create(path) { (file) throws(SystemCallFailure) in try file.append(content) }
  }

  /// Creates a file in the same way, its content written piece by piece.
  public static func create(
    _ path: String, writing: (AppendOnlyFile) throws(SystemCallFailure) -> Void
  ) throws(SystemCallFailure) {
    let draft = try Draft(for: path)
    defer { draft.remove() }
    try writing(draft.file)
    try draft.publish(as: path)
  }

  /// A file (0600) in a folder, without a name: it is gone once it is closed, however the program ends.
  public static func nameless(in folder: String) throws(SystemCallFailure) -> AppendOnlyFile {
    let draft = try Draft(for: folder + "/.docintake")
    draft.remove()
    return draft.file
  }

  /// A file that is written before it gets its name.
  ///
  /// A crash leaves nothing of it, unless the file system has no files without a name (NFS, FAT).
  public struct Draft: Sendable {
    /// The file, empty at first (0600).
    public let file: AppendOnlyFile
    /// A name of one's own: in two containers that share a volume, two processes have the same number.
    private let name: String
    private let isNamed: Bool

    /// Creates it in the folder in which it is to get its name.
    public init(for path: String) throws(SystemCallFailure) {
      name = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 16)).draft"
      let nameless = try AppendOnlyFile.openNameless(in: folder(of: path))
      isNamed = nameless == nil
      file = if let nameless { nameless } else { try AppendOnlyFile.open(name, .creating) }
    }

    /// Gives it a name that nothing has yet; unlike `rename`, `link` refuses to replace a file.
    public func publish(as path: String) throws(SystemCallFailure) {
      try file.synchronize()
      guard isNamed ? link(name, path) != 0 : !file.link(as: path) else {
        return try synchronizeFolder(of: path)
      }
      let failure = SystemCallFailure("create \(DurableFile.name(path))")
      // FAT and some network file systems have no links. For a moment two processes can collide there.
      guard isNamed, [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS].contains(failure.code), !exists(path)
      else { throw failure }
      try rename(name, to: path)
    }

    /// Gives it a name, and replaces what had it.
    public func replace(_ path: String) throws(SystemCallFailure) {
      if isNamed { try file.synchronize() } else { try publish(as: name) }
      try rename(name, to: path)
    }

    /// Removes what the draft has of a name.
    public func remove() { unlink(name) }
  }

  /// Replaces a regular file, or creates it (0600 by default); whoever looks finds either the old one or the new one.
  public static func replace(_ path: String, _ content: [UInt8], permissions: Int = 0o600)
    throws(SystemCallFailure)
  {
    guard canBeReplaced(path) else { throw SystemCallFailure("replace", code: EEXIST) }
    let draft = try Draft(for: path)
    defer { draft.remove() }
    try draft.file.append(content)
    if permissions != 0o600 { try draft.file.setPermissions(permissions) }
    try draft.replace(path)
  }

  /// Whether a path names a regular file or nothing: run by root, `replace` would replace a device for good.
  public static func canBeReplaced(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  /// Renames a file that is on disk already, and replaces what had that name.
  public static func rename(_ path: String, to newPath: String) throws(SystemCallFailure) {
    guard renameFile(path, newPath) == 0 else { throw SystemCallFailure("rename") }
    try synchronizeFolder(of: newPath)
  }

  /// Removes a file if there is one.
  public static func remove(_ path: String) throws(SystemCallFailure) {
    guard unlink(path) != 0, errno != ENOENT else { return }
    throw SystemCallFailure("remove")
  }

  /// Lets its owner run a file (0700).
  public static func makeExecutable(_ path: String) throws(SystemCallFailure) {
    try setPermissions(of: path, 0o700)
  }

  private static func setPermissions(of path: String, _ permissions: Int) throws(SystemCallFailure)
  {
    guard chmod(path, mode_t(permissions)) == 0 else { throw SystemCallFailure("chmod") }
  }

  /// Creates a folder, and those above it, where they are missing (0700 by default).
  public static func makeFolder(_ path: String, permissions: Int = 0o700) throws(SystemCallFailure)
  {
    guard !exists(path) else { return }
    if folder(of: path) != path { try makeFolder(folder(of: path), permissions: permissions) }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw SystemCallFailure("create the folder \(path)")
    }
    // The process's umask keeps others out.
    if permissions != 0o700 { try setPermissions(of: path, permissions) }
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
      // Some network file systems can't synchronise a folder; there, names are durable at once.
      guard error.code == EINVAL else { throw error }
    }
  }

  /// Whether something has that name, a dangling link included.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Whether certainly nothing has that name; false where a folder on the way cannot be searched.
  public static func isMissing(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)
  }

  /// The folder of a path; `.` for a bare name.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func name(_ path: String) -> Substring {
    path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
  }
}

/// `rename(2)`, whose name the type's own `rename` hides.
private func renameFile(_ path: String, _ newPath: String) -> Int32 { rename(path, newPath) }
