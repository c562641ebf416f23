import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization

/// `--log-file FILE`: every message once more, with its time, for whoever looks the next morning.
///
/// Whoever rotates logs may move the file away at any time: the next message makes a new one.
final class LogFile: Sendable {
  private let path: String
  private let file: Mutex<AppendOnlyFile?>

  /// Opens or makes the file (0600), before anything else happens.
  init(_ path: String) throws(CommandError) {
    self.path = path
    do throws(SystemCallFailure) {
      file = Mutex(try LogFile.open(path))
    } catch {
      throw CommandError(
        .usage, "--log-file \(Sanitizer.clean(path)): \(error)",
        hint: "name a file in a folder that is there")
    }
  }

  private static func open(_ path: String) throws(SystemCallFailure) -> AppendOnlyFile {
    DurableFile.exists(path) ? try .open(path, .appending) : try .open(path, .creating)
  }

  /// Adds a message; one of JSON has its time already.
  ///
  /// A run must not end because its log cannot be written: the message is on standard error.
  func add(_ text: String, isJSON: Bool) {
    let time = isJSON ? "" : UTCTime(seconds: SystemTime.wall).rfc3339 + " "
    let lines = LogFile.plain(text).split(separator: "\n").map { time + $0 + "\n" }.joined()
    file.withLock { file in
      if (try? file?.isInPlace()) != true { file = try? LogFile.open(path) }
      try? file?.append(Array(lines.utf8))
    }
  }

  /// The text without colours.
  private static func plain(_ text: String) -> String {
    var (result, rest) = ("", text[...])
    while let start = rest.firstRange(of: "\u{1B}[") {
      result += rest[..<start.lowerBound]
      rest = rest[start.upperBound...].drop { $0 != "m" }.dropFirst()
    }
    return result + rest
  }
}

/// `--metrics FILE`: the numbers of a run as OpenMetrics text, for the textfile collector of the node exporter.
///
/// Written every 15 s, which is how often Prometheus usually asks, and at the end; always whole.
final class MetricsFile: Sendable {
  private let path: String
  private let target: String
  private let started = SystemTime.wall
  private let console: Console
  private let isBroken = Mutex(false)
  private static let interval = Duration.seconds(15)

  /// Takes a path in a folder that is there.
  init(_ path: String, target: String, console: Console) throws(CommandError) {
    guard DurableFile.exists(DurableFile.folder(of: path)) else {
      throw CommandError(
        .usage, "--metrics \(Sanitizer.clean(path)): there is no such folder",
        hint: "name a file in the collector's folder; its name has to end with .prom")
    }
    (self.path, self.target, self.console) = (path, target, console)
  }

  /// Writes while something runs.
  func watching<Result>(
    _ monitor: RunMonitor, _ body: () async throws -> Result
  ) async rethrows -> Result {
    let task = Task {
      while !Task.isCancelled {
        write(monitor.summary, monitor.now, code: nil)
        try await Task.sleep(for: MetricsFile.interval)
      }
    }
    defer { task.cancel() }
    return try await body()
  }

  /// Writes the numbers at the end of a run.
  func end(_ summary: RunSummary, code: ExitCode) {
    write(summary, RunMonitor.Activity(), code: code)
  }

  private func write(_ summary: RunSummary, _ activity: RunMonitor.Activity, code: ExitCode?) {
    do throws(SystemCallFailure) {
      // Nothing in it is personal, and the collector is another user.
      try DurableFile.replace(path, Array(text(summary, activity, code).utf8), permissions: 0o644)
    } catch {
      // Said once: a full disk must not fill the log as well, and the run goes on.
      guard
        isBroken.withLock({ was in
          defer { was = true }; return !was
        })
      else { return }
      console.log(.warning, "--metrics \(Sanitizer.clean(path)) is not written: \(error)")
    }
  }

