import IntakeCore
import IntakeSystem
import Synchronization

/// A manifest that is written at the end of a run from rows that come in any order.
///
/// There may be a million of them, so they wait in a file without a name, with 24 bytes for each in memory. The
/// manifest has the order of the one that was read, and is written whole or not at all.
final class RowsFile: Sendable {
  private let asked: String
  /// Whether it is written as `left-2.csv` where `left.csv` is taken: somebody may be correcting that one.
  private let isNumbered: Bool
  private let taken = Mutex(0)
  /// The folder that the images are in, where it isn't that of the file.
  let imagesRoot: String?
  private let waiting: AppendOnlyFile
  private let rows = Mutex(Rows())

  private struct Rows {
    var entries: [Entry] = []
    var size = 0
    var failure: SystemCallFailure?
  }

  /// Where a row waits: its record, and behind it the cells that are added.
  private struct Entry {
    let line: UInt32
    let offset: Int
    let recordSize: UInt32
    let notesSize: UInt32
    let columns: UInt32
  }

  /// Names the file; `root` is the folder of the run's images.
  init(
    _ path: String, of option: String, imagesIn root: String, isNumbered: Bool = false
  ) throws(CommandError) {
    // What has the name of a folder or a device was hardly meant.
    guard isNumbered ? DurableFile.canBeReplaced(path) : !DurableFile.exists(path) else {
      throw CommandError(
        .usage, "\(option) \(Sanitizer.clean(path)): there is a file of that name already",
        hint: "name another one, or move that one away first")
    }
    (asked, self.isNumbered) = (path, isNumbered)
    imagesRoot =
      LedgerPlace.absolute(root) == LedgerPlace.absolute(DurableFile.folder(of: path)) ? nil : root
    waiting = try CommandError.naming(
      "\(option) \(Sanitizer.clean(path)) cannot be written",
      hint: "name a file in a folder that is there and can be written to"
    ) { try DurableFile.nameless(in: DurableFile.folder(of: path)) }
  }

  var count: Int { rows.withLock(\.entries.count) }

  /// The name of the file, free when last looked at.
  var path: String {
    let number = taken.withLock(\.self) + 1
    guard number > 1 else { return asked }
    let name = asked.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    let ending = name.dropFirst().lastIndex(of: ".").map { name[$0...] } ?? ""
    return asked.dropLast(ending.count) + "-\(number)" + ending
  }

  /// Takes a record with cells for so many columns, and the cells that stand behind all columns.
  func add(
    _ record: [UInt8], line: Int, columns: Int, notes: [[UInt8]], delimiter: UInt8
  ) {
    let notes = notes.flatMap { [delimiter] + $0 } + [UInt8(ascii: "\n")]
    rows.withLock { rows in
      guard rows.failure == nil else { return }
      do throws(SystemCallFailure) {
        try waiting.append(record + notes)
        rows.entries.append(
          Entry(
            line: UInt32(clamping: line), offset: rows.size,
            recordSize: UInt32(clamping: record.count), notesSize: UInt32(clamping: notes.count),
            columns: UInt32(clamping: columns)))
        rows.size += record.count + notes.count
      } catch {
        rows.failure = error
      }
    }
  }

  /// Throws what went wrong while rows were taken.
  func checkWritten() throws(SystemCallFailure) {
    if let failure = rows.withLock(\.failure) { throw failure }
  }

  /// Writes the manifest, whose rows are of that table; records with fewer cells than there are `columns` by now get
  /// empty ones.
  func finish(header: [[UInt8]], columns: Int, delimiter: UInt8, of table: SourceTable)
    throws(SystemCallFailure)
  {
    try checkWritten()
    while isNumbered, DurableFile.exists(path) { taken.withLock { $0 += 1 } }
    let entries = rows.withLock(\.entries).sorted { ($0.line, $0.offset) < ($1.line, $1.offset) }
    try DurableFile.create(path) { (file) throws(SystemCallFailure) in
      // 64 KB a write: a row for each would take ten times as long.
      var piece = table.byteOrderMark + header.joined(separator: [delimiter]) + [UInt8(ascii: "\n")]
      for entry in entries {
        let split = Int(entry.recordSize)
        let bytes = try waiting.read(at: entry.offset, count: split + Int(entry.notesSize))
        let missing = max(0, columns - Int(entry.columns))
        piece += bytes[..<split]
        piece += [UInt8](repeating: delimiter, count: missing) + bytes[split...]
        guard piece.count > 65_536 else { continue }
        try file.append(piece)
        piece.removeAll(keepingCapacity: true)
      }
      try file.append(piece)
    }
  }
}

/// The rows of a run that were not accepted, as a manifest to correct: `--failed FILE.csv`.
final class FailedRows: Sendable {
  private let file: RowsFile
  private let table = Mutex<SourceTable?>(nil)

  init(_ path: String, imagesIn root: String) throws(CommandError) {
    file = try RowsFile(path, of: "--failed", imagesIn: root, isNumbered: true)
  }

  var path: String { file.path }
  var imagesRoot: String? { file.imagesRoot }
  var count: Int { file.count }

  /// Takes a row that has ended, unless it was accepted.
  func add(_ outcome: Outcome) {
    guard let next = outcome.nextStep, let source = outcome.source else { return }
    let delimiter = source.table.delimiter
    let cells = [outcome.reason, outcome.hints, next].map {
      SourceTable.cell(Array($0.utf8), delimiter: delimiter)
    }
    table.withLock { $0 = source.table }
    file.add(
      source.record.exposed, line: outcome.row.line, columns: source.columns, notes: cells,
      delimiter: delimiter)
  }

