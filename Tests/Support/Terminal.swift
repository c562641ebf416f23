import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a terminal shows of what was written to it: lines, broken at its width, and a cursor.
///
/// It knows what the command uses, which is little: carriage return, line feed, erasing to the end of the line or of
/// the screen, colours. Anything else is kept as unknown, so that a test can demand that there is nothing else.
package struct TerminalScreen {
  /// What happens to lines when the width changes.
  package enum Resizing: Sendable {
    /// Lines that were broken are joined and broken anew, as tmux, VTE and kitty do.
    case reflow
    /// Each row is cut, as xterm does.
    case cut
  }

  package private(set) var columns: Int
  package private(set) var unknown: [String] = []
  private let resizing: Resizing
  /// Whole lines, however many rows each takes.
  private var lines: [[Character]] = [[]]
  private var row = 0
  private var place = 0
  private var sequence: String?
  /// The second column of a wide letter.
  private let filler: Character = "\u{200B}"

  package init(columns: Int, resizing: Resizing) {
    (self.columns, self.resizing) = (columns, resizing)
  }

  /// The rows as they are seen, without blanks at their ends.
  package var rows: [String] {
    lines.flatMap { line -> [String] in
      let starts = line.isEmpty ? [0] : Array(stride(from: 0, to: line.count, by: columns))
      return starts.map { start in
        let row = String(line[start..<min(line.count, start + columns)].filter { $0 != filler })
        return String(row.reversed().drop { $0 == " " }.reversed())
      }
    }
  }

  package mutating func resize(to columns: Int) {
    if resizing == .cut, columns < self.columns {
      lines = lines.map { Array($0.prefix(columns)) }
      place = min(place, columns - 1)
    }
    self.columns = columns
  }

  package mutating func write(_ text: String) {
    for scalar in text.unicodeScalars { write(scalar) }
  }

  private mutating func write(_ scalar: Unicode.Scalar) {
    if var begun = sequence {
      begun.unicodeScalars.append(scalar)
      sequence = begun
      // `ESC [` and numbers go on; a letter ends them.
      guard begun.count > 1, (0x40...0x7E).contains(scalar.value) else { return }
      sequence = nil
      return obey(begun)
    }
    switch scalar {
    case "\u{1B}": sequence = ""
    case "\r": place = start
    case "\n":
      row += 1
      place = 0
      if row == lines.count { lines.append([]) }
    case _ where scalar.value < 0x20: unknown.append("\\u{\(scalar.value)}")
    default: put(Character(scalar))
    }
  }

  /// Where the row of the cursor starts in its line; behind the last column it is still in that row.
  private var start: Int {
    place > 0 && place % columns == 0 ? place - columns : place / columns * columns
  }

  private mutating func put(_ character: Character) {
    let letters: [Character] = String(character).columns == 2 ? [character, filler] : [character]
    for letter in letters {
      if place < lines[row].count { lines[row][place] = letter } else { lines[row].append(letter) }
      place += 1
    }
  }

  private mutating func obey(_ command: String) {
    switch command {
    case "[K": lines[row].removeSubrange(min(place, lines[row].count)...)
    case "[J":
      lines[row].removeSubrange(min(place, lines[row].count)...)
      lines.removeSubrange((row + 1)...)
    case _ where command.hasSuffix("m"): break
    default: unknown.append(command)
    }
  }
}

/// The built command in a terminal of its own, both of its outputs on one screen.
package final class TerminalSession {
  package private(set) var screen: TerminalScreen
  /// Everything that was written so far.
  package private(set) var output = ""
  package let running: StartedProgram
  private let master: Int32
  /// TIOCSPTLCK and TIOCGPTN, which Swift does not see: Linux alone has them.
  private static let (unlock, askNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
  private var pending: [UInt8] = []

  package init(
    _ program: Program, _ words: [String], columns: Int,
    resizing: TerminalScreen.Resizing = .reflow
  ) throws {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var (number, locked): (Int32, Int32) = (0, 0)
    guard master >= 0, ioctl(master, TerminalSession.unlock, &locked) == 0,
      ioctl(master, TerminalSession.askNumber, &number) == 0
    else { throw ProgramError("there is no pseudo-terminal") }
    screen = TerminalScreen(columns: columns, resizing: resizing)
    let path = "/dev/pts/\(number)"
    // Somebody has to hold the other end, or reading fails before the command has opened it.
    let slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    defer { close(slave) }
    var program = program
    program.environment.merge(["TERM": "xterm"]) { given, _ in given }
    TerminalSession.setWidth(of: master, columns)
    running = try program.start(words, onTerminal: path)
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
  }

  deinit { close(master) }

  package func resize(to columns: Int) {
    take()
    TerminalSession.setWidth(of: master, columns)
    screen.resize(to: columns)
  }

  private static func setWidth(of descriptor: Int32, _ columns: Int) {
    var size = winsize()
    (size.ws_col, size.ws_row) = (UInt16(columns), 24)
    _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
  }

  /// Takes what was written since.
  private func take() {
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(master, &piece, piece.count), count > 0 {
      pending += piece[..<count]
    }
    // A character may have come by half.
    let last = pending.lastIndex { $0 & 0xC0 != 0x80 } ?? 0
    let isWhole = pending.isEmpty || pending[last] < 0x80
    let text = String(decoding: isWhole ? pending[...] : pending[..<last], as: UTF8.self)
    pending = isWhole ? [] : Array(pending[last...])
    output += text
    screen.write(text)
  }

  /// Waits until the screen shows what is wanted, and returns its rows.
  @discardableResult
  package func waitFor(
    _ wanted: String, seconds: Double = 120, _ isThere: ([String]) -> Bool
  ) async throws -> [String] {
    let end = SystemTime.monotonic + seconds
    while true {
      take()
      let rows = screen.rows
      if isThere(rows) { return rows }
      guard SystemTime.monotonic < end else {
        throw ProgramError("never showed \(wanted): \(rows.suffix(30).joined(separator: "\n"))")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Reads to the end of the command, and returns its exit code.
  package func finish() async throws -> Int32 {
    let running = running
    async let result = running.wait()
    var isOver = false
    while !isOver {
      isOver = kill(running.process, 0) != 0
      take()
      try await Task.sleep(for: .milliseconds(10))
    }
    let code = try await result.code
    take()
    return code
  }
}
