import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The built command, run as a person or a script runs it.
struct Program {
  /// How a run ended.
  struct Result {
    let code: Int32
    let output: String
    let errors: String

    /// The result lines, parsed.
    var rows: [JSONValue] {
      output.split(separator: "\n").compactMap { try? JSONParser.parse(Array($0.utf8)) }
    }

    /// The row of that id.
    func row(_ id: String) -> JSONValue? { rows.first { $0["id"]?.string == id } }

    /// How many rows ended in each way.
    var outcomes: [String: Int] {
      rows.reduce(into: [:]) { $0[$1["outcome"]?.string ?? "?", default: 0] += 1 }
    }
  }

  let folder: TemporaryFolder
  var environment: [String: String] = [:]

  /// The built command, beside the test bundle.
  static var path: String {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/docintake"
  }

  /// The samples of the repository.
  static var samples: String { repository + "/samples" }

  static var repository: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
      .joined(separator: "/")
  }

  /// Starts the command; standard output and error go to files, so that no pipe can fill up.
  func start(_ arguments: [String], input: String = "/dev/null", output: Int32? = nil) throws
    -> RunningProgram
  {
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
    var process: pid_t = 0
    var words = ([Program.path] + arguments).map { strdup($0) } + [nil]
    var variables = fullEnvironment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    let code = posix_spawn(&process, Program.path, &actions, nil, &words, &variables)
    guard code == 0 else { throw ProgramError("cannot start \(Program.path): error \(code)") }
    return RunningProgram(process: process, stem: stem)
  }

  /// Runs the command to its end.
  func run(_ arguments: String..., input: String = "/dev/null") throws -> Result {
    try start(arguments, input: input).wait()
  }

  private var fullEnvironment: [String: String] {
    ["PATH": "/usr/bin:/bin", "HOME": folder.path, "XDG_STATE_HOME": folder.path + "/state"]
      .merging(environment) { $1 }
  }
}

/// A command that has been started.
struct RunningProgram {
  let process: pid_t
  let stem: String

  /// Waits for the end; kills what takes longer than that many seconds.
  func wait(seconds: Double = 120) throws -> Program.Result {
    let end = SystemTime.monotonic + seconds
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      guard SystemTime.monotonic < end else {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        throw ProgramError("the command did not end within \(seconds) s: \(text(".err"))")
      }
      usleep(5000)
    }
    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 256 + status & 0x7F
    return Program.Result(code: code, output: text(".out"), errors: text(".err"))
  }

  func signal(_ number: Int32) { kill(process, number) }

  /// What has been written so far.
  func text(_ suffix: String) -> String {
    guard let bytes = try? Descriptor.open(stem + suffix).wholeFile(atMost: 256 << 20) else {
      return ""
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Waits until standard error or output holds a text.
  func waitFor(_ wanted: String, seconds: Double = 30) throws {
    let end = SystemTime.monotonic + seconds
    while !(text(".err") + text(".out")).contains(wanted) {
      guard SystemTime.monotonic < end else { throw ProgramError("never said \"\(wanted)\"") }
      usleep(10_000)
    }
  }
}

struct ProgramError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
