import CSystem
public import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An open file, pipe or socket by its descriptor, which is closed with the last reference.
public final class Descriptor: Sendable {
  /// The number the system knows it by.
  public let number: Int32
  private let isOwned: Bool

  /// Takes over an open descriptor.
  public init(owning number: Int32) {
    self.number = number
    isOwned = true
  }

  private init(borrowing number: Int32) {
    self.number = number
    isOwned = false
  }

  deinit {
    if isOwned { close(number) }
  }

  /// Standard input; never closed.
  public static let standardInput = Descriptor(borrowing: STDIN_FILENO)

  /// Opens a file, pipe or folder that the operator named; waits for a pipe's other end.
  public static func open(_ path: String) throws(FileFailure) -> Descriptor {
    guard !path.utf8.contains(0) else { throw .notFound }
    do throws(SystemCallFailure) {
      return Descriptor(
        owning: try retried("open") { systemOpen(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) })
    } catch {
      throw FileFailure(code: error.code)
    }
  }

  /// What a path leads to, nil for nothing; a pipe that was opened and closed would be broken for its writer.
  public static func kind(of path: String) -> FileKind? {
    var status = stat()
    return stat(path, &status) == 0 ? FileKind(mode: status.st_mode) : nil
  }

  /// What the system knows about the file behind it.
  public func status() throws(FileFailure) -> FileStatus {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw FileFailure(code: errno) }
    return FileStatus(status)
  }

  /// The offset of the next byte that is read; nil for a pipe.
  public var position: Int? {
    let offset = lseek(number, 0, SEEK_CUR)
    return offset >= 0 ? Int(offset) : nil
  }

  /// Reads what is there, at least one byte unless the end is reached; returns how many.
  ///
  /// Waits with `poll` and checks every quarter of a second for cancellation: a cancelled task must not hang on a
  /// terminal, or on a pipe that nobody writes to. It reads no further in a file without an end either.
  ///
  /// - Throws: `CancellationError` when the task was cancelled meanwhile, else `FileFailure`.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      try Task.checkCancellation()
      try waitForInput()
      let count = systemRead(number, buffer)
      if count >= 0 { return count }
      guard errno == EINTR || errno == EAGAIN else { throw FileFailure(code: errno) }
    }
  }

  private func waitForInput() throws {
    var request = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    while true {
      let ready = poll(&request, 1, 250)
      // If poll fails, so does read, which says why.
      if ready > 0 || (ready < 0 && errno != EINTR) { return }
      try Task.checkCancellation()
    }
  }

  /// The whole content of a regular file, at most `limit` bytes, read once.
  ///
  /// Size and time are compared before and after, so that a scan which is still being written isn't taken for whole.
  public func wholeFile(atMost limit: Int) throws(FileFailure) -> [UInt8] {
    let before = try status()
    guard before.kind == .regular else { throw .notRegular(before.kind.rawValue) }
    guard before.size <= limit else { throw .tooLarge(bytes: before.size, limit: limit) }
    let bytes: [UInt8]
    do throws(SystemCallFailure) {
      // One byte more than there should be shows that the file has grown.
      bytes = try filled(before.size + 1) { room, _ in systemRead(number, room) }
    } catch {
      throw FileFailure(code: error.code)
    }
    guard bytes.count == before.size, try status() == before else { throw .changedWhileReading }
    return bytes
  }
}

/// Kind, size and time of the last change of a file.
public struct FileStatus: Sendable, Equatable {
  /// What it is.
  public let kind: FileKind
  /// Bytes; 0 for what has no size.
  public let size: Int
  /// Nanoseconds since 1970 of the last change of its content.
  private let modified: Int

  init(_ status: stat) {
    kind = FileKind(mode: status.st_mode)
    size = Int(status.st_size)
    modified = status.st_mtim.nanoseconds
  }
}

extension timespec {
  /// Wraps around, because a file may carry any time and only equality matters.
  fileprivate var nanoseconds: Int { Int(tv_sec) &* 1_000_000_000 &+ Int(tv_nsec) }
}

#if canImport(Darwin)
  extension stat {
    fileprivate var st_mtim: timespec { st_mtimespec }
    fileprivate var st_ctim: timespec { st_ctimespec }
  }
#endif

/// The kinds of file.
public enum FileKind: String, Sendable {
  /// Holds bytes.
  case regular = "a regular file"
  /// Holds names.
  case folder = "a folder"
  /// A FIFO: bytes pass through it once.
  case pipe = "a pipe"
  /// An end of a connection.
  case socket = "a socket"
  /// A terminal, a disk or another device.
  case device = "a device"

