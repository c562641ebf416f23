import IntakeCore
import IntakeSystem

/// Makes a record of a row's cells, or a list of everything that is wrong with them.
struct RowBuilder: Sendable {
  let root: Folder
  let rule: CellRule

  /// The row as the engine takes it.
  func row(_ raw: RawRow) -> LoadedRow {
    var problems = raw.problems
    var fields = CustomerFields()
    var paths: [ImagePath] = []
    for cell in raw.cells {
      if let problem = rule.problem(of: cell) {
        problems.append(problem)
      } else if let path = ImagePath(cell) {
        paths.append(path)
      }
      fields[cell.name.column, cell.name.number] = Personal(RowBuilder.stored(cell))
    }
    paths.sort { $0.side < $1.side }
    problems += paths.compactMap(\.problem)
    if paths.count == 2, paths[0].text == paths[1].text { problems.append(RowBuilder.sameFile) }

    let record = IntakeRecord(
      row: reference(raw), identity: raw.identity, fields: fields,
      images: paths.filter { $0.problem == nil }.map { $0.file(in: root) })
    return problems.isEmpty ? .record(record) : .bad(record, problems)
  }

  /// What the operator calls the row; without control characters and at most 128 characters where it is refused.
  private func reference(_ raw: RawRow) -> RowReference {
    RowReference(
      line: raw.line, id: shown(.id, of: raw, limit: 128),
      reference: shown(.reference, of: raw, limit: 1_000))
  }

  private func shown(_ column: Column, of raw: RawRow, limit: Int) -> String? {
    guard let cell = raw.cells.first(where: { $0.name == ColumnName(column) }) else { return nil }
    return rule.problem(of: cell) == nil ? cell.text : Sanitizer.clean(cell.text, limit: limit)
  }

  private static func stored(_ cell: RawCell) -> String {
    cell.name.column == .status ? cell.text.uppercased() : cell.text
  }

  private static let sameFile = StageFailure(
    .invalidValue, "front and back name the same file", hint: "name the scan of the other side",
    column: ColumnName(.back), side: .back)
}

extension ImagePath {
  /// The path in a cell of `front` or `back`, nil for other columns.
  init?(_ cell: RawCell) {
    switch cell.name.column {
    case .front: self.init(text: cell.text, side: .front)
    case .back: self.init(text: cell.text, side: .back)
    default: return nil
    }
  }
}
