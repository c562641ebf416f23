import IntakeCore
import IntakeCrypto
import IntakeSystem

/// The file that is started: whose it is, who may change it, and whether it is the one that was agreed on.
struct ProgramFile {
  let options: ExternalOptions
  private var path: String { options.program.first ?? "" }
  private var shown: String { Sanitizer.clean(path) }

  /// Refuses a file that another user could change, or whose digest is another than the plan's.
  func check() throws(StageFailure) {
    do throws(ProgramTrust.Problem) {
      try ProgramTrust.check(path)
    } catch {
      throw failure("\(shown): \(error.description)", hint: error.hint)
    }
    guard let expected = options.sha256?.lowercased() else { return }
    let actual = try digest()
    guard actual == expected else {
      throw failure(
        "\(shown) is not the file that the plan names: its SHA-256 is \(actual)",
        hint: "find out who changed it; if the change is wanted, put the new digest into the plan")
    }
  }

  func failure(starting error: SystemCallFailure) -> StageFailure {
    switch error.code {
    case SystemCallFailure.notFound:
      return failure(
        "\(shown) cannot be started: the interpreter that its first line names is missing",
        hint: "correct the #! line, or name the interpreter in \"program\"")
    case SystemCallFailure.notExecutable:
      return failure(
        "\(shown) cannot be started: neither a script with a #! line nor a program of this machine",
        hint: "begin the script with #!, or build the program for this machine")
    case SystemCallFailure.accessDenied:
      return failure(
        "\(shown) cannot be started: it is not executable", hint: "chmod +x the file")
    default: return failure("\(shown) cannot be started: \(error.reason)")
    }
  }

  private func failure(_ detail: String, hint: String = "correct \"program\" in the plan")
    -> StageFailure
  {
    StageFailure(.stageFailed, detail, hint: hint, outcome: .fatal)
  }

  private func digest() throws(StageFailure) -> String {
    do {
      let file = try Descriptor.open(ProgramTrust.resolved(path))
      return Hex.text(try Digest.sha256(file.wholeFile(atMost: .max)))
    } catch {
      throw failure("\(shown) cannot be read for its digest: \(error)")
    }
  }
}
