#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension ProgramLaunch {
  /// `NAME=value` for the few variables that a program of somebody else's needs, and nothing more.
  ///
  /// A crash report of Swift shows memory, and standard error becomes log lines, so it is turned off.
  public static func cleanEnvironment(adding more: [String] = []) -> [String] {
    let names: [String] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"]
    var variables = names.compactMap { (name: String) -> String? in
      getenv(name).map { value in "\(name)=\(String(cString: value))" }
    }
    if getenv("PATH") == nil { variables.append("PATH=/usr/local/bin:/usr/bin:/bin") }
    return variables + ["SWIFT_BACKTRACE=enable=no"] + more
  }

  /// Starts it with pipes at all three descriptors.
  ///
  /// From then on a closed pipe ends no thread of this process (SIGPIPE is ignored): a program may go away
  /// while it is written to.
  ///
  /// - Throws: `SystemCallFailure`: `ENOENT`, `EACCES`, `ENOEXEC` … as the system tells them about the program.
  public func startPiped() throws(SystemCallFailure) -> RunningProgram {
    signal(SIGPIPE, SIG_IGN)
    let pipes = try ProgramPipe.three()
    let (input, output, errors) = (pipes[0], pipes[1], pipes[2])
    let started = start(input: input.reader, output: output.writer, errors: errors.writer)
    let failure = SystemCallFailure("start")
    close(input.reader)
    close(output.writer)
    close(errors.writer)
    guard let process = started else {
      for end in [input.writer, output.reader, errors.reader] { close(end) }
      throw failure
    }
    return RunningProgram(
      process: process, input: input.writer, output: output.reader, errors: errors.reader)
  }
}
