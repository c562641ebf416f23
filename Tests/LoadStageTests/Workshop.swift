import IntakeCore
import TestSupport

@testable import LoadStage

/// A folder of its own for one test, removed with it.
final class Workshop: Sendable {
  private let folder = TemporaryFolder()
  var path: String { folder.path }

  func write(_ name: String, _ content: some Collection<UInt8>) {
    folder.write(name, Array(content))
  }

  func write(_ name: String, _ content: String) { folder.write(name, content) }

  /// The rows of a manifest with the given options, and the notices; asked for as the runner does, who takes rows
  /// that are at hand first, or one by one.
  func load(
    _ name: String, _ options: [String: OptionValue] = [:], oneByOne: Bool = false
  ) async throws -> Loaded {
    var all = options
    all["manifest"] = .text("\(path)/\(name)")
    let source = try await Load(given: all).rows()
    var rows: [LoadedRow] = []
    func next() async throws -> LoadedRow? {
      if !oneByOne, let row = try source.nextAtHand() { return row }
      return try await source.next()
    }
    while let row = try await next() { rows.append(row) }
    let found = source.findings
    return Loaded(
      rows: rows, notices: source.notices + found.filter { $0.level == .notice }.map(\.text),
      warnings: source.warnings + found.filter { $0.level == .warning }.map(\.text))
  }

  /// Writes a manifest and loads it.
  func load(
    text: some Collection<UInt8>, as name: String = "batch.csv",
    _ options: [String: OptionValue] = [:]
  ) async throws -> Loaded {
    write(name, text)
    return try await load(name, options)
  }

  /// A scan by the path that a manifest gives it.
  func scan(_ text: String) throws -> ImageFile {
    let root = try ImageRoot(path, notes: ManifestNotes())
    return ImagePath(text: text, side: .front, root: root).file(line: 2)
  }

  /// Loads a text of its own.
  static func load(_ text: String, _ options: [String: OptionValue] = [:]) async throws -> Loaded {
    try await Workshop().load(text: Array(text.utf8), options)
  }
}

/// What loading a manifest gave.
struct Loaded {
  let rows: [LoadedRow]
  let notices: [String]
  let warnings: [String]

  var records: [IntakeRecord] {
    rows.filter(\.failures.isEmpty).map(\.record)
  }

  var lines: [Int] { rows.map(\.record.row.line) }

  /// The failures of each bad row.
  var failures: [[StageFailure]] {
    rows.map(\.failures).filter { !$0.isEmpty }
  }

  /// Every failure's code with its line: `3 malformed_row`.
  var codes: [String] {
    rows.flatMap { row in
      row.failures.map { "\(row.record.row.line) \($0.code)" }
    }
  }

  /// A column's cells of all good rows.
  func cells(_ column: Column) -> [String?] { records.map { $0.fields[column]?.exposed } }
}
