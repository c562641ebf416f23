import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that only its owner may read, as ssh asks of its keys.
struct SecretFile {
  let path: String
  /// What the file is for, where its name must not be shown.
  var role = "the credentials file"
  /// The next step where there is no such file.
  var missing = "give the path of a file, never the credentials themselves"

  /// The content without one line end at its end.
  func read() throws(StageFailure) -> [UInt8] {
    let file = try followed()
    try checkFolder(of: file)
    // Not blocking, so that a pipe in the place of the file is refused instead of waited for.
    let number = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw refusal(opening: errno) }
    do throws(StageFailure) { try check(number) } catch {
      close(number)
      throw error
    }
    return try SecretDescriptor(number: number, name: name).content()
  }

  /// The path behind links that nobody else can change: Kubernetes mounts a Secret as `name → ..data/name`.
  private func followed() throws(StageFailure) -> String {
    var place = path
    // As many as the kernel follows in a path.
    for _ in 0..<40 {
      var status = stat()
      guard lstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return place }
      let folder = SecretFile.folder(of: place)
      // In a sticky folder nobody can put another link in the place of one of ours.
      let isOurs = status.st_uid == geteuid() || status.st_uid == 0
      guard isOurs, !ProgramTrust.isOpenToOthers(folder) || SecretFile.isSticky(folder) else {
        throw failure(
          "is a symbolic link that others can change",
          hint: "name the file itself, or use command:\"cat …\"")
      }
      var target = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(place, &target, target.count - 1)
      guard count > 0 else { return place }
      let text = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      place = text.hasPrefix("/") ? text : folder + text
    }
    return place
  }

  /// A file's folder with a slash at its end.
  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
  }

  private static func isSticky(_ folder: String) -> Bool {
    var status = stat()
    return stat(folder, &status) == 0 && status.st_mode & S_ISVTX != 0
  }

  private var name: String { "the file \(Sanitizer.clean(path))" }

  private func failure(_ words: String, hint: String? = nil) -> StageFailure {
    .credentials("\(name) \(words)", hint: hint)
  }

  private func refusal(opening code: Int32) -> StageFailure {
    // A text that names no file may be a password, given by mistake.
    func unnamed(_ words: String) -> StageFailure {
      .credentials("\(role) \(words)", hint: missing)
    }
    switch code {
    case ELOOP: return failure("is a symbolic link to itself")
    case EACCES: return failure("cannot be read by this user")
    case ENOENT: return unnamed("does not exist")
    default: return unnamed("cannot be opened (\(String(cString: strerror(code))))")
    }
  }

  private func check(_ number: Int32) throws(StageFailure) {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw failure("cannot be examined") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("isn't a regular file") }
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
  private func checkFolder(of file: String) throws(StageFailure) {
    var status = stat()
    guard stat(SecretFile.folder(of: file), &status) == 0 else { return }
    guard status.st_mode & 0o002 == 0 || status.st_mode & S_ISVTX != 0 else {
      throw failure("is in a folder that everybody may write to", hint: "chmod o-w the folder")
    }
  }
}

/// An open descriptor that secrets are read from; closed afterwards, so that no child process inherits it.
struct SecretDescriptor {
  let number: Int32
  let name: String

  /// The content without one line end at its end; gives up on a writer that never ends.
  func content() throws(StageFailure) -> [UInt8] {
    defer { close(number) }
    let end = SystemTime.monotonic + CredentialsSource.patience
    var content: [UInt8] = []
    while let piece = try next(before: end) {
      content += piece
      guard content.count <= CredentialsSource.sizeLimit else {
        throw .credentials("\(name) holds more than \(CredentialsSource.sizeLimit) bytes")
      }
    }
    return try SecretDescriptor.trimmed(content, name: name)
  }

  /// Takes one line end away and refuses what no secret holds.
  static func trimmed(_ content: [UInt8], name: String) throws(StageFailure) -> [UInt8] {
    var content = content
    if content.last == 0x0A { content.removeLast() }
    if content.last == 0x0D { content.removeLast() }
    guard !content.isEmpty else { throw .credentials("\(name) is empty") }
    guard !content.contains(0) else { throw .credentials("\(name) holds a NUL byte") }
    return content
  }

  /// The next bytes, nil at the end.
  private func next(before end: Double) throws(StageFailure) -> [UInt8]? {
    while true {
      var ready = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      _ = poll(&ready, 1, 100)
      guard SystemTime.monotonic < end else {
        throw .credentials("\(name) did not end within \(Int(CredentialsSource.patience)) s")
      }
      if ready.revents == 0 { continue }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(number, &buffer, buffer.count)
      if count >= 0 { return count == 0 ? nil : Array(buffer.prefix(count)) }
      guard errno == EINTR || errno == EAGAIN else {
        throw .credentials("\(name) cannot be read (\(String(cString: strerror(errno))))")
      }
    }
  }
}
