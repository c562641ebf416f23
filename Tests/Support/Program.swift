package import IntakeCore
import IntakeSystem
import Synchronization

#if canImport(Glibc)
  package import Glibc
#else
  package import Darwin
#endif

/// The built command, run as a person or a script runs it.
package struct Program {
  package let folder: TemporaryFolder
  package var environment: [String: String] = [:]
  /// A program that runs the command, such as `strace` or `prlimit`, with its arguments.
  package var wrapper: [String] = []
  /// What is run: the built command unless a test says otherwise.
  package var executable = Program.path

  package init(folder: TemporaryFolder) { self.folder = folder }

  /// The built command, beside the test bundle.
  package static var path: String {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/docintake"
  }

  /// The command whose decoders can be made to commit faults, beside the built one.
  package static var hostilePath: String {
    path.dropLast("docintake".count) + "hostile-docintake"
  }

  /// The samples of the repository.
  package static var samples: String { repository + "/samples" }

  package static var repository: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      .joined(separator: "/")
  }

  /// Starts the command; standard output and error go to files, so that no pipe can fill up.
  ///
  /// - Parameter closing: standard streams that are closed, as `>&-` does in a shell.
  package func start(
    _ arguments: [String], input: String = "/dev/null", output: Int32? = nil, closing: [Int32] = []
  ) throws -> StartedProgram {
    let stem = folder.path + "/run-\(Int.random(in: 0...Int.max))"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, stem + ".out", O_WRONLY | O_CREAT, 0o600)
    }
    posix_spawn_file_actions_addopen(&actions, 2, stem + ".err", O_WRONLY | O_CREAT, 0o600)
    for number in closing { posix_spawn_file_actions_addclose(&actions, number) }
    return StartedProgram(process: try spawn(arguments, &actions), stem: stem)
  }

  /// Starts the command with all standard streams on a terminal.
  package func start(_ arguments: [String], onTerminal path: String) throws -> StartedProgram {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for number in 0...2 as ClosedRange<Int32> {
      posix_spawn_file_actions_addopen(&actions, number, path, O_RDWR | O_NOCTTY, 0)
    }
    return StartedProgram(process: try spawn(arguments, &actions), stem: path)
  }

  private func spawn(_ arguments: [String], _ actions: inout posix_spawn_file_actions_t) throws
    -> pid_t
  {
    var process: pid_t = 0
    let program = wrapper.first ?? executable
    var words = (wrapper + [executable] + arguments).map { strdup($0) } + [nil]
    var variables = fullEnvironment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    // Whoever runs the tests in the background may ignore signals, which the command would then ignore as well.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var heeded = sigset_t()
    sigemptyset(&heeded)
    for number in [SIGINT, SIGHUP] { sigaddset(&heeded, number) }
    posix_spawnattr_setsigdefault(&attributes, &heeded)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    let code = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
    guard code == 0 else { throw ProgramError("cannot start \(program): error \(code)") }
    return process
  }

  /// Runs the command to its end.
  package func run(_ arguments: String..., input: String = "/dev/null") throws -> Result {
    try start(arguments, input: input).wait()
  }

  /// Runs the command to its end without holding a thread.
  package func run(_ arguments: String..., input: String = "/dev/null") async throws -> Result {
    try await start(arguments, input: input).wait()
  }

  private var fullEnvironment: [String: String] {
    // A developer's own settings are none of a test's business.
    [
      "PATH": "/usr/bin:/bin", "HOME": folder.path, "XDG_STATE_HOME": folder.path + "/state",
      "DOCINTAKE_CONFIG": "none",
    ].merging(environment) { $1 }
  }
}

extension Program {
  /// How a run ended.
  package struct Result {
    /// The exit code; 256 and the signal's number for a run that a signal ended.
    package let code: Int32
    package let output: String
    package let errors: String

    /// The result lines, parsed.
    package var rows: [JSONValue] {
      output.split(separator: "\n").compactMap { try? JSONParser.parse(Array($0.utf8)) }
    }

    /// The row of that id.
    package func row(_ id: String) -> JSONValue? { rows.first { $0["id"]?.string == id } }

    /// How many rows ended in each way.
    package var outcomes: [String: Int] {
      rows.reduce(into: [:]) { $0[$1["outcome"]?.string ?? "?", default: 0] += 1 }
    }
  }
}

/// A command that has been started; ends with this value, so that a test that fails leaves nothing behind.
///
/// A child that has ended and that nobody has waited for would, besides, keep the exit tests of Swift Testing
/// from ever hearing of theirs: they wait for any child and find that one again and again.
package final class StartedProgram: Sendable {
  package let process: pid_t
  let stem: String
  private let isReaped = Mutex(false)

  init(process: pid_t, stem: String) {
    self.process = process
    self.stem = stem
  }

  deinit {
    guard !isReaped.withLock({ $0 }) else { return }
    var status: Int32 = 0
    kill(process, SIGKILL)
    waitpid(process, &status, 0)
  }

  /// Waits for the end on the calling thread; kills what takes longer than that many seconds.
  package func wait(seconds: Double = 120) throws -> Program.Result {
    let end = SystemTime.monotonic + seconds
    while true {
      if let result = try result(orKilledAt: end) { return result }
      usleep(5000)
    }
  }

  /// The same without holding a thread: there is one a core, and every other test needs them too.
  package func wait(seconds: Double = 120) async throws -> Program.Result {
    let end = SystemTime.monotonic + seconds
    while true {
      if let result = try result(orKilledAt: end) { return result }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// How it ended, nil while it runs.
  private func result(orKilledAt end: Double) throws -> Program.Result? {
    var status: Int32 = 0
    guard waitpid(process, &status, WNOHANG) == 0 else {
      isReaped.withLock { $0 = true }
      let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 256 + status & 0x7F
      return Program.Result(code: code, output: text(".out"), errors: text(".err"))
    }
    guard SystemTime.monotonic < end else {
      kill(process, SIGKILL)
      waitpid(process, &status, 0)
      isReaped.withLock { $0 = true }
      throw ProgramError("the command did not end in time: \(text(".err"))")
    }
    return nil
  }

  package func signal(_ number: Int32) { kill(process, number) }

  /// What has been written so far.
  package func text(_ suffix: String) -> String {
    guard let bytes = try? Descriptor.open(stem + suffix).wholeFile(atMost: 256 << 20) else {
      return ""
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Waits on the calling thread until standard error or output holds a text.
  package func waitFor(_ wanted: String, seconds: Double = 120) throws {
    let end = SystemTime.monotonic + seconds
    while try !hasSaid(wanted, until: end) { usleep(10_000) }
  }

  /// The same without holding a thread.
  package func waitFor(_ wanted: String, seconds: Double = 120) async throws {
    let end = SystemTime.monotonic + seconds
    while try !hasSaid(wanted, until: end) { try await Task.sleep(for: .milliseconds(10)) }
  }

  private func hasSaid(_ wanted: String, until end: Double) throws -> Bool {
    if (text(".err") + text(".out")).contains(wanted) { return true }
    guard SystemTime.monotonic < end else {
      throw ProgramError("never said \"\(wanted)\": \(text(".err"))")
    }
    return false
  }
}

package struct ProgramError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
