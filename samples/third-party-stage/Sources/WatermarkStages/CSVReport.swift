public import IntakeCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Appends one line of CSV for each row, for a spreadsheet; stands after `record`, which keeps the ledger.
public final class CSVReport: Recorder {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("the file to append to; required") var path: String? = nil

    /// Every option with its default.
    public init() {}
  }

  /// `csv-report`.
  public static let name = "csv-report"
  /// What it does.
  public static let summary = "append what became of each row to a CSV file"
  /// An entry that works.
  public static let example = #"{"stage":"csv-report","path":"report.csv"}"#

  private let path: String
  /// -1 until `prepare`.
  private let descriptor = Mutex<Int32>(-1)

  /// Takes checked options; opens nothing yet.
  public init(options: Options) throws(OptionError) {
    guard let path = options.path, !path.isEmpty else {
      throw OptionError(option: "path", "stage \"csv-report\" needs a path")
    }
    self.path = path
  }

  /// Opens the file, readable by its owner only.
  public func prepare() async throws {
    let opened = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard opened >= 0 else {
      throw StageFailure(
        .stageFailed, "the CSV file cannot be opened: \(String(cString: strerror(errno)))",
        hint: "correct csv-report.path", outcome: .fatal)
    }
    descriptor.withLock { $0 = opened }
  }

  /// Writes one line with one call, so that two programs may share the file.
  public func run(_ outcome: consuming Outcome, in context: StageContext) throws {
    let outcome = outcome
    let cells = [
      String(outcome.row.line), outcome.row.id ?? "", outcome.verdict.rawValue,
      outcome.failure?.code.rawValue ?? "",
    ]
    let line = Array((cells.map(quoted).joined(separator: ",") + "\r\n").utf8)
    let count = descriptor.withLock { write($0, line, line.count) }
    guard count == line.count else {
      throw StageFailure(.stageFailed, "the CSV file cannot be written", outcome: .fatal)
    }
  }

  /// Closes the file.
  public func finish() async {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }

  /// RFC 4180; a leading quote keeps spreadsheets from taking a cell for a formula.
  private func quoted(_ cell: String) -> String {
    let isFormula = cell.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
    let text = (isFormula ? "'" : "") + cell
    let doubled = text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"")
    return "\"\(doubled)\""
  }
}
