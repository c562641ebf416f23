import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that only its owner may read, as ssh asks of its keys.
struct SecretFile {
  let path: String
  /// What the file is for, where its name must not be told.
  private let role: String

  init(_ path: String, role: String = "the credentials file") {
    self.path = path
    self.role = role
  }

  /// The content without one line end at its end.
  func read() throws(StageFailure) -> [UInt8] {
    try checkFolder()
    // Not blocking, so that a pipe in the place of the file is refused instead of waited for.
    let number = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw refusal(opening: errno) }
    var status = stat()
    guard fstat(number, &status) == 0 else {
      close(number)
      throw failure("cannot be examined")
    }
    do { try check(status) } catch {
      close(number)
      throw error
    }
    return try SecretDescriptor(number, name: name).read()
  }

  private var name: String { "the file \(Sanitizer.clean(path))" }

  private func failure(_ words: String, hint: String? = nil) -> StageFailure {
    .credentials("\(name) \(words)", hint: hint)
  }

  private func refusal(opening code: Int32) -> StageFailure {
    switch code {
    case ELOOP:
      return failure("is a symbolic link", hint: "name the file itself, or use command:\"cat …\"")
    case EACCES: return failure("cannot be read by this user")
    case ENOENT: return unnamed("does not exist")
    default: return unnamed("cannot be opened (\(String(cString: strerror(code))))")
    }
  }

  /// What names no file may be a password that somebody took for one.
  private func unnamed(_ words: String) -> StageFailure {
    .credentials(
      "\(role) \(words)",
      hint: "give the path of a file; the credentials themselves never stand there")
  }

  private func check(_ status: stat) throws(StageFailure) {
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("is no regular file") }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw failure("belongs to another user", hint: "make it yours: chown")
    }
    guard status.st_mode & 0o077 == 0 else {
      let digits = String(status.st_mode & 0o777, radix: 8)
      throw failure(
        "can be read or written by others (mode 0\(digits))", hint: "chmod 600 the file")
    }
  }

  /// Whoever may write to the folder can put another file in this one's place; a sticky bit forbids that.
  private func checkFolder() throws(StageFailure) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    var status = stat()
    guard stat(folder, &status) == 0 else { return }
    guard status.st_mode & 0o002 == 0 || status.st_mode & S_ISVTX != 0 else {
      throw failure("is in a folder that everybody may write to", hint: "chmod o-w the folder")
    }
  }
}
