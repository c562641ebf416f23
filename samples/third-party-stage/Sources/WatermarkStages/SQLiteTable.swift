public import IntakeCore
import Synchronization

/// Appends one row to a table of a SQLite database for each customer, through the `sqlite3` command.
///
/// It stands after `record`, which keeps the ledger. No e-mail, name or date is written: only what results show.
public final class SQLiteTable: Recorder {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("the database; made when it is not there; required") var path: String? = nil
    @Option("where the sqlite3 command is; default: /usr/bin/sqlite3") var command: String? = nil

    /// Every option with its default.
    public init() {}
  }

  /// `sqlite-table`.
  public static let name = "sqlite-table"
  /// What it does.
  public static let summary = "append what became of each row to a SQLite table"
  /// An entry that works.
  public static let example = #"{"stage":"sqlite-table","path":"outcomes.db"}"#

  private static let table = """
    CREATE TABLE IF NOT EXISTS outcomes (at TEXT NOT NULL, row INTEGER NOT NULL, id TEXT, \
    outcome TEXT NOT NULL, code TEXT, http INTEGER, attempts INTEGER NOT NULL);
    """

  private let arguments: [String]
  /// nil until `prepare`.
  private let shell = Mutex<SQLiteShell?>(nil)

  /// Takes checked options; starts nothing yet.
  public init(options: Options) throws(OptionError) {
    guard let path = options.path, !path.isEmpty else {
      throw OptionError(option: "path", "stage \"sqlite-table\" needs a path")
    }
    let command = options.command ?? "/usr/bin/sqlite3"
    guard command.contains("/") else {
      throw OptionError(option: "command", "give the whole path of sqlite3; PATH is not searched")
    }
    // A path in front of the name, so that it is neither an option nor an address; and nobody's settings.
    let file = path.hasPrefix("/") ? path : "./" + path
    arguments = [command, "-batch", "-bail", "-init", "/dev/null", file]
  }

  /// Starts the command and makes the table, so that a database that cannot be used ends the run at its start.
  public func prepare() async throws {
    try shell.withLock { shell in
      var started = try SQLiteShell(arguments)
      // Another program may hold the file for a moment.
      try started.run(".timeout 5000\n" + Self.table)
      shell = started
    }
  }

  /// Inserts the row; returns when the command has committed it.
  public func run(_ outcome: consuming Outcome, in context: StageContext) throws {
    let outcome = outcome
    let values = [
      "strftime('%Y-%m-%dT%H:%M:%fZ','now')", String(outcome.row.line), literal(outcome.row.id),
      literal(outcome.verdict.rawValue), literal(outcome.failure?.code.rawValue),
      outcome.receipt?.http.map(String.init) ?? "NULL", String(outcome.attempts),
    ]
    try shell.withLock { shell in
      guard shell != nil else { throw SQLiteShell.failure }
      try shell?.run("INSERT INTO outcomes VALUES (\(values.joined(separator: ",")));")
    }
  }

  /// Ends the command.
  public func finish() async {
    shell.withLock { shell in
      shell?.end()
      shell = nil
    }
  }

  /// A text as hexadecimal digits: whatever it holds, no quote, no line and no command of the shell can be in it.
  private func literal(_ text: String?) -> String {
    guard let text else { return "NULL" }
    let digits = Array("0123456789ABCDEF")
    let hex = text.utf8.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return "CAST(X'\(String(hex))' AS TEXT)"
  }
}
