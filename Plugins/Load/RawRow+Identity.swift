import IntakeCore

extension RawRow {
  /// The `id`, else the `reference`, else the e-mail in lower case, else every cell of the row.
  var identity: Personal<[UInt8]> {
    if let id = cell(.id) ?? cell(.reference) { return RowIdentity.of(id: id) }
    if let email = cell(.email) { return RowIdentity.of(email: email) }
    return RowIdentity.of(cells: cells.isEmpty ? evidence : canonicalCells)
  }

  private func cell(_ column: Column) -> String? {
    cells.first { $0.name == ColumnName(column) }?.text
  }

  /// All cells by the names of their columns, with lengths, so that the order of the columns does not matter.
  private var canonicalCells: [UInt8] {
    cells.map { Array("\($0.name)=\($0.text.utf8.count):\($0.text);".utf8) }
      .sorted { $0.lexicographicallyPrecedes($1) }
      .flatMap { $0 }
  }
}
