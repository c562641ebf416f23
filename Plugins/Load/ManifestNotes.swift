import IntakeCore
import Synchronization

/// What the operator is told about a manifest: one line a kind and run, however many rows it is about.
final class ManifestNotes: Sendable {
  /// What is put right in cells, and said once.
  enum Repair: Int, CaseIterable {
    case whiteSpace, lineBreak, invisible, nullText, extraCells, suspicious, wrapper, path

    func text(_ count: Int) -> String {
      let (cells, are) = count == 1 ? ("1 cell", "is") : ("\(count) cells", "are")
      return switch self {
      case .whiteSpace: "white space was trimmed or folded to one blank in \(cells)"
      case .lineBreak: "line breaks in \(cells) of addresses were written as \", \""
      case .invisible: "invisible characters were taken off the ends of \(cells)"
      case .nullText: "\(cells) with a text of --null \(are) read as empty"
      case .extraCells:
        "cells beyond those of the header are empty and ignored in \(count == 1 ? "1 row" : "\(count) rows")"
      case .suspicious: "\(cells) with a suspicious value \(are) taken nevertheless"
      case .wrapper: "what a spreadsheet puts around a text was taken off \(cells)"
      case .path: "\(cells) name a scan in other letters than the file has (case or Unicode form)"
      }
    }
  }

  private struct State {
    var lines: [(level: LogLevel, text: String)] = []
    /// How many lines there were when the rows began.
    var openingCount: Int?
    var repairs = [(count: Int, line: Int, column: ColumnName?)](
      repeating: (0, 0, nil), count: Repair.allCases.count)
  }

  private let state = Mutex(State())
  let dates = DateSurvey()

  /// Tells something about the manifest as a whole.
  func say(_ text: String, _ level: LogLevel = .notice) {
    state.withLock { $0.lines.append((level, text)) }
  }

  /// Counts something that was put right.
  func count(_ repair: Repair, line: Int, _ column: ColumnName? = nil) {
    state.withLock { state in
      let known = state.repairs[repair.rawValue]
      state.repairs[repair.rawValue] =
        known.count == 0 ? (1, line, column) : (known.count + 1, known.line, known.column)
    }
  }

  /// The lines so far are those that are told before the first row.
  func beginRows() { state.withLock { $0.openingCount = $0.lines.count } }

  /// What is told before the first row.
  var opening: [String] {
    state.withLock { $0.lines.prefix($0.openingCount ?? $0.lines.count).map(\.text) }
  }

  /// What the rows have shown.
  var findings: [(level: LogLevel, text: String)] {
    let (lines, repairs) = state.withLock { state in
      (state.lines.dropFirst(state.openingCount ?? state.lines.count), state.repairs)
    }
    let repaired = Repair.allCases.compactMap { repair -> (level: LogLevel, text: String)? in
      let (count, line, column) = repairs[repair.rawValue]
      guard count > 0 else { return nil }
      let place = "line \(line)" + (column.map { ", \($0)" } ?? "")
      return (
        repair == .suspicious ? .warning : .notice,
        repair.text(count) + (count > 1 ? " (first: \(place))" : " (\(place))")
      )
    }
    return lines + repaired + dates.advice.map { (.warning, $0) }
  }
}
