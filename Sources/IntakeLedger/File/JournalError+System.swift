import IntakeCore
import IntakeSystem

extension JournalError {
  /// Runs system calls and says what an error of theirs means for the ledger, with the next step.
  static func explaining<Result>(
    _ what: String, _ calls: () throws(SystemCallFailure) -> Result
  ) throws(JournalError) -> Result {
    do throws(SystemCallFailure) {
      return try calls()
    } catch {
      throw JournalError("\(what) (\(error)): \(error.nextStep)")
    }
  }
}

extension SystemCallFailure {
  /// What the operator can do about it.
  var nextStep: String {
    if code == SystemCallFailure.fileTooLarge {
      return "raise the limit on file sizes (`ulimit -f`) and run the same command again"
    }
    if isOutOfSpace { return "free disk space and run the same command again" }
    switch code {
    case SystemCallFailure.notPermitted, SystemCallFailure.accessDenied:
      return "check the owner and permissions of the file and its folder"
    case SystemCallFailure.readOnly: return "use --ledger with a path on a disk that can be written"
    case SystemCallFailure.isLink: return "name the file itself, not a symbolic link to it"
    case SystemCallFailure.isFolder: return "name a file, not a folder"
    case SystemCallFailure.isSpecial: return "name a regular file, not a pipe or device"
    default: return "check the path and the disk, then run the same command again"
    }
  }
}
