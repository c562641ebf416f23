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
/// Messages for people are written above the progress line, where there is one, and have the time of day once a
/// command is at work: whoever reads a log wants to know when.
final class Console: Sendable {
  private struct State {
    /// Where every message goes as well.
    var file: LogFile?
    /// The file that rows are lines of.
    var manifest = ""
    var isTimed = false
  }

  let isJSON: Bool
  /// Whether warnings and errors are commands of a GitHub workflow, which shows them beside the manifest.
  let isGitHub: Bool
  let statusLine: StatusLine
  private let isColored: Bool
  private let state = Mutex(State())

  /// Looks for `--log-format` among the words as they are, so that errors about the command line follow it as well.
  init(arguments: [String], statusLine: StatusLine) {
    self.statusLine = statusLine
    func isAsked(_ format: String) -> Bool {
      arguments.contains("--log-format=" + format)
        || zip(arguments, arguments.dropFirst()).contains { $0 == ("--log-format", format) }
    }
    isJSON = isAsked("json")
    isGitHub = isAsked("github")
    isColored = !isJSON && !isGitHub && Terminal.wantsColor
  }

  /// Writes every message to a file as well, from now on.
  func keep(_ file: LogFile) { state.withLock { $0.file = file } }

  /// Puts the time of day before messages in words, from now on.
  func startClock() { state.withLock { $0.isTimed = true } }

  /// Says which file the rows of messages are lines of.
  func name(manifest path: String) { state.withLock { $0.manifest = path } }

  func error(_ message: String, hint: String?) {
    let hint = hint.map { ProgramName.applied(to: $0) }
    if isJSON || isGitHub {
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

  /// Keeps what became of a row for the file of messages alone, where it is shown as a result.
  func file(_ text: String) { state.withLock { $0.file?.add(text, isJSON: isJSON) } }

  /// Writes lines as they are.
  func write(_ text: String) { put(text, inFile: text) }

  /// `docintake: 22:14:05 warning: …`; a file of messages has times of its own, with the day.
  private func say(_ level: LogLevel, _ words: String, hint: String? = nil) {
    func text(_ time: String) -> String {
      let head = "\(ProgramName.current): \(time)\(level.rawValue):"
      let whole = "\(head) \(words)"
      // A terminal would break it within a word; a file doesn't, and the hint may have a command to paste.
      let isWrapped = Terminal.isInteractive && hint == nil && !time.isEmpty
      let text =
        isWrapped ? whole.wrapped(to: Terminal.width() - 2).joined(separator: "\n  ") : whole
      let painted = "\(ProgramName.current): \(time)\(paint(level.rawValue, level)):"
      return (text.hasPrefix(head) ? painted + text.dropFirst(head.count) : text)
        + (hint.map { "\n  \($0)" } ?? "")
    }
    put(text(time), inFile: text(""))
  }

  /// `22:14:05 `, or nothing where no command is at work yet.
  private var time: String {
    state.withLock(\.isTimed) ? WallClock.time(SystemTime.wall) + " " : ""
  }

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
    let name = row.id ?? row.reference
    return "line \(row.line)" + (name.map { " (\(Sanitizer.clean($0, limit: 60)))" } ?? "")
  }

  private func paint(_ text: String, _ level: LogLevel) -> String {
    guard isColored else { return text }
    let code = level >= .error ? "31" : level == .warning ? "33" : "36"
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}

/// The line that stays at the bottom of a terminal; whoever writes to it writes above that line.
///
/// The cursor waits at its start: a terminal that is made narrower breaks the line in two, and from there both are
/// erased, while one that cuts it has nothing else below.
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

  /// Where standard output is a terminal, it is likely the one of standard error.
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

  /// Whether results were lost because the disk is full; a reader that went away wanted no more of them.
  var ranOutOfSpace: Bool { state.withLock(\.failure)?.isOutOfSpace == true }

  /// Writes one line whole; false once the reader has gone away or the disk is full.
  @discardableResult
  func writeLine(_ line: String) -> Bool { writeText(line + "\n") }

  @discardableResult
  func writeLine(_ fields: JSONFields) -> Bool {
    keepLine { JSONOutput(fields: fields).write(to: &$0) }
    return flush()
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