  init(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .folder
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    default: self = .device
    }
  }
}

/// Why a file cannot be read.
public enum FileFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// No file or folder has that name.
  case notFound
  /// The path, or a link on it, leads out of the folder it must stay in.
  case outsideFolder
  /// It isn't a regular file but, for example, `a folder`.
  case notRegular(String)
  /// It has more bytes than the limit.
  case tooLarge(bytes: Int, limit: Int)
  /// It grew, shrank or was written while it was read.
  case changedWhileReading
  /// A link on the path leads back to itself.
  case linksInCircle
  /// Its content is not whole, with what is wrong in words.
  case damaged(String)
  /// The system refused, with its reason in words.
  case unreadable(String)
  /// There are too many open files, or too little memory: nothing is wrong with this one.
  case outOfResources(String)

  /// Translates the number of a system error (`errno`).
  public init(code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self = .notFound
    case EXDEV: self = .outsideFolder
    case ELOOP: self = .linksInCircle
    case EISDIR: self = .notRegular("a folder")
    // The errors of opening a socket, and a device without a driver.
    case ENXIO, ENODEV: self = .notRegular("a socket or device")
    case EMFILE, ENFILE, ENOMEM: self = .outOfResources(String(cString: strerror(code)))
    default: self = .unreadable(String(cString: strerror(code)))
    }
  }

  /// One sentence without the file's name.
  public var description: String {
    switch self {
    case .notFound: return "there is no such file"
    case .outsideFolder: return "the path leads out of the folder"
    case .notRegular(let kind): return "it is \(kind), not a regular file"
    case .tooLarge(let bytes, let limit):
      return "it has \(bytes) bytes, over the limit of \(limit)"
    case .changedWhileReading: return "it changed while it was read"
    case .linksInCircle: return "a link on its path leads back to itself"
    case .damaged(let reason): return reason
    case .unreadable(let reason), .outOfResources(let reason):
      return "it cannot be read: \(reason)"
    }
  }
}

/// A folder that files are read from by paths that cannot leave it; opened once and shared.
public final class Folder: Sendable {
  private let descriptor: Descriptor

  /// Opens a folder that the operator named.
  public init(_ path: String) throws(FileFailure) {
    descriptor = try Descriptor.open(path)
    guard try descriptor.status().kind == .folder else { throw .notFound }
  }

  /// A folder's absolute paths: as it was named, and with links resolved.
  public static func absolutePaths(of path: String) -> [String] {
    let given = path.hasPrefix("/") ? path : realPath(".").map { "\($0)/\(path)" }
    return [given, realPath(path)].compactMap(\.self)
  }

  /// Reads a regular file of at most `limit` bytes; the kernel keeps path and links beneath the folder.
  public func read(_ path: String, atMost limit: Int) throws(FileFailure) -> [UInt8] {
    try open(path).wholeFile(atMost: limit)
  }

  /// Size and time of change of a regular file, without opening it; nil when there is none.
  ///
  /// This takes one system call instead of three. A link that leads out of the folder is followed: only what is read
  /// has to stay beneath it.
  public func stamp(of path: String) -> FileStamp? {
    var status = stat()
    guard !path.utf8.contains(0), fstatat(descriptor.number, path, &status, 0) == 0,
      FileKind(mode: status.st_mode) == .regular
    else { return nil }
    return FileStamp(size: Int(status.st_size), changed: status.st_ctim.nanoseconds)
  }

  /// Whether the path is that of a link, wherever it leads.
  public func isLink(_ path: String) -> Bool {
    var status = stat()
    return !path.utf8.contains(0)
      && fstatat(descriptor.number, path, &status, AT_SYMLINK_NOFOLLOW) == 0
      && status.st_mode & S_IFMT == S_IFLNK
  }

  /// The names in a folder beneath this one, at most `limit` and in no particular order; none if it can't be read.
  public func names(in path: String, atMost limit: Int) -> [String] {
    guard let folder = try? open(path) else { return [] }
    // The stream closes the descriptor it was given, so it gets one of its own.
    let copy = dup(folder.number)
    guard copy >= 0, let stream = fdopendir(copy) else {
      if copy >= 0 { close(copy) }
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    while names.count < limit, let entry = readdir(stream) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names
  }

  private func open(_ path: String) throws(FileFailure) -> Descriptor {
    // A C string would end at a NUL and name another file.
    guard !path.utf8.contains(0) else { throw .notFound }
    let number = csystem_open_beneath(descriptor.number, path)
    guard number >= 0 else { throw FileFailure(code: errno) }
    return Descriptor(owning: number)
  }
}
