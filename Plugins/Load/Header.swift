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
  /// What the operator should know.
  private(set) var notices: [String] = []
  /// What is likely a mistake of the operator.
  private(set) var warnings: [String] = []

  /// A header that has not been read yet.
  init() {}

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
    // Names in a first line that holds data are not shown: somebody's address may be among them.
    guard !taken.isEmpty || Header.looksLikeNames(cells) else {
      throw unusable(
        "the first line isn't a header: it names no known column", hint: Header.hint)
    }
    guard problems.isEmpty else { throw unusable(Header.list(problems), hint: ColumnNames.hint) }
    addNotices(cells, names: names, columns: taken.keys)
  }

  private static let hint =
    "the first line must name the columns: "
    + Column.allCases.map(\.rawValue).joined(separator: ", ")

  private func place(
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
    // All of them, so that one correction is enough; with a hundred wrong names it is the wrong file.
    let shown = problems.prefix(100).joined(separator: "; ")
    return problems.count > 100 ? shown + "; and \(problems.count - 100) more" : shown
  }

  private mutating func addNotices(
    _ cells: [String], names: ColumnNames, columns: some Collection<ColumnName>
  ) {
    var other = OtherNames(noun: "column")
    for (cell, place) in zip(cells, places) {
      switch place {
      case .ignored: other.noteIgnored(cell)
      case .unnamed: notices.append("a column without a name is ignored as long as it is empty")
      case .column(let column): other.note(cell, readAs: column)
      }
    }
    notices = other.notices + notices
    warnings = names.unused(by: cells).map {
      "there is no column \"\(Sanitizer.clean($0, limit: 60))\" to rename or ignore"
    }
    if !columns.contains(ColumnName(.id)), !columns.contains(ColumnName(.reference)) {
      notices.append("no id or reference column: rows are known by their line and ledger key only")
    }
  }
}

/// How the names of a header or of JSON fields are understood: the columns, `--map` and `--ignore-column`.
struct ColumnNames: Sendable {
  enum Meaning: Equatable {
    case column(ColumnName)
    case ignored
    /// No column; why, and what to do, in words.
    case unknown(String)
  }

  let renamed: [String: ColumnName]
  let ignored: Set<String>

  /// What a row must not decide: where a request goes, and with whose credentials.
  private static let foreign: Set<String> = [
    "endpoint", "url", "uri", "host", "server", "proxy", "user", "username", "pass", "password",
    "passwd", "secret", "token", "credentials", "authorization", "apikey", "api_key", "api-key",
    "privatekey", "private_key",
  ]

  /// Finds a name as it is written, then in lower case.
  func meaning(of name: String) -> Meaning {
    if let column = renamed[name] { return .column(column) }
    if ignored.contains(name) { return .ignored }
    if let column = ColumnName(name) { return .column(column) }
    let lower = name.lowercased()
    if let column = renamed.first(where: { $0.key.lowercased() == lower })?.value {
      return .column(column)
    }
    if ignored.contains(where: { $0.lowercased() == lower }) { return .ignored }
    if SourceTable.notes.contains(lower) { return .ignored }
    if let column = ColumnName(lower) { return .column(column) }
    guard !ColumnNames.foreign.contains(lower) else {
      return .unknown(
        "is not a row's business: endpoint and credentials are given once, for the whole run")
    }
    let known = Column.allCases.map(\.rawValue)
    return .unknown("is unknown" + NearestName.suggestion(for: name, among: known))
  }

  /// The names of `--map` and `--ignore-column` that are not among `names`.
  func unused(by names: [String]) -> [String] {
    let lower = Set(names.map { $0.lowercased() })
    let given = renamed.keys.sorted() + ignored.sorted()
    return given.filter { !lower.contains($0.lowercased()) }
  }

  /// A name as a message may show it: what looks like somebody's data (a file without a header) is left out.
  static func shown(_ name: String, column: Int?) -> String {
    let place = column.map { "column \($0)" } ?? "the field"
    return isHarmless(name) ? "\(place) \"\(Sanitizer.clean(name, limit: 60))\"" : place
  }

  /// Whether a text can't be somebody's address or number.
  static func isHarmless(_ name: String) -> Bool {
    let digits = name.utf8.count { $0.isASCIIDigit }
    return name.utf8.count <= 40 && digits < 4 && !name.utf8.contains(UInt8(ascii: "@"))
  }

  /// The next step for unknown names.
  static let hint =
    "correct the name, or give --map \"NAME=column\" to rename or --ignore-column NAME to drop it"
}

/// The names that were renamed or dropped, for the operator: one line for each kind, however many there are.
struct OtherNames {
  /// `column` or `field`.
  let noun: String
  private var ignored: [String] = []
  private var renamed: [(name: String, column: ColumnName)] = []

  init(noun: String) { self.noun = noun }

  /// Remembers a name that is spelt differently from its column.
  mutating func note(_ name: String, readAs column: ColumnName) {
    if name != column.description { renamed.append((name, column)) }
  }

  /// Remembers a name that was dropped; those that a file of refused rows adds are nobody's mistake.
  mutating func noteIgnored(_ name: String) {
    if !SourceTable.notes.contains(name.lowercased()) { ignored.append(name) }
  }

  /// The lines, none where every name is that of its column.
  var notices: [String] {
    var lines: [String] = []
    if renamed.count == 1 {
      lines.append("\(noun) \(quoted(renamed[0].name)) is read as \"\(renamed[0].column)\"")
    } else if renamed.count > 1 {
      let pairs = renamed.map { "\(quoted($0.name)) as \"\($0.column)\"" }
      lines.append("\(noun)s read under other names: " + pairs.joined(separator: ", "))
    }
    if !ignored.isEmpty {
      let names = ignored.map(quoted).joined(separator: ", ")
      lines.append(
        ignored.count == 1 ? "\(noun) \(names) is ignored" : "\(noun)s \(names) are ignored")
    }
    return lines
  }

  private func quoted(_ name: String) -> String { "\"\(Sanitizer.clean(name, limit: 60))\"" }
}
