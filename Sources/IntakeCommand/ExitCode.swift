import IntakeCore
import IntakeRunner
import IntakeSystem

/// What the command ends with; the one table, in order of what scripts do about it.
public enum ExitCode: Int32, Sendable, CaseIterable {
  /// All accepted, or nothing left to do.
  case success = 0
  /// A programming error.
  case internalError = 1
  /// A command line, plan, manifest or configuration that cannot be used; nothing was sent.
  case usage = 2
  /// Finished; some rows were not accepted.
  case notAccepted = 3
  /// Stopped before the end; the same command again goes on.
  case stopped = 4
  /// Finished; some rows are in doubt.
  case inDoubt = 5
  /// The ledger cannot be used.
  case ledgerUnusable = 6
  /// Ended by the second SIGINT.
  case interrupted = 130
  /// Ended by the second SIGTERM.
  case terminated = 143

  /// What it means, in a line.
  var summary: String {
    switch self {
    case .success: return "all rows accepted, or nothing left to do"
    case .internalError: return "internal error"
    case .usage: return "usage or configuration; nothing was sent"
    case .notAccepted: return "finished, some rows were not accepted"
    case .stopped: return "stopped early; the same command again goes on"
    case .inDoubt: return "finished, some rows are in doubt (wins over 3)"
    case .ledgerUnusable: return "the ledger cannot be used"
    case .interrupted: return "aborted by a second SIGINT"
    case .terminated: return "aborted by a second SIGTERM"
    }
  }

  /// The table as help shows it.
  static var table: String {
    "Exit codes:\n"
      + allCases.map { "  " + HelpText.pad(String($0.rawValue), 5) + $0.summary }
      .joined(separator: "\n")
  }

  /// How a run ends: the first that applies.
  init(_ summary: RunSummary) {
    if summary.journalError != nil {
      self = .ledgerUnusable
    } else if summary.internalError != nil {
      self = .internalError
    } else if summary.stopReason != nil || summary.loadFailure != nil {
      self = .stopped
    } else if summary.counts[.inDoubt] != nil {
      self = .inDoubt
    } else {
      self = summary.notAccepted > 0 ? .notAccepted : .success
    }
  }
}

/// An error that ends the command with a message of its own.
struct CommandError: Error, Sendable {
  let code: ExitCode
  let message: String
  let hint: String?

  init(_ code: ExitCode, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// The error of a run that didn't start.
  init(runFailure error: any Error) {
    switch error {
    case let error as JournalError: self.init(.ledgerUnusable, error.description)
    case let failure as StageFailure:
      let file = failure.file.map { Sanitizer.clean($0) + ": " } ?? ""
      let detail = Sanitizer.clean(failure.detail, limit: 8000)
      self.init(.usage, file + detail, hint: failure.hint)
    case let error as PipelineError:
      self.init(.usage, error.failure.detail, hint: error.failure.hint)
    case let error as ThreadsUnavailable: self.init(.usage, error.description)
    default: self.init(.internalError, "internal error: \(type(of: error))")
    }
  }

  /// The failure of a single request: code 2 when nothing could be sent, 5 when nobody knows, else 3.
  init(_ failure: StageFailure) {
    let code: ExitCode
    switch failure.outcome {
    case .fatal: code = .usage
    case .inDoubt: code = .inDoubt
    default: code = .notAccepted
    }
    self.init(code, failure.detail, hint: failure.hint)
  }
}
