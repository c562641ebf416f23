import IntakeCore
import Synchronization

/// Brings a cell into the form in which it is judged: white space, invisible characters, texts that mean "nothing".
///
/// A cell of plain bytes passes without being looked at twice, as nearly every cell does.
struct CellCleaner: Sendable {
  let notes: ManifestNotes
  /// Texts that mean an empty cell, in lower case.
  let nulls: Set<String>
  let suspicious: Load.Suspicious

  /// Adds a cell to its row unless it holds nothing; `text` is without ASCII white space around it.
  func add(_ name: ColumnName, _ text: String, _ kinds: ByteKinds, to row: inout RawRow) {
    let isFolded = kinds.isEmpty || kinds == .blank && !CellCleaner.hasDoubleBlank(text)
    if isFolded, nulls.isEmpty,
      SuspiciousValue.isSurelyFine(text, name.column, hasBlank: !kinds.isEmpty)
    {
      row.cells.append(RawCell(name: name, text: text, isPlain: true))
      return
    }
    let line = row.line
    // Half of a misread à looks like a blank: it must not be trimmed before it is noticed.
    let isMisread = kinds.contains(.beyondASCII) && SuspiciousValue.isMisread(text, name.column)
    var text = isFolded ? text : cleaned(text, name, line: line)
    guard !text.isEmpty else { return }
    if !nulls.isEmpty, nulls.contains(text.lowercased()) {
      return notes.count(.nullText, line: line, name)
    }
    let misread = isMisread ? SuspiciousValue.misread : nil
    if let problem = misread ?? SuspiciousValue.problem(in: text, of: name.column) {
      if suspicious == .refuse {
        row.suspicions.append((name, problem))
      } else if let inner = SuspiciousValue.unwrapped(text) {
        notes.count(.wrapper, line: line, name)
        text = inner
      }
      if suspicious == .warn { notes.count(.suspicious, line: line, name) }
    }
    row.cells.append(RawCell(name: name, text: text, isPlain: isFolded))
  }

  private static func hasDoubleBlank(_ text: String) -> Bool {
    var last: UInt8 = 0
    for byte in text.utf8 {
      if byte == 0x20, last == 0x20 { return true }
      last = byte
    }
    return false
  }

  private func cleaned(_ text: String, _ name: ColumnName, line: Int) -> String {
    let scalars = text.unicodeScalars
    let isLeft = { (scalar: Unicode.Scalar) in scalar.isWhiteSpace || scalar.isInvisible }
    guard let first = scalars.firstIndex(where: { !isLeft($0) }),
      let last = scalars.lastIndex(where: { !isLeft($0) })
    else {
      notes.count(.invisible, line: line, name)
      return ""
    }
    let ends = [scalars[..<first], scalars[scalars.index(after: last)...]]
    if ends.contains(where: { $0.contains(where: \.isInvisible) }) {
      notes.count(.invisible, line: line, name)
    } else if ends.contains(where: { !$0.isEmpty }) {
      notes.count(.whiteSpace, line: line, name)
    }
    let middle = scalars[first...last]
    // What is inside an address of a mailbox or a file names another one: it is judged as it is.
    guard ![.email, .front, .back].contains(name.column) else { return String(middle) }
    return folded(middle, name, line: line)
  }

  /// Each run of white space as one blank, or in an address as a comma and a blank where it breaks the line.
  private func folded(
    _ scalars: Substring.UnicodeScalarView, _ name: ColumnName, line: Int
  ) -> String {
    guard var run = scalars.firstIndex(where: \.isWhiteSpace) else { return String(scalars) }
    let isAddress = name.column == .addr || name.column == .addr2
    var (result, rest, isFolded, isBroken) = (String.UnicodeScalarView(), scalars, false, false)
    while true {
      result.append(contentsOf: rest[..<run])
      let end = rest[run...].firstIndex { !$0.isWhiteSpace } ?? rest.endIndex
      let white = rest[run..<end]
      if isAddress, white.contains(where: \.isLineBreak) {
        isBroken = true
        if let before = result.last, before != ",", before != ";" { result.append(",") }
      } else if white.count > 1 || white.first != " " {
        isFolded = true
      }
      result.append(" ")
      rest = rest[end...]
      guard let next = rest.firstIndex(where: \.isWhiteSpace) else { break }
      run = next
    }
    result.append(contentsOf: rest)
    if isBroken { notes.count(.lineBreak, line: line, name) }
    if isFolded { notes.count(.whiteSpace, line: line, name) }
    return String(result)
  }
}

