#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Kind, size and time of the last change of a file.
public struct FileStatus: Sendable, Equatable {
  /// What it is.
  public let kind: FileKind
  /// Bytes; 0 for what has no size.
  public let size: Int
  /// Nanoseconds since 1970 of the last change of its content.
  let modified: Int

  init(_ status: stat) {
    kind = FileKind(mode: status.st_mode)
    size = Int(status.st_size)
    #if canImport(Glibc)
      let time = status.st_mtim
    #else
      let time = status.st_mtimespec
    #endif
    // Wrapping: a file may carry any time, and only equality matters.
    modified = Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
  }
}

/// What a name in a file system can stand for.
public enum FileKind: String, Sendable {
  case regular = "a regular file"
  case folder = "a folder"
  case pipe = "a pipe"
  case socket = "a socket"
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
