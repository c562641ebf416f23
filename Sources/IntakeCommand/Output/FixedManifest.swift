import IntakeCore
import IntakeSystem
import Synchronization

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

    init(_ table: SourceTable) {
      guard let meanings = table.meanings else {
        // JSON has its names in every row: what no row has before the last one may still come.
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

  /// Names the file; `root` is the folder that the images are in.
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
        return file.add(
          [0x22] + text.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22],
          line: row.record.row.line, columns: .max, [], delimiter: FixedManifest.comma)
      }
      for name in row.record.fields.columns where !columns.known.contains(name) {
        columns.known.append(name)
      }
      let known = columns.known.map { cell(FixedManifest.text(of: $0, in: row.record)) }
      let given =
        columns.originals.isEmpty
        ? [] : SourceTable.cells(of: record, delimiter: source.table.delimiter)
      let originals = columns.originals.map { place, _ in
        given.indices.contains(place)
          ? SourceTable.cell(given[place], delimiter: FixedManifest.comma) : []
      }
      file.add(
        Array(known.joined(separator: [FixedManifest.comma])), line: row.record.row.line,
        columns: known.count, Array(originals.joined(separator: [FixedManifest.comma])),
        delimiter: FixedManifest.comma)
    }
  }

  private func cell(_ text: String) -> [UInt8] {
    SourceTable.cell(Array(text.utf8), delimiter: FixedManifest.comma)
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
    let names = columns.known.map { cell($0.description) }
    let header =
      names
      + columns.originals.map {
        SourceTable.cell($0.name, delimiter: FixedManifest.comma)
      }
    try file.finish(
      header: Array(header.joined(separator: [FixedManifest.comma])), columns: names.count,
      delimiter: FixedManifest.comma)
    let root = file.imagesRoot.map { ", to run with --images-root \(ShellText.quoted($0))" } ?? ""
    return "the manifest as it was understood: \(file.path)\(root)"
  }

  /// Why there is no file.
  func unwritten(_ reason: String) -> String {
    "--fix \(Sanitizer.clean(file.path)) was not written: \(reason)"
  }
}

extension ColumnName {
  /// Where the column stands among all.
  fileprivate var order: Int { (Column.allCases.firstIndex(of: column) ?? 0) * 100 + number }
}
