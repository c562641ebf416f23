import IntakeCore
import IntakeSystem
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Standard error: messages for people, or the same as JSON Lines.
///
/// Messages for people go above the progress line, if there is one. They have the time of day once a command is at
/// work: whoever reads a log wants to know when.
final class Console: Sendable {
  private struct State {
    /// Gets a copy of every message.
    var file: LogFile?
    var manifest = ""
  }

  let isJSON: Bool
  /// Whether warnings and errors are commands of a GitHub workflow, which shows them beside the manifest.
  private let isGitHub: Bool
  /// Whether programs read the messages.
  var isForPrograms: Bool { isJSON || isGitHub }
  let statusLine: StatusLine
  private let isColored: Bool
  /// Whether messages in words begin with the time of day.
  private let isTimed: Bool
  private let state = Mutex(State())

  init(format: String?, statusLine: StatusLine, isTimed: Bool = false) {
    (self.statusLine, self.isTimed) = (statusLine, isTimed)
    (isJSON, isGitHub) = (format == "json", format == "github")
    isColored = format != "json" && format != "github" && Terminal.wantsColor
  }

  /// The format of messages that a command line asks for, also where it holds an error.
  static func format(in words: [String]) -> String? {
    guard let index = words.firstIndex(where: { $0.hasPrefix("--log-format") }) else { return nil }
    return words[index].halves(at: "=")?.1 ?? words.dropFirst(index + 1).first
  }

  /// Writes every message to a file as well, from now on.
  func copyMessages(to file: LogFile) { state.withLock { $0.file = file } }

  /// Names the manifest that the messages about rows refer to.
  func name(manifest path: String) { state.withLock { $0.manifest = path } }

  func error(_ message: String, hint: String?) {
    let hint = hint.map { ProgramName.applied(to: $0) }
    if isForPrograms {
      log(.error, hint.map { "\(message) (\($0))" } ?? message)
    } else {
      say(.error, message, hint: hint)
    }
  }

  func log(_ level: LogLevel, _ message: String, row: RowReference? = nil) {
    if isGitHub, level >= .notice { return write(annotation(level, message, row)) }
    guard isJSON else {
      let message = Sanitizer.clean(message, limit: 1000)
      let place = row.map { Console.name($0) + ": " } ?? ""
      return say(level, place + message)
    }
    event([
      ("type", "log"), ("level", level.rawValue), ("message", message), ("row", row?.line),
      ("id", row?.id),
    ])
  }

  /// A workflow command; GitHub takes the three levels by these names.
  private func annotation(_ level: LogLevel, _ message: String, _ row: RowReference?) -> String {
    func escaped(_ text: String, _ more: String = "") -> String {
      PercentText.encoded(text) { !("%\r\n" + more).utf8.contains($0) }
    }
    let file = state.withLock(\.manifest)
    let place = row.map { row in
      " file=\(escaped(Sanitizer.clean(file), ",:")),line=\(row.line)"
    }
    let text = (row.map { Console.name($0) + ": " } ?? "") + Sanitizer.clean(message, limit: 1000)
    return "::\(level.rawValue)\(place ?? "")::\(escaped(text))"
  }

  /// Writes what became of a row, in words.
  func note(_ text: String) { put(time + text, inFile: text) }

  /// Writes how far a run has come, in words.
  func status(_ text: String) {
    put("\(ProgramName.current): \(time)\(text)", inFile: "\(ProgramName.current): \(text)")
  }

  /// Adds what became of a row to the log file alone: the terminal shows it as a result.
  func logOnly(_ text: String) { state.withLock { $0.file?.add(text, isJSON: isJSON) } }

  /// Writes lines as they are.
  func write(_ text: String) { put(text, inFile: text) }

  /// `docintake: 22:14:05 warning: …`; a file of messages has times of its own, with the day.
  private func say(_ level: LogLevel, _ words: String, hint: String? = nil) {
    let time = time
    let head = "\(ProgramName.current): \(time)\(level.rawValue):"
    var text = "\(head) \(words)"
    // A terminal would break it within a word, but the hint may have a command to paste.
    if Terminal.isInteractive, hint == nil, !time.isEmpty {
      text = text.wrapped(to: Terminal.width() - 2).joined(separator: "\n  ")
    }
    if text.hasPrefix(head) {
      text =
        "\(ProgramName.current): \(time)\(paint(level.rawValue, level)):"
        + text.dropFirst(head.count)
    }
    let next = hint.map { "\n  \($0)" } ?? ""
    put(text + next, inFile: "\(ProgramName.current): \(level.rawValue): \(words)\(next)")
  }

  /// `22:14:05 `, or nothing where no command is at work yet.
  private var time: String { isTimed ? WallClock.time(SystemTime.wall) + " " : "" }

  private func put(_ text: String, inFile copy: String) {
    state.withLock { $0.file?.add(copy, isJSON: isJSON) }
    statusLine.above { _ = RawDescriptor.write(Array((text + "\n").utf8), to: 2) }
  }

  func write(_ fields: JSONFields) { write(JSONOutput(fields: fields).text) }

  /// Writes an event for programs, whose first field is its type, with the time.
  func event(_ fields: JSONFields) {
    write(
      fields.prefix(1) + [("time", UTCTime(seconds: SystemTime.wall).rfc3339)] + fields.dropFirst())
  }

  /// `line 12 (C-1001)`.
  static func name(_ row: RowReference) -> String {
    "line \(row.line)" + (row.label.map { " (\(Sanitizer.clean($0, limit: 60)))" } ?? "")
  }

