import IntakeCore

/// A command that prints the credentials: a password manager, a vault client, `cat`.
struct CredentialsCommand {
  let command: String

  init(_ command: String) { self.command = command }

  /// Runs the command in `/bin/sh` and takes what it prints.
  func run() throws(StageFailure) -> [UInt8] {
    let result = try ChildProcess.run(
      ["/bin/sh", "-c", command], outputLimit: CredentialsSource.sizeLimit, patience: .seconds(10))
    let said = String(decoding: result.errors, as: UTF8.self)
    let words = said.isEmpty ? "" : ": " + Sanitizer.clean(said)
    switch result.end {
    case .exited(0):
      return try SecretDescriptor.trimmed(
        result.output, name: "the output of the credentials command")
    case .exited(let code):
      throw .credentials("the credentials command ended with exit code \(code)\(words)")
    case .signalled(let number):
      throw .credentials("the credentials command was ended by signal \(number)\(words)")
    case .overrun:
      throw .credentials("the credentials command was stopped after 10 s\(words)")
    case .flooded:
      throw .credentials(
        "the credentials command printed more than \(CredentialsSource.sizeLimit) bytes")
    }
  }
}