  private func text(_ summary: RunSummary, _ activity: RunMonitor.Activity, _ code: ExitCode?)
    -> String
  {
    var text = ""
    func add(_ name: String, _ kind: String, _ help: String, _ samples: [(String, Double)]) {
      text += "# TYPE docintake_\(name) \(kind)\n# HELP docintake_\(name) \(help)\n"
      let suffix = kind == "counter" ? "_total" : ""
      for (labels, value) in samples {
        let all = "target=\"\(MetricsFile.escaped(target))\"" + labels
        text += "docintake_\(name)\(suffix){\(all)} \(JSONOutput.decimal(value).text)\n"
      }
    }
    add(
      "rows", "counter", "Rows that have ended.",
      Verdict.allCases.map {
        (",outcome=\"\($0.rawValue)\"", Double(summary.counts[$0, default: 0]))
      })
    add(
      "image_bytes", "counter", "Bytes of the images as they came.",
      [("", Double(summary.sourceBytes))])
    add(
      "request_bytes", "counter", "Bytes of the request bodies.", [("", Double(summary.bodyBytes))])
    add("retries", "counter", "Attempts after the first of a row.", [("", Double(summary.retries))])
    add(
      "wait_seconds", "counter", "Seconds that rows waited for the target or the rate.",
      [("", summary.waited)])
    add("rows_in_flight", "gauge", "Rows that are being worked on.", [("", Double(activity.rows))])
    add(
      "requests_in_flight", "gauge", "Requests without an answer.",
      [("", Double(activity.requests))])
    add(
      "target_up", "gauge", "Whether the target answers.", [("", activity.downSince == nil ? 1 : 0)]
    )
    add("start_time_seconds", "gauge", "When the run began.", [("", started)])
    if let code {
      add("end_time_seconds", "gauge", "When the run ended.", [("", SystemTime.wall)])
      add("exit_code", "gauge", "How the run ended.", [("", Double(code.rawValue))])
    }
    return text + "# EOF\n"
  }

  /// A label's value (OpenMetrics 1.0, section 5.2).
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}

/// `--notify PROGRAM`: is run at the end, with the summary as JSON on its standard input.
struct Notifier {
  private let path: String
  /// Seconds: longer than a mail server takes to answer, short enough for a job that waits for this one.
  private static let patience = 60.0

  /// Checks that the program is there, before anything is sent.
  init(_ path: String) throws(CommandError) {
    guard path.contains("/") else {
      throw CommandError(
        .usage, "--notify takes a path with a \"/\", not \(path.quoted()): PATH is not searched",
        hint: "write ./\(Sanitizer.clean(path)), or the whole path")
    }
    do throws(ProgramTrust.Problem) {
      try ProgramTrust.check(path)
    } catch {
      throw CommandError(
        .usage, "--notify \(Sanitizer.clean(path)): \(error.description)",
        hint: "name an executable file that nobody else can change")
    }
    self.path = path
  }

  /// Runs the program; what goes wrong with it is said and changes nothing else.
  func run(_ summary: JSONFields, code: ExitCode, console: Console) {
    let fields =
      summary + [
        ("exitCode", Int(code.rawValue)), ("at", UTCTime(seconds: SystemTime.wall).rfc3339),
      ]
    let input = Array((JSONOutput(fields: fields).text + "\n").utf8)
    let name = Sanitizer.clean(path)
    do throws(SystemCallFailure) {
      let launch = ProgramLaunch([path], environment: ProgramLaunch.cleanEnvironment())
      let outcome = try launch.run(input: input, outputLimit: 1 << 20, seconds: Notifier.patience)
      guard case .success(.exited(0)) = outcome.end else {
        let ending =
          switch outcome.end {
          case .success(let status): status.description
          case .failure: "took more than \(Int(Notifier.patience)) s and was stopped"
          }
        return console.log(.warning, "--notify \(name) \(ending)")
      }
    } catch {
      console.log(.warning, "--notify \(name) cannot be started: \(error)")
    }
  }
}
