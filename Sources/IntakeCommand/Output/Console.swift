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
/// One lock for all writers, so that the progress line is always removed before a message is written.
final class Console: Sendable {
  let isJSON: Bool
  private let isColored: Bool
  private let statusLine = Mutex("")

  /// Looks for `--log-format json` among the words as they are, so that errors about the command line follow it as well.
  init(arguments: [String]) {
    let inline = arguments.contains("--log-format=json")
    let split = zip(arguments, arguments.dropFirst()).contains { $0 == ("--log-format", "json") }
    isJSON = inline || split
    isColored = !isJSON && Terminal.wantsColor
  }

  func error(_ message: String, hint: String?) {
    let hint = hint.map { ProgramName.applied(to: $0) }
    if isJSON {
      log(.error, hint.map { "\(message) (\($0))" } ?? message)
    } else {
      write(
        "\(ProgramName.current): \(paint("error", .error)): \(message)"
          + (hint.map { "\n  \($0)" } ?? ""))
    }
  }

  func log(_ level: LogLevel, _ message: String, row: RowReference? = nil) {
    guard isJSON else {
      let message = Sanitizer.clean(message, limit: 1000)
      let place = row.map { " " + Console.name($0) + ":" } ?? ""
      return write("\(ProgramName.current): \(paint(level.rawValue, level)):\(place) \(message)")
    }
    write([
      ("type", "log"), ("level", level.rawValue), ("message", message), ("row", row?.line),
      ("id", row?.id),
    ])
  }

  func write(_ text: String) {
    statusLine.withLock { line in
      let erase = line.isEmpty ? "" : "\r\u{1B}[K"
      _ = RawDescriptor.write(Array((erase + text + "\n" + line).utf8), to: 2)
    }
  }

  func write(_ fields: JSONFields) { write(JSONOutput(fields: fields).text) }

  /// Replaces the line that stays at the bottom of the terminal; an empty text removes it.
  func setStatusLine(_ text: String) {
    statusLine.withLock { line in
      guard text != line else { return }
      line = text
      _ = RawDescriptor.write(Array(("\r\u{1B}[K" + text).utf8), to: 2)
    }
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

/// What the terminal behind standard error can do.
enum Terminal {
  static var isInteractive: Bool { isatty(2) == 1 && environment("TERM") != "dumb" }

  /// NO_COLOR (no-color.org) wins over CLICOLOR_FORCE; without either, colour where a person watches.
  static var wantsColor: Bool {
    if environment("NO_COLOR") != nil { return false }
    if let force = environment("CLICOLOR_FORCE"), force != "0" { return true }
    return isInteractive
  }

  /// Columns of the terminal, 80 when it does not say.
  static var width: Int {
    var size = winsize()
    guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
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

  private let descriptor = ProcessSetup.takeStandardOutput()
  private let state = Mutex(State())
  /// 64 KB: what a pipe holds.
  private static let mostWaiting = 65_536

  /// Why nothing can be written any more, nil while all is well; the ledger is not affected.
  var trouble: String? {
    state.withLock(\.failure).map {
      $0.isOutOfSpace
        ? "no space left on the device of standard output" : "standard output was closed"
    }
  }

  /// Whether a person reads the results.
  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Whether results were lost because the disk is full; a reader that went away wanted no more of them.
  var ranOutOfSpace: Bool { state.withLock(\.failure)?.isOutOfSpace == true }

  /// Writes one line whole; false once the reader has gone away or the disk is full.
  @discardableResult
  func writeLine(_ line: String) -> Bool { writeText(line + "\n") }

  @discardableResult
  func writeLine(_ fields: JSONFields) -> Bool {
    keepLine { fields.write(to: &$0) }
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
      state.failure = RawDescriptor.failure(writing: state.waiting, to: descriptor)
    }
    state.waiting.removeAll(keepingCapacity: true)
    return state.failure == nil
  }
}