extension Unicode.Scalar {
  /// White space of every kind, including line breaks; not U+180E.
  var isWhiteSpace: Bool {
    value < 0x80 ? value == 0x20 || (0x09...0x0D).contains(value) : properties.isWhitespace
  }

  var isLineBreak: Bool { [0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029].contains(value) }

  /// What shows as nothing: soft hyphens, joiners, marks of direction, byte order marks.
  var isInvisible: Bool {
    switch value {
    case 0xAD, 0x34F, 0x61C, 0x180E, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF,
      0xFFF9...0xFFFB, 0xE0000...0xE007F:
      true
    default: false
    }
  }
}

/// What the operator should know about a manifest: one line for each kind, however many rows it is about.
final class ManifestNotes: Sendable {
  /// What is put right in cells, or should be looked at.
  enum Repair: CaseIterable {
    case blankRow, whiteSpace, lineBreak, invisible, nullText, extraCells, suspicious, wrapper, path
    case sharedScan

    func text(_ count: Int) -> String {
      let (cells, are) = count == 1 ? ("1 cell", "is") : ("\(count) cells", "are")
      return switch self {
      case .blankRow:
        count == 1 ? "1 blank row is passed over" : "\(count) blank rows are passed over"
      case .whiteSpace: "white space was trimmed or folded to one blank in \(cells)"
      case .lineBreak: "line breaks in \(cells) of addresses were written as \", \""
      case .invisible: "invisible characters were taken off the ends of \(cells)"
      case .nullText: "\(cells) with a text of --null \(are) read as empty"
      case .extraCells:
        "cells beyond those of the header are empty and ignored in \(count == 1 ? "1 row" : "\(count) rows")"
      case .suspicious: "\(cells) with a suspicious value \(are) taken nevertheless"
      case .wrapper: "what a spreadsheet puts around a text was taken off \(cells)"
      case .path: "\(cells) name a scan in other letters than the file has (case or Unicode form)"
      case .sharedScan:
        "\(count == 1 ? "1 cell names" : "\(count) cells name") the scan of an earlier row: is it this customer's?"
      }
    }
  }

  private struct State {
    var lines: [(level: LogLevel, text: String)] = []
    /// How many lines there were when the rows began.
    var openingCount: Int?
    var repairs: [Repair: (count: Int, line: Int, column: ColumnName?)] = [:]
    var isMarked = false
  }

  private let state = Mutex(State())
  let dates = DateSurvey()

  /// Says something about the manifest as a whole.
  func say(_ text: String, _ level: LogLevel = .notice) {
    state.withLock { $0.lines.append((level, text)) }
  }

  func count(_ repair: Repair, line: Int, _ column: ColumnName? = nil) {
    state.withLock { $0.repairs[repair, default: (0, line, column)].count += 1 }
  }

  /// Notes that the manifest has a byte order mark or another encoding than UTF-8.
  func noteMark() { state.withLock { $0.isMarked = true } }

  /// Whether it has, as far as it has been read.
  var isMarked: Bool { state.withLock(\.isMarked) }

  /// Lines so far are shown before the first row, later ones at the end.
  func beginRows() { state.withLock { $0.openingCount = $0.lines.count } }

  /// What is said before the first row.
  var opening: [String] {
    state.withLock { $0.lines.prefix($0.openingCount ?? $0.lines.count).map(\.text) }
  }

  /// What the rows have shown.
  var findings: [(level: LogLevel, text: String)] {
    let (lines, repairs) = state.withLock { state in
      (state.lines.dropFirst(state.openingCount ?? state.lines.count), state.repairs)
    }
    let repaired = Repair.allCases.compactMap { repair -> (level: LogLevel, text: String)? in
      guard let (count, line, column) = repairs[repair] else { return nil }
      let place = "line \(line)" + (column.map { ", \($0)" } ?? "")
      return (
        [.suspicious, .sharedScan].contains(repair) ? .warning : .notice,
        repair.text(count) + (count > 1 ? " (first: \(place))" : " (\(place))")
      )
    }
    return lines + repaired + dates.advice.map { (.warning, $0) }
  }
}
