import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization

private let notRegular = "name the file itself, not a link to it, a folder or a device"

/// `--log-file FILE`: a copy of every message with its time, for whoever looks the next morning.
///
/// Log rotation may move the file away at any time: the next message makes a new one.
final class LogFile: Sendable {
  private let path: String
  private let file: Mutex<AppendOnlyFile?>

  /// Opens or makes the file (0600), before anything else happens.
  init(_ path: String) throws(CommandError) {
    self.path = path
    let isLink = DurableFile.exists(path) && !DurableFile.canBeReplaced(path)
    let file = try CommandError.naming(
      "--log-file \(Sanitizer.clean(path))",
      hint: isLink ? notRegular : "name a file in a folder that is there"
    ) { try LogFile.open(path) }
    self.file = Mutex(file)
  }

  /// Other processes may share the file: between two calls one of them may make it, or log rotation move it away.
  private static func open(_ path: String) throws(SystemCallFailure) -> AppendOnlyFile {
    while true {
      do throws(SystemCallFailure) {
        return try .open(path, .appending)
      } catch {
        guard error.code == SystemCallFailure.notFound else { throw error }
      }
      do throws(SystemCallFailure) {
        return try .open(path, .creating)
      } catch {
        guard error.code == SystemCallFailure.exists else { throw error }
      }
    }
  }

  /// Adds a message; one of JSON has its time already.
  ///
  /// A run must not end because its log cannot be written: the message is on standard error.
  func add(_ text: String, isJSON: Bool) {
    let time = isJSON ? "" : UTCTime(seconds: SystemTime.wall).rfc3339 + " "
    let lines = text.split(separator: "\n").map { time + $0 + "\n" }.joined()
    file.withLock { file in
      if (try? file?.isInPlace()) != true { file = try? LogFile.open(path) }
      try? file?.append(Array(lines.utf8))
    }
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
  private let wasReported = Atomic(false)
  private static let interval = Duration.seconds(15)

  init(_ path: String, target: String, console: Console) throws(CommandError) {
    guard DurableFile.exists(DurableFile.folder(of: path)) else {
      throw CommandError(
        .usage, "--metrics \(Sanitizer.clean(path)): there is no such folder",
        hint: "name a file in the collector's folder; its name has to end with .prom")
    }
    guard DurableFile.canBeReplaced(path) else {
      throw CommandError(
        .usage, "--metrics \(Sanitizer.clean(path)): it isn't a regular file", hint: notRegular)
    }
    (self.path, self.target, self.console) = (path, target, console)
  }

  /// Writes again and again; cancel the task when the run ends.
  func watch(_ monitor: RunMonitor) -> Task<Void, Never> {
    Task {
      // A short run may have ended before the first turn of this task, and written its last numbers.
      while !Task.isCancelled {
        write(monitor.summary, monitor.now, code: nil)
        try? await Task.sleep(for: MetricsFile.interval)
      }
    }
  }

  func end(_ summary: RunSummary, code: ExitCode) {
    write(summary, RunMonitor.Activity(), code: code)
  }

  private func write(_ summary: RunSummary, _ activity: RunMonitor.Activity, code: ExitCode?) {
    do throws(SystemCallFailure) {
      // Nothing in it is personal, and the collector is another user.
      try DurableFile.replace(path, Array(text(summary, activity, code).utf8), permissions: 0o644)
    } catch {
      // Said once: a full disk must not fill the log as well, and the run goes on.
      guard !wasReported.exchange(true, ordering: .relaxed) else { return }
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
    func counter(_ name: String, _ help: String, _ value: Double) {
      add(name, "counter", help, [("", value)])
    }
    func gauge(_ name: String, _ help: String, _ value: Double) {
      add(name, "gauge", help, [("", value)])
    }
    let rows = Verdict.allCases.map {
      (",outcome=\"\($0.rawValue)\"", Double(summary.counts[$0, default: 0]))
    }
    add("rows", "counter", "Rows that have ended.", rows)
    counter("image_bytes", "Bytes of the images as they came.", Double(summary.sourceBytes))
    counter("request_bytes", "Bytes of the request bodies.", Double(summary.bodyBytes))
    counter("retries", "Attempts after the first of a row.", Double(summary.retries))
    counter(
      "wait_seconds", "Seconds that rows waited for the target or the rate.", summary.waited)
    gauge("rows_in_flight", "Rows that are being worked on.", Double(activity.rows))
    gauge("requests_in_flight", "Requests without an answer.", Double(activity.requests))
    gauge("target_up", "Whether the target answers.", activity.downSince == nil ? 1 : 0)
    gauge("start_time_seconds", "When the run began.", started)
    if let code {
      gauge("end_time_seconds", "When the run ended.", SystemTime.wall)
      gauge("exit_code", "How the run ended.", Double(code.rawValue))
    }
    return text + "# EOF\n"
  }

  /// A label's value (OpenMetrics 1.0, section 5.2).
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}

/// `--notify PROGRAM`: runs a program at the end, with the summary as JSON on its standard input.
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

  /// Runs the program; a failure is reported and changes nothing else.
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
