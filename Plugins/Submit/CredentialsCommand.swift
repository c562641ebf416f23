import IntakeCore
import IntakeSystem

/// A command that prints the credentials: a password manager, a vault client, `cat`.
struct CredentialsCommand {
  let command: String
  /// How long it may take, in seconds: somebody may have to touch a key first.
  var seconds = 10.0

  init(_ command: String) { self.command = command }

  /// Runs the command in `/bin/sh` and takes what it prints.
  func run() throws(StageFailure) -> [UInt8] {
    let launch = ProgramLaunch(
      ["/bin/sh", "-c", command], environment: ProgramLaunch.cleanEnvironment())
    let outcome: ProgramOutcome
    do throws(SystemCallFailure) {
      outcome = try launch.run(outputLimit: CredentialsSource.sizeLimit, seconds: seconds)
    } catch {
      throw .credentials("/bin/sh cannot be started: \(error.reason)")
    }
    guard case .success(.exited(0)) = outcome.end else {
      let said = String(decoding: outcome.errors, as: UTF8.self)
      let words = said.isEmpty ? "" : ": " + Sanitizer.clean(said)
      throw .credentials("the credentials command \(ending(outcome.end))\(words)")
    }
    return try SecretDescriptor.trimmed(
      outcome.output, name: "the output of the credentials command")
  }

  private func ending(_ end: Result<ProgramEnd.Status, RunningProgram.Trouble>) -> String {
    switch end {
    case .success(let status): return status.description
    case .failure(.flooded): return "printed more than \(CredentialsSource.sizeLimit) bytes"
    case .failure: return "was stopped after \(Int(seconds)) s"
    }
  }
}
