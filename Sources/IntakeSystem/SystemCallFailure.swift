#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A system call that failed, with what it was meant to do.
public struct SystemCallFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was being done: `write`, `create the folder`.
  public let action: String
  /// The system's number of the error (`errno`).
  public let code: Int32

  /// Takes a given error.
  public init(_ action: String, code: Int32) {
    self.action = action
    self.code = code
  }

  /// Takes the error of the last system call.
  public init(_ action: String) { self.init(action, code: errno) }

  /// `write: No space left on device`.
  public var description: String { "\(action): \(reason)" }

  /// What the system says about the error.
  public var reason: String { String(cString: strerror(code)) }

  /// Whether the disk, a quota or a limit on file sizes leaves no room.
  public var isOutOfSpace: Bool { [ENOSPC, EDQUOT, EFBIG].contains(code) }

  /// `EFBIG`: a limit on the size of files.
  public static let fileTooLarge = EFBIG
  /// `EPERM`.
  public static let notPermitted = EPERM
  /// `EACCES`.
  public static let accessDenied = EACCES
  /// `EROFS`.
  public static let readOnly = EROFS
  /// `ELOOP`: a symbolic link where none is followed.
  public static let isLink = ELOOP
  /// `EISDIR`.
  public static let isFolder = EISDIR
  /// `EINVAL`, which `AppendOnlyFile` throws for anything else that is no regular file.
  public static let isSpecial = EINVAL
  /// `EEXIST`.
  public static let exists = EEXIST
  /// `ENOEXEC`: a file that the system cannot run.
  public static let notExecutable = ENOEXEC
  /// `ENOENT`.
  public static let notFound = ENOENT
}
