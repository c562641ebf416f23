#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a file cannot be read, in the terms that a message needs.
public enum FileFailure: Error, Sendable, Equatable {
  /// No file or folder has that name.
  case notFound
  /// The path, or a link on it, leads out of the folder it must stay in.
  case outsideFolder
  /// It is no regular file but the kind named: `a folder`, `a pipe` ….
  case notRegular(String)
  /// It has more bytes than the limit.
  case tooLarge(bytes: Int, limit: Int)
  /// It grew, shrank or was written while it was read.
  case changedWhileReading
  /// The system refused, with its reason in words.
  case unreadable(String)

  /// Translates the number of a system error (`errno`).
  public init(code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self = .notFound
    case EXDEV, ELOOP: self = .outsideFolder
    case EISDIR: self = .notRegular("a folder")
    // What opening a socket or a device without a driver gives.
    case ENXIO, ENODEV: self = .notRegular("a socket or device")
    default: self = .unreadable(String(cString: strerror(code)))
    }
  }
}

extension FileFailure: CustomStringConvertible {
  /// One sentence without the file's name.
  public var description: String {
    switch self {
    case .notFound: return "there is no such file"
    case .outsideFolder: return "the path leads out of the folder"
    case .notRegular(let kind): return "it is \(kind), no regular file"
    case .tooLarge(let bytes, let limit):
      return "it has \(bytes) bytes, over the limit of \(limit)"
    case .changedWhileReading: return "it changed while it was read"
    case .unreadable(let reason): return "it cannot be read: \(reason)"
    }
  }
}
