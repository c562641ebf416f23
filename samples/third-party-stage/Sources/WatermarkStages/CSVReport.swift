public import IntakeCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Appends one line of CSV for each row, for a spreadsheet; stands after `record`, which keeps the ledger.
public final class CSVReport: Recorder {
  private static let path = StageOption<String?>.text(
    "path", help: "the file to append to; required")

  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "csv-report", summary: "append what became of each row to a CSV file",
    options: [path.descriptor], example: #"{"stage":"csv-report","path":"report.csv"}"#)

  private let path: String
  /// -1 until `prepare`.
  private let descriptor = Mutex<Int32>(-1)

  /// Takes checked options; opens nothing yet.
  public init(options: StageOptions) throws(OptionError) {
    guard let path = options[Self.path], !path.isEmpty else {
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
  public func record(_ outcome: Outcome) async throws {
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
