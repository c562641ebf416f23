import IntakeCore

/// The columns of a CSV manifest, in the order of its cells.
struct Header {
  /// What stands below each header cell.
  enum Place: Equatable {
    case column(ColumnName)
    case ignored
    /// A header cell without a name, as trailing commas make them: nothing may stand below.
    case unnamed
  }

  private(set) var places: [Place] = []
  /// What to tell the operator.
  private(set) var notices: [String] = []
  /// What is likely a mistake of the operator.
  private(set) var warnings: [String] = []

  /// Understands header cells, trimmed as they are.
  ///
  /// - Throws: `StageFailure` of class fatal with everything that is wrong with them.
  init(_ cells: [String], names: ColumnNames) throws(StageFailure) {
    var problems: [String] = []
    var taken: [ColumnName: Int] = [:]
    for (index, cell) in cells.enumerated() {
      guard let place = place(of: cell, at: index + 1, names: names, &problems) else { continue }
      places.append(place)
      guard case .column(let column) = place else { continue }
      if let first = taken.updateValue(index + 1, forKey: column) {
        problems.append("columns \(first) and \(index + 1) both stand for \"\(column)\"")
      }
    }
    guard !taken.isEmpty || !problems.isEmpty else {
      throw unusable("the header names no column", hint: Header.hint)
    }
    // Names of a first line that holds data are not shown: somebody's address may be among them.
    guard !taken.isEmpty || Header.looksLikeNames(cells) else {
      throw unusable("the first line is no header: it names no known column", hint: Header.hint)
    }
    guard problems.isEmpty else { throw unusable(Header.list(problems), hint: ColumnNames.hint) }
    addNotices(cells, names: names, columns: taken.keys)
  }

  private static let hint =
    "the first line must name the columns: "
    + Column.allCases.map(\.rawValue).joined(separator: ", ")

  private mutating func place(
    of cell: String, at number: Int, names: ColumnNames, _ problems: inout [String]
  ) -> Place? {
    guard !cell.isEmpty else { return .unnamed }
    switch names.meaning(of: cell) {
    case .column(let column): return .column(column)
    case .ignored: return .ignored
    case .unknown(let reason):
      problems.append("\(ColumnNames.shown(cell, column: number)) \(reason)")
      return nil
    }
  }

  /// Whether most cells are misspelt columns and none is somebody's address or number.
  private static func looksLikeNames(_ cells: [String]) -> Bool {
    let known = Column.allCases.map(\.rawValue)
    let near = cells.count { NearestName.of($0, among: known) != nil }
    return near * 2 > cells.count && cells.allSatisfy(ColumnNames.isHarmless)
  }

  private static func list(_ problems: [String]) -> String {
    // All of them, so that one correction is enough; a hundred wrong names are another file's.
    let shown = problems.prefix(100).joined(separator: "; ")
    return problems.count > 100 ? shown + "; and \(problems.count - 100) more" : shown
  }

  private mutating func addNotices(
    _ cells: [String], names: ColumnNames, columns: some Collection<ColumnName>
  ) {
    var told = NameNotices(noun: "column")
    for (cell, place) in zip(cells, places) {
      switch place {
      case .ignored: told.ignored.append(cell)
      case .unnamed: notices.append("a column without a name is ignored as long as it is empty")
      case .column(let column): told.note(cell, readAs: column)
      }
    }
    notices = told.lines + notices
    warnings = names.unused(by: cells).map {
      "there is no column \"\(Sanitizer.clean($0, limit: 60))\" to rename or ignore"
    }
    if !columns.contains(ColumnName(.id)), !columns.contains(ColumnName(.reference)) {
      notices.append("no id or reference column: rows are known by their line and ledger key only")
    }
  }
}