  /// Writes the manifest, beside one that is there already; no file where every row was accepted.
  func finish() throws(SystemCallFailure) {
    guard let table = table.withLock(\.self) else { return try file.checkWritten() }
    try file.finish(
      header: [table.header] + SourceTable.notes.map { Array($0.utf8) }, columns: table.count,
      delimiter: table.delimiter, of: table)
  }
}

extension Outcome {
  /// What the operator does about a row of `--failed`; nil for one that the target has as it is.
  fileprivate var nextStep: String? {
    switch verdict {
    case .accepted: return nil
    case .skipped:
      return failure?.code == .changedAfterAcceptance
        ? "run again with --resubmit-changed if the change is meant" : nil
    case .rejected: return "correct and run again"
    case .failed: return "run again"
    case .inDoubt:
      return "settle: " + (cannotBeAsked ? "" : "run the first manifest again, or ")
        + "docintake reconcile"
    }
  }

  fileprivate var reason: String {
    problems.map { "\($0.code): \(Sanitizer.clean($0.detail, limit: 500))" }
      .joined(separator: "; ")
  }

  fileprivate var hints: String {
    problems.map { $0.hint(hidesPaths: false) }.unique(by: \.self).joined(separator: "; ")
  }

  private var problems: [StageFailure] { [failure].compactMap(\.self) + further }
}

/// The manifest as it was understood: `check --fix OUT.csv`.
///
/// UTF-8 with commas, the columns under their own names, days as YYYY-MM-DD, paths as the images root has them; behind
/// them the original columns, whose names a loader passes over. A row that couldn't be split is one cell, so that it is
/// refused until somebody corrects it.
final class FixedManifest: Sendable {
  private let file: RowsFile
  private let columns = Mutex<Columns?>(nil)
  private static let comma = UInt8(ascii: ",")

  private struct Columns {
    var known: [ColumnName]
    /// The cells of a record that are kept as they were.
    var originals: [(place: Int, name: [UInt8])] = []
    let table: SourceTable

    init(_ table: SourceTable) {
      self.table = table
      guard let meanings = table.meanings else {
        // JSON rows name their own columns: the last row may still bring a new one.
        known = Column.allCases.map { ColumnName($0) }
        return
      }
      let given = Set(meanings.compactMap(\.self))
      known = given.sorted { $0.order < $1.order }
      let header = SourceTable.cells(of: table.header, delimiter: table.delimiter)
      originals = header.enumerated().compactMap { place, name in
        let text = String(decoding: name, as: UTF8.self)
        let isKept = !text.isEmpty && !SourceTable.isNote(text.lowercased())
        return isKept ? (place, Array((SourceTable.originalMark + text).utf8)) : nil
      }
    }
  }

  init(_ path: String, imagesIn root: String) throws(CommandError) {
    file = try RowsFile(path, of: "--fix", imagesIn: root)
  }

  /// Takes a row as the loader has read it.
  func add(_ row: LoadedRow) {
    guard let source = row.source else { return }
    let record = source.record.exposed
    columns.withLock { state in
      var columns = state ?? Columns(source.table)
      defer { state = columns }
      guard !row.isShifted else {
        let cells = SourceTable.cells(of: record, delimiter: source.table.delimiter)
        let text = cells.count == 1 ? cells[0] : record
        // A spreadsheet must not split it either, whatever separates the cells of the source.
        let quoted = cell(text)
        return add(
          quoted == text ? SourceTable.cell(text, delimiter: source.table.delimiter) : quoted, row,
          columns: .max, originals: [])
      }
      for name in row.record.fields.columns where !columns.known.contains(name) {
        columns.known.append(name)
      }
      let known = columns.known.map { name in
        cell(Array(FixedManifest.text(of: name, in: row.record).utf8))
      }
      let given =
        columns.originals.isEmpty
        ? [] : SourceTable.cells(of: record, delimiter: source.table.delimiter)
      let originals = columns.originals.map { place, _ in
        given.indices.contains(place) ? cell(given[place]) : []
      }
      add(
        Array(known.joined(separator: [FixedManifest.comma])), row, columns: known.count,
        originals: originals)
    }
  }

  private func add(_ record: [UInt8], _ row: LoadedRow, columns: Int, originals: [[UInt8]]) {
    file.add(
      record, line: row.record.row.line, columns: columns, notes: originals,
      delimiter: FixedManifest.comma)
  }

  private func cell(_ text: [UInt8]) -> [UInt8] {
    SourceTable.cell(text, delimiter: FixedManifest.comma)
  }

  private static func text(of name: ColumnName, in record: IntakeRecord) -> String {
    guard let cell = record.fields[name.column, name.number]?.exposed else { return "" }
    switch name.column {
    case .dob, .idIssued, .idExpiry:
      return record.fields.date(name.column, name.number)?.dashed ?? cell
    case .front, .back:
      let side = name.column == .front ? Side.front : .back
      return record.images.first { $0.side == side }?.location ?? cell
    default: return cell
    }
  }

  /// Writes the manifest and says where it is.
  func finish() throws(SystemCallFailure) -> String {
    guard let columns = columns.withLock(\.self) else {
      try file.checkWritten()
      return "--fix wrote no file: there are no rows"
    }
    let names = columns.known.map { Array($0.description.utf8) } + columns.originals.map(\.name)
    try file.finish(
      header: names.map(cell), columns: columns.known.count, delimiter: FixedManifest.comma,
      of: columns.table)
    let root = file.imagesRoot.map { ", to run with --images-root \(ShellText.quoted($0))" } ?? ""
    return "the manifest as it was understood: \(file.path)\(root)"
  }

  /// That there is no file, to go before the reason.
  var unwritten: String { "--fix \(Sanitizer.clean(file.path)) was not written" }
}

extension ColumnName {
  /// Where the column stands among all.
  fileprivate var order: Int { (Column.allCases.firstIndex(of: column) ?? 0) * 100 + number }
}
