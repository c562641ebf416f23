public import IntakeCore
import IntakeSystem

/// The command line as a library: a third party's program is `IntakeCommand.main(.builtin.adding(…))`.
public enum IntakeCommand {
  /// Runs the command that the process was started with, and exits.
  ///
  /// The calling thread waits for signals from then on, so call it from `main.swift` and nowhere else.
  public static func main(_ registry: StageRegistry) -> Never {
    ProcessSetup.harden()
    let signals = SignalHub()
    let results = ResultWriter()
    let words = Array(CommandLine.arguments.dropFirst())
    Task.detached {
      let code = await run(words, registry: registry, signals: signals, results: results)
      ProcessSetup.exit(with: code.rawValue)
    }
    signals.waitForever()
  }

  /// Finds the command, reads its arguments and runs it; errors become messages and exit codes here only.
  static func run(
    _ words: [String], registry: StageRegistry, signals: SignalHub, results: ResultWriter
  ) async -> ExitCode {
    let console = Console(arguments: words)
    do {
      let code = try await dispatch(words, registry, signals, results)
      guard code == .success, results.ranOutOfSpace, let trouble = results.trouble else {
        return code
      }
      throw CommandError(.stopped, trouble, hint: "make room and run the same command again")
    } catch let error as UsageError {
      console.error(error.message, hint: error.hint)
      return .usage
    } catch let error as CommandError {
      console.error(error.message, hint: error.hint)
      return error.code
    } catch {
      console.error("internal error: \(type(of: error))", hint: FailureCode.internalError.hint)
      return .internalError
    }
  }
  private static func dispatch(
    _ words: [String], _ registry: StageRegistry, _ signals: SignalHub, _ results: ResultWriter
  ) async throws -> ExitCode {
    let commands = CommandTable.commands
    guard let (command, rest) = try CommandTable.find(words, in: commands, results) else {
      return .success
    }
    let arguments = try Arguments(rest, for: command)
    if arguments.wantsHelp {
      results.writeText(HelpText.page(command))
      return .success
    }
    let invocation = Invocation(
      registry: registry, signals: signals, commands: commands, results: results)
    return try await command.run(arguments, invocation)
  }
}
