/// What a program left that was run to its end.
public struct ProgramOutcome: Sendable {
  /// How it ended.
  public let end: Result<ProgramEnd.Status, RunningProgram.Trouble>
  /// Its standard output, where it ended in time and within the limit.
  public let output: [UInt8]
  /// The beginning of its standard error, at most 4,096 bytes.
  public let errors: [UInt8]
}

extension ProgramLaunch {
  /// Runs it to its end, with nothing to read, for so many seconds at most; its whole group is ended then.
  ///
  /// Its end is told by the process and not by its pipes, which a grandchild may hold open.
  ///
  /// - Throws: `SystemCallFailure` when it cannot be started.
  public func run(outputLimit: Int, seconds: Double) throws(SystemCallFailure) -> ProgramOutcome {
    var program = try startPiped()
    program.closeInput()
    program.errorLimit = 4096
    let deadline = SystemTime.monotonic + seconds
    do throws(RunningProgram.Trouble) {
      let output = try program.everything(limit: outputLimit, until: deadline)
      // It may have closed its output long before its end.
      let isLate = !program.hasEnded(within: deadline - SystemTime.monotonic)
      let status = program.end(grace: 0).status
      return ProgramOutcome(
        end: isLate ? .failure(.overdue) : .success(status), output: output,
        errors: program.takeErrors().text)
    } catch {
      _ = program.end(grace: 0)
      return ProgramOutcome(end: .failure(error), output: [], errors: program.takeErrors().text)
    }
  }
}
