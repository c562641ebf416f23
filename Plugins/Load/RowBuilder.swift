import IntakeCore
import IntakeSystem
import Synchronization

/// A row as its format gives it, before anybody looks at what the cells mean.
struct RawRow {
  /// The most bytes of an unreadable row that are kept to recognise it by.
  static let evidenceLimit = 4_096

  let line: Int
  /// The cells that hold something, trimmed.
  var cells: [RawCell] = []
  /// What kept the row, or some of its cells, from being read.
  var problems: [StageFailure] = []
  /// The start of the row's bytes, where no cell could be read.
  var evidence: [UInt8] = []
  /// The row as it stands in the manifest.
  var source: SourceRow?

  /// The cell of a column, nil where it is empty.
  func cell(_ column: Column) -> RawCell? { cells.first { $0.name == ColumnName(column) } }

  /// The `id`, else the `reference`, else the e-mail in lower case, else every cell of the row.
  var identity: Personal<[UInt8]> {
    if let id = cell(.id) ?? cell(.reference) { return RowIdentity.of(id: id.text) }
    if let email = cell(.email) { return RowIdentity.of(email: email.text) }
    return RowIdentity.of(cells: cells.isEmpty ? evidence : canonicalCells)
  }

  /// All cells by the names of their columns, with lengths, so that the order of the columns does not matter.
  private var canonicalCells: [UInt8] {
    cells.map { Array("\($0.name)=\($0.text.utf8.count):\($0.text);".utf8) }
      .sorted { $0.lexicographicallyPrecedes($1) }
      .flatMap { $0 }
  }
}

/// A cell that holds something.
struct RawCell {
  let name: ColumnName
  let text: String
}

/// One format of a manifest: gives its rows one after the other.
protocol RowReader: ~Copyable {
  mutating func next() throws -> RawRow?
  /// The next row where it is in memory as a whole and sound, else nil.
  mutating func nextAtHand() throws -> RawRow?
  var notices: [String] { get }
  var warnings: [String] { get }
}

/// Makes a record of a row's cells, or a list of everything that is wrong with them.
struct RowBuilder: Sendable {
  let root: Folder
  let rule: CellRule

  func row(_ raw: RawRow) -> LoadedRow {
    var problems = raw.problems
    var fields = CustomerFields()
    var paths: [ImagePath] = []
    for cell in raw.cells {
      let column = cell.name.column
      if let problem = rule.problem(of: cell) {
        problems.append(problem)
      } else if column == .front || column == .back {
        paths.append(ImagePath(text: cell.text, side: column == .front ? .front : .back))
      }
      let text = column == .status ? cell.text.uppercased() : cell.text
      fields[column, cell.name.number] = Personal(text)
    }
    paths.sort { $0.side < $1.side }
    problems += paths.compactMap(\.problem)
    if paths.count == 2, paths[0].text == paths[1].text { problems.append(RowBuilder.sameFile) }

    let record = IntakeRecord(
      row: reference(raw), identity: raw.identity, fields: fields,
      images: paths.filter { $0.problem == nil }.map { $0.file(in: root) })
    return LoadedRow(record, failures: problems, source: raw.source)
  }

  /// What the operator calls the row; without control characters, and cut, where it is refused.
  private func reference(_ raw: RawRow) -> RowReference {
    func shown(_ column: Column, limit: Int) -> String? {
      raw.cell(column).map {
        rule.problem(of: $0) == nil ? $0.text : Sanitizer.clean($0.text, limit: limit)
      }
    }
    return RowReference(
      line: raw.line, id: shown(.id, limit: 128), reference: shown(.reference, limit: 1_000))
  }

  private static let sameFile = StageFailure(
    .invalidValue, "front and back name the same file", hint: "name the scan of the other side",
    column: ColumnName(.back), side: .back)
}

/// The rows of a manifest, read one by one as they are asked for.
final class ManifestRows<Reader: RowReader & ~Copyable>: RowSource {
  private let reader: Mutex<Reader>
  private let builder: RowBuilder
  private let further: [String]

  /// Takes a reader that is about to read its first row, and notices to add to its own.
  init(_ reader: consuming sending Reader, builder: RowBuilder, notices: [String]) {
    self.reader = Mutex(reader)
    self.builder = builder
    further = notices
  }

  func next() async throws -> LoadedRow? {
    try reader.withLock { try $0.next() }.map(builder.row)
  }

  func nextAtHand() throws -> LoadedRow? {
    try reader.withLock { try $0.nextAtHand() }.map(builder.row)
  }

  var notices: [String] { further + reader.withLock { $0.notices } }
  var warnings: [String] { reader.withLock { $0.warnings } }
}

extension StageFailure {
  static func rowTooLong(_ limit: Int) -> StageFailure {
    StageFailure(
      .malformedRow, "the row is longer than \(limit) bytes",
      hint: "shorten it or raise load.max-row-bytes")
  }
}
