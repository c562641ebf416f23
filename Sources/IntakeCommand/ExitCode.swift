import IntakeCore
import IntakeRunner
import IntakeSandbox
import IntakeSystem

/// What the command ends with; the one table, in order of what scripts do about it.
enum ExitCode: Int32, CaseIterable {
  case success = 0
  case internalError = 1
  case usage = 2
  case notAccepted = 3
  case stopped = 4
  case inDoubt = 5
  case ledgerUnusable = 6
  case interrupted = 130
  case terminated = 143

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

  static var table: String {
    "Exit codes:\n"
      + allCases.map { "  " + "\($0.rawValue)".padded(to: 5) + $0.summary }
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
      // The target doesn't have what was changed after it had been accepted.
      self = summary.notAccepted + summary.changed > 0 ? .notAccepted : .success
    }
  }

  /// How a single request ends that was not accepted: 2 when nothing was sent, 5 when it may have been, else 3.
  init(of receipt: Receipt, to request: Submission) {
    switch receipt.outcome {
    case .fatal where receipt.http == nil: self = .usage
    case .inDoubt where request.repeatSafety != .safe: self = .inDoubt
    default: self = .notAccepted
    }
  }
}

/// The error that ends a command: its exit code, a message and the next step.
struct CommandError: Error {
  let code: ExitCode
  let message: String
  let hint: String?
  /// Words to add to the command line that put it right.
  var remedy: [String] = []

  init(_ code: ExitCode, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// Whatever ended a command before it worked on any row.
  init(_ error: any Error) {
    switch error {
    case let error as CommandError: self = error
    case let error as JournalError: self.init(.ledgerUnusable, error.description)
    case let error as PlanError: self.init(.usage, error.description, hint: error.hint)
    case let error as PipelineError: self.init(error.failure)
    case let failure as StageFailure:
      let file = failure.file.map { Sanitizer.clean($0) + ": " } ?? ""
      let detail = Sanitizer.clean(failure.detail, limit: 8000)
      self.init(.usage, file + detail, hint: failure.hint)
      remedy = failure.remedy
    case let error as ThreadsUnavailable: self.init(.usage, error.description)
    case let error as SandboxError:
      self.init(.usage, error.description, hint: "see docintake sandbox --help")
    default:
      self.init(
        .internalError, "internal error: \(PipelineError.logText(of: error))",
        hint: FailureCode.internalError.hint)
    }
  }

  /// The failure of a single request, which has neither a row nor a ledger.
  init(of receipt: Receipt, to request: Submission) {
    let code = ExitCode(of: receipt, to: request)
    let hint: String? =
      switch receipt.code {
      case _ where code == .inDoubt:
        "it may have been accepted: ask the target, as with `docintake customer status`, before you "
          + "give the command again"
      case .noAnswer, .throttled, .targetFailed: "run the same command again later"
      case .unrecognizedAnswer, .refusedByTarget, .bodyTooLarge:
        "check the options and --endpoint, or ask the vendor"
      case .credentialsRefused: receipt.hint ?? "check --credentials before you try again"
      default: receipt.hint ?? receipt.code?.hint
      }
    let detail = receipt.detail ?? "the answer \(receipt.http ?? 0) isn't readable"
    self.init(
      code, detail + receipt.quotation(TextMask(hiding: [request.customer.exposed])), hint: hint)
  }

  /// The next step; with the whole command line to run instead, where the error knows what it lacks.
  func hint(after words: [String]) -> String? {
    guard !remedy.isEmpty else { return hint }
    let split = words.firstIndex(of: "--") ?? words.endIndex
    let all = words[..<split] + remedy + words[split...]
    let command = ([ProgramName.typed] + all).map(ShellText.quoted).joined(separator: " ")
    return (hint.map { $0 + "\n  or run:\n  " } ?? "run: ") + command
  }

  /// Does something with a file; what goes wrong is said after `name` and a colon.
  static func naming<Result>(
    _ name: String, _ code: ExitCode = .usage, hint: String? = nil, _ body: () throws -> Result
  ) throws(CommandError) -> Result {
    do {
      return try body()
    } catch {
      throw CommandError(code, "\(name): \(error)", hint: hint)
    }
  }

  /// Writes a file or folder; the message about a failure names it.
  static func writing(_ path: String, hint: String? = nil, _ body: () throws -> Void)
    throws(CommandError)
  {
    try naming("\(Sanitizer.clean(path)) cannot be written", hint: hint, body)
  }
}
