import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The `sqlite3` command, kept alive: statements go to its standard input, and a word comes back after each.
///
/// Started without a shell, without an environment, and in a group of its own, so that Ctrl-C does not reach it.
struct SQLiteShell {
  private let process: pid_t
  private let input: Int32
  private let output: Int32

  /// What is said when it does not answer; its own words have gone to standard error.
  static let failure = StageFailure(
    .stageFailed, "sqlite3 did not take what it was told",
    hint: "see what sqlite3 says above, and correct sqlite-table.path", outcome: .fatal)

  init(_ arguments: [String]) throws {
    let (toIt, fromIt) = (try SQLiteShell.pipe(), try SQLiteShell.pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toIt.reading, 0)
    posix_spawn_file_actions_adddup2(&actions, fromIt.writing, 1)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var words = arguments.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    defer {
      for word in words { free(word) }
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
      close(toIt.reading)
      close(fromIt.writing)
    }
    var process: pid_t = 0
    let code = posix_spawn(&process, arguments[0], &actions, &attributes, &words, &environment)
    (input, output, self.process) = (toIt.writing, fromIt.reading, process)
    guard code == 0 else {
      close(input)
      close(output)
      throw StageFailure(
        .stageFailed, "sqlite3 cannot be started: \(String(cString: strerror(code)))",
        hint: "install sqlite3, or correct sqlite-table.command", outcome: .fatal)
    }
  }

  /// Hands over statements and waits until they are done: `-bail` ends the command at the first that is not.
  mutating func run(_ statements: String) throws {
    let text = Array((statements + "\nSELECT 'done';\n").utf8)
    guard text.withUnsafeBytes({ write(input, $0.baseAddress, $0.count) }) == text.count else {
      throw SQLiteShell.failure
    }
    var answer: [UInt8] = []
    var byte: UInt8 = 0
    while answer.last != 0x0A, answer.count < 64 {
      guard read(output, &byte, 1) == 1 else { throw SQLiteShell.failure }
      answer.append(byte)
    }
    guard answer == Array("done\n".utf8) else { throw SQLiteShell.failure }
  }

  /// Closes its input, which ends it, and waits for that.
  func end() {
    close(input)
    close(output)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  /// Both ends are closed in programs that are started later.
  private static func pipe() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    #if canImport(Glibc)
      let code = Glibc.pipe(&ends)
    #else
      let code = Darwin.pipe(&ends)
    #endif
    guard code == 0 else { throw failure }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