  private func paint(_ text: String, _ level: LogLevel) -> String {
    guard isColored else { return text }
    let code = level >= .error ? "31" : level == .warning ? "33" : "36"
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}

/// The line at the bottom of a terminal; everything else is written above it.
///
/// The cursor waits at its start. A terminal that is made narrower may break the line in two: from there both parts
/// are erased.
final class StatusLine: Sendable {
  private let shown = Mutex((text: "", width: 0))
  private static let erase = "\r\u{1B}[J"

  /// Replaces the line; an empty text removes it.
  func show(_ text: String) {
    shown.withLock { shown in
      let width = text.isEmpty ? 0 : Terminal.width()
      guard (text, width) != shown else { return }
      let erase = shown.text.isEmpty ? "" : StatusLine.erase
      shown = (text, width)
      put(erase + drawn(text))
    }
  }

  /// Removes the line, lets somebody write whole lines, and shows it again.
  func above<Result>(_ write: () -> Result) -> Result {
    shown.withLock { shown in
      guard !shown.text.isEmpty else { return write() }
      put(StatusLine.erase)
      defer { put(drawn(shown.text)) }
      return write()
    }
  }

  /// The terminal may have another width than the text was made for.
  private func drawn(_ text: String) -> String {
    text.isEmpty ? "" : text.cut(toColumns: Terminal.width() - 1) + "\r"
  }

  private func put(_ text: String) { _ = RawDescriptor.write(Array(text.utf8), to: 2) }
}

/// What the terminal behind standard error can do.
enum Terminal {
  static var isInteractive: Bool { isThere && environment("TERM") != "dumb" }

  /// Whether there is one, whatever it can do.
  static var isThere: Bool { isatty(2) == 1 }

  /// NO_COLOR (no-color.org) wins over CLICOLOR_FORCE; without either, colour where a person watches.
  static var wantsColor: Bool {
    if environment("NO_COLOR") != nil { return false }
    if let force = environment("CLICOLOR_FORCE"), force != "0" { return true }
    return isInteractive
  }

  /// Columns of the terminal now, 80 when it does not say.
  static func width(of descriptor: Int32 = 2) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The program's folder in a base directory of freedesktop.org, whose specification ignores relative values; nil
  /// without a home.
  static func ownFolder(_ variable: String, below usual: String) -> String? {
    let base = environment(variable).flatMap { $0.hasPrefix("/") ? $0 : nil }
    let home = environment("HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (base ?? home.map { $0 + "/" + usual }).map { $0 + "/docintake" }
  }

  /// A variable that is set and not empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}

/// Standard output, kept for results alone.
///
/// The stream itself is moved to a descriptor of its own and its place is taken by standard error, so that a
/// stray `print` in a stage cannot end up between results.
final class ResultWriter: Sendable {
  private struct State {
    /// Lines that are kept back.
    var waiting: [UInt8] = []
    var failure: SystemCallFailure?
  }

  /// Results that go to a terminal most likely share it with standard error.
  let statusLine = StatusLine()
  /// Whether a person reads the results.
  let isTerminal: Bool
  private let descriptor: Int32
  private let state = Mutex(State())
  /// 64 KB: what a pipe holds.
  private static let mostWaiting = 65_536

  init() {
    descriptor = ProcessSetup.takeStandardOutput()
    isTerminal = isatty(descriptor) == 1
  }

  /// Columns of the terminal; nil for a file or pipe, which has room for any line.
  var width: Int? { isTerminal ? Terminal.width(of: descriptor) : nil }

  /// Why nothing can be written any more, nil while all is well; the ledger is not affected.
  var trouble: String? {
    state.withLock(\.failure).map {
      $0.isOutOfSpace
        ? "no space left on the device of standard output" : "standard output was closed"
    }
  }

  /// Throws when results were lost because the disk is full; a reader that went away wanted no more of them.
  func checkSpace() throws(CommandError) {
    guard state.withLock(\.failure)?.isOutOfSpace == true, let trouble else { return }
    throw CommandError(.stopped, trouble, hint: "make room and run the same command again")
  }

  /// Writes one line whole; false once the reader has gone away or the disk is full.
  @discardableResult
  func writeLine(_ line: String) -> Bool { writeText(line + "\n") }

  @discardableResult
  func writeLine(_ fields: JSONFields) -> Bool {
    keepLine { JSONOutput(fields: fields).write(to: &$0) }
    return flush()
  }

  /// Writes one line for programs or for people.
  func writeLine(_ fields: JSONFields, or text: @autoclosure () -> String, isJSON: Bool) {
    if isJSON { writeLine(fields) } else { writeLine(text()) }
  }

  @discardableResult
  func writeText(_ text: String) -> Bool {
    state.withLock { state in
      state.waiting += text.utf8
      return flush(&state)
    }
  }

  /// Keeps a line back until there are enough for a write, or somebody flushes.
  func keepLine(_ write: (inout [UInt8]) -> Void) {
    state.withLock { state in
      write(&state.waiting)
      state.waiting.append(UInt8(ascii: "\n"))
      if state.waiting.count >= ResultWriter.mostWaiting { _ = flush(&state) }
    }
  }

  /// Writes what was kept back; false once the reader has gone away or the disk is full.
  func flush() -> Bool { state.withLock { flush(&$0) } }

  private func flush(_ state: inout State) -> Bool {
    if state.failure == nil, !state.waiting.isEmpty {
      let bytes = state.waiting
      let write = { [descriptor] in RawDescriptor.failure(writing: bytes, to: descriptor) }
      state.failure = isTerminal ? statusLine.above(write) : write()
    }
    state.waiting.removeAll(keepingCapacity: true)
    return state.failure == nil
  }
}
