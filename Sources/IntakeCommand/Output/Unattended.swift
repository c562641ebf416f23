import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization

/// `--log-file FILE`: a copy of every message with its time, for whoever looks the next morning.
///
/// Log rotation may move the file away at any time: the next message makes a new one.
final class LogFile: Sendable {
  private let path: String
  private let file: Mutex<AppendOnlyFile?>

  /// Opens or makes the file (0600), before anything else happens.
  init(_ path: String) throws(CommandError) {
    self.path = path
    let file = try CommandError.naming(
      "--log-file \(Sanitizer.clean(path))", hint: "name a file in a folder that is there"
    ) { try LogFile.open(path) }
    self.file = Mutex(file)
  }

  private static func open(_ path: String) throws(SystemCallFailure) -> AppendOnlyFile {
    DurableFile.exists(path) ? try .open(path, .appending) : try .open(path, .creating)
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
/// Written every 15 s, which is how often Prometheus usually asks, and at the end, whatever it is; always whole.
final class MetricsFile: Sendable {
  private struct State {
    /// Empty, which is as good as no label, where a run ends before it knows.
    var target = ""
    /// Nil for a run that hasn't come to any row.
    var monitor: RunMonitor?
    var wasReported = false
    var hasEnded = false
  }

  private let path: String
  private let started = SystemTime.wall
  private let console: Console
  private let state = Mutex(State())
  private static let interval = Duration.seconds(15)

  init(_ path: String, console: Console) throws(CommandError) {
    guard DurableFile.exists(DurableFile.folder(of: path)) else {
      throw CommandError(
        .usage, "--metrics \(Sanitizer.clean(path)): there is no such folder",
        hint: "name a file in the collector's folder; its name has to end with .prom")
    }
    (self.path, self.console) = (path, console)
  }

  /// Names the receiving API that the numbers are about.
  func name(target: String) { state.withLock { $0.target = target } }

  /// Writes again and again; cancel the task when the run ends.
  func watch(_ monitor: RunMonitor) -> Task<Void, Never> {
    state.withLock { $0.monitor = monitor }
    return Task {
      while !Task.isCancelled {
        write(nil)
        try? await Task.sleep(for: MetricsFile.interval)
      }
    }
  }

  /// Writes the last numbers.
  func end(with code: ExitCode) { write(code) }

  private func write(_ code: ExitCode?) {
    state.withLock { state in
      // A short run may end before the first turn of the task that writes.
      guard !state.hasEnded else { return }
      state.hasEnded = code != nil
      do throws(SystemCallFailure) {
        // Nothing in it is personal, and the collector is another user.
        try DurableFile.replace(path, Array(text(state, code).utf8), permissions: 0o644)
      } catch {
        // Said once: a full disk must not fill the log as well, and the run goes on.
        guard !state.wasReported else { return }
        state.wasReported = true
        console.log(.warning, "--metrics \(Sanitizer.clean(path)) is not written: \(error)")
      }
    }
  }

  private func text(_ state: State, _ code: ExitCode?) -> String {
    let summary = state.monitor?.summary ?? RunSummary()
    let activity = code == nil ? state.monitor?.now ?? .init() : .init()
    var text = ""
    func add(_ name: String, _ kind: String, _ help: String, _ samples: [(String, Double)]) {
      text += "# TYPE docintake_\(name) \(kind)\n# HELP docintake_\(name) \(help)\n"
      let suffix = kind == "counter" ? "_total" : ""
      for (labels, value) in samples {
        let all = "target=\"\(MetricsFile.escaped(state.target))\"" + labels
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

/// `--notify PROGRAM`: runs a program at the end, with the summary, or what kept the run from one, as JSON on its
/// standard input.
struct Notifier: Sendable {
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

  /// Tells what ended a command before its summary, as standard error does.
  func run(_ error: CommandError, console: Console) {
    let hint = error.hint.map { ProgramName.applied(to: $0) }
    let fields: JSONFields = [
      ("type", "error"), ("message", Sanitizer.clean(error.message, limit: 1000)), ("hint", hint),
    ]
    run(fields, code: error.code, console: console)
  }

  /// Runs the program; a failure is reported and changes nothing else.
  func run(_ event: JSONFields, code: ExitCode, console: Console) {
    let fields =
      event + [
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
