#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Whether a program's file can be changed by somebody else, as sshd asks of its keys.
public enum ProgramTrust {
  /// Why a file is not started.
  public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public let description: String
    /// The next step.
    public let hint: String
  }

  /// Looks at the file, and at each folder above it, after all links have been followed.
  public static func check(_ path: String) throws(Problem) {
    guard let real = realpath(path, nil) else { throw problem(resolving: errno) }
    defer { free(real) }
    var place = String(cString: real)
    try checkFile(place)
    while place.count > 1 {
      place = DurableFile.folder(of: place)
      try checkFolder(place)
    }
  }

  /// The path without links, itself where it leads nowhere.
  public static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func checkFile(_ path: String) throws(Problem) {
    let status = try status(of: path)
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Problem(description: "it is no regular file", hint: "name the program's file")
    }
    guard access(path, X_OK) == 0 else {
      throw Problem(description: "it is not executable", hint: "chmod +x the file")
    }
    try checkOwner(status, "it")
    guard !isOpen(status) else {
      throw Problem(description: "others may write to it", hint: "chmod go-w the file")
    }
  }

  private static func checkFolder(_ path: String) throws(Problem) {
    let status = try status(of: path)
    try checkOwner(status, "a folder above it")
    // In a sticky folder, such as /tmp, nobody can put another file in the place of ours.
    guard !isOpen(status) || status.st_mode & S_ISVTX != 0 else {
      throw Problem(
        description: "others may write to a folder above it",
        hint: "chmod go-w that folder, or move the program")
    }
  }

  private static func checkOwner(_ status: stat, _ what: String) throws(Problem) {
    guard status.st_uid == 0 || status.st_uid == geteuid() else {
      throw Problem(
        description: "\(what) belongs to another user",
        hint: "make it yours (chown), or run as its owner")
    }
  }

  /// A user's own group has no other member on most systems, where new files are writable for it.
  private static func isOpen(_ status: stat) -> Bool {
    if status.st_mode & 0o002 != 0 { return true }
    return status.st_mode & 0o020 != 0 && status.st_gid != getegid() && status.st_gid != 0
  }

  private static func status(of path: String) throws(Problem) -> stat {
    var status = stat()
    guard stat(path, &status) == 0 else { throw problem(resolving: errno) }
    return status
  }

  private static func problem(resolving code: Int32) -> Problem {
    switch code {
    case ENOENT, ENOTDIR:
      return Problem(
        description: "there is no such file",
        hint: "correct \"program\"; a relative path starts at the plan's folder")
    case EACCES:
      return Problem(description: "its folder cannot be entered", hint: "check the permissions")
    default:
      return Problem(description: String(cString: strerror(code)), hint: "correct the path")
    }
  }
}
