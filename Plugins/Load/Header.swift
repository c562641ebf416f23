import IntakeCore

/// The columns of a CSV manifest, in the order of its cells.
struct Header {
  /// What stands below each header cell.
  enum Place: Equatable {
    case column(ColumnName)
    case ignored
    /// A header cell without a name, as trailing commas make them: nothing may stand below.
    case unnamed

    var column: ColumnName? {
      if case .column(let name) = self { name } else { nil }
    }
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
    let columns = HeaderColumns(cells, names)
    places = columns.places
    let taken = places.compactMap(\.column)
    guard !taken.isEmpty || !columns.problems.isEmpty else {
      throw unusable("the header names no column", hint: Header.hint)
    }
    // Names in a first line that holds data are not shown: somebody's address may be among them.
    guard !taken.isEmpty || columns.looksLikeNames else {
      throw unusable(
        "the first line isn't a header: it names no known column", hint: Header.hint)
    }
    guard columns.problems.isEmpty else {
      throw unusable(
        Header.list(columns.problems), hint: ColumnNames.hint, remedy: columns.remedy)
    }
    addNotices(cells, names: names, columns: taken)
  }

  /// The cells up to the last one that has a name: those behind it may be left out.
  var namedCount: Int { (places.lastIndex { $0 != .unnamed } ?? -1) + 1 }

  private static let hint =
    "the first line must name the columns: "
    + Column.allCases.map(\.rawValue).joined(separator: ", ")

  static func list(_ problems: [String]) -> String {
    // All of them, so that one correction is enough; with a hundred wrong names it is the wrong file.
    let shown = problems.prefix(100).joined(separator: "; ")
    return problems.count > 100 ? shown + "; and \(problems.count - 100) more" : shown
  }

  private mutating func addNotices(
    _ cells: [String], names: ColumnNames, columns: [ColumnName]
  ) {
    var other = OtherNames(noun: "column")
    for (cell, place) in zip(cells, places) {
      switch place {
      case .ignored: other.noteIgnored(cell)
      case .unnamed: continue
      case .column(let column): other.note(cell, readAs: column)
      }
    }
    notices = other.notices
    let unnamed = places.count { $0 == .unnamed }
    if unnamed > 0 {
      notices.append(
        "\(unnamed == 1 ? "a column without a name is" : "\(unnamed) columns without a name are") "
          + "ignored as long as \(unnamed == 1 ? "it is" : "they are") empty")
    }
    warnings = names.unused(by: cells).map {
      "there is no column \"\(Sanitizer.clean($0, limit: 60))\" to rename or ignore"
    }
    if !columns.contains(ColumnName(.id)), !columns.contains(ColumnName(.reference)) {
      notices.append("no id or reference column: rows are known by their line and ledger key only")
    }
  }
}

/// Finds the column of each header cell or JSON field, and the options that would find the rest.
struct HeaderColumns {
  private let cells: [String]
  private let meanings: [ColumnNames.Meaning]
  private(set) var places: [Header.Place] = []
  private(set) var problems: [String] = []

  /// Looks at the cells of a header, which have numbers, or at the names of fields, which have none.
  init(_ cells: [String], _ names: ColumnNames, areNumbered: Bool = true) {
    self.cells = cells
    meanings = cells.map { $0.isEmpty ? .ignored : names.meaning(of: $0) }
    var taken: [ColumnName: Int] = [:]
    for (index, meaning) in meanings.enumerated() {
      guard case .column(let column) = meaning else { continue }
      // Two fields of one row are that row's mistake.
      if let first = taken.updateValue(index, forKey: column), areNumbered {
        problems.append("columns \(first + 1) and \(index + 1) both stand for \"\(column)\"")
      }
    }
    // A name as it should be comes first, then the more usual of two known ones.
    for (column, index) in HeaderColumns.best(meanings, but: taken) { taken[column] = index }
    let hasNames = taken[ColumnName(.fn)] != nil && taken[ColumnName(.ln)] != nil
    for (index, cell) in cells.enumerated() {
      let shown = ColumnNames.shown(cell, column: areNumbered ? index + 1 : nil)
      if names.takesKnown, !hasNames, meanings[index] == .ignored, !names.isGiven(cell),
        KnownNames.isFullName(cell)
      {
        problems.append(
          "\(shown) holds first and last name in one: split it into fn and ln"
        )
      }
      switch meanings[index] {
      case .column(let column): places.append(.column(column))
      case .known(let column, _): places.append(taken[column] == index ? .column(column) : .ignored)
      case .ignored: places.append(cell.isEmpty ? .unnamed : .ignored)
      case .unknown(let reason):
        places.append(.ignored)
        problems.append("\(shown) \(reason)")
      }
    }
  }

  private static func best(_ meanings: [ColumnNames.Meaning], but taken: [ColumnName: Int])
    -> [ColumnName: Int]
  {
    var best: [ColumnName: (rank: Int, index: Int)] = [:]
    for (index, meaning) in meanings.enumerated() {
      guard case .known(let column, let rank) = meaning, taken[column] == nil else { continue }
      if best[column].map({ rank < $0.rank }) ?? true { best[column] = (rank, index) }
    }
    return best.mapValues(\.index)
  }

  /// Whether most cells are misspelt columns and none is somebody's address or number.
  var looksLikeNames: Bool {
    let known = Column.allCases.map(\.rawValue)
    let near = cells.count {
      NearestName.of($0, among: known) != nil || KnownNames.column(of: $0) != nil
    }
    return near * 2 > cells.count && cells.allSatisfy(ColumnNames.isHarmless)
  }

  /// `--map` for each name that is known or misspelt, `--ignore-column` for the others.
  var remedy: [String] {
    var taken = Set(places.compactMap(\.column))
    let wanted = cells.enumerated().compactMap { index, cell -> (String, ColumnNames.Meaning)? in
      guard ColumnNames.isHarmless(cell) else { return nil }
      guard case .unknown = meanings[index] else { return nil }
      let name = ColumnNames.visible(cell)
      if let known = KnownNames.column(of: cell) {
        return (name, .known(known.column, rank: known.rank))
      }
      let near = NearestName.of(name, among: Column.allCases.map(\.rawValue)).flatMap(
        ColumnName.init)
      return (name, near.map { .known($0, rank: .max) } ?? .ignored)
    }
    var words: [Int: [String]] = [:]
    for (index, entry) in wanted.enumerated().sorted(by: {
      ($0.1.1.rank, $0.0) < ($1.1.1.rank, $1.0)
    }) {
      if case .known(let column, _) = entry.1, taken.insert(column).inserted {
        words[index] = ["--map", "\(entry.0)=\(column)"]
      } else {
        words[index] = ["--ignore-column", entry.0]
      }
    }
    return wanted.indices.flatMap { words[$0] ?? [] }
  }
}

/// How the names of a header or of JSON fields are understood: the columns, `--map` and `--ignore-column`.
struct ColumnNames: Sendable {
  enum Meaning: Equatable {
    case column(ColumnName)
    /// A column by one of the other names that people give it; the most usual has rank 0.
    case known(ColumnName, rank: Int)
    case ignored
    /// No column; why, and what to do, in words.
    case unknown(String)

    fileprivate var rank: Int {
      if case .known(_, let rank) = self { rank } else { .max }
    }
  }

  let renamed: [String: ColumnName]
  let ignored: Set<String>
  /// Whether the names of `KnownNames` are taken, and those that no column is like are left out.
  var takesKnown = false

  /// What a row must not decide: where a request goes, and with whose credentials.
  private static let foreign: Set<String> = [
    "endpoint", "url", "uri", "host", "server", "proxy", "user", "username", "pass", "password",
    "passwd", "secret", "token", "credentials", "authorization", "apikey", "api_key", "api-key",
    "privatekey", "private_key",
  ]

  /// Finds a name as it is written, then without regard to case, blanks around it and what can't be seen.
  func meaning(of name: String) -> Meaning {
    if let given = given(name) { return given }
    if takesKnown, let known = KnownNames.column(of: name) {
      return .known(known.column, rank: known.rank)
    }
    let lower = ColumnNames.folded(name)
    guard !ColumnNames.foreign.contains(lower) else {
      return .unknown(
        "is not a row's business: endpoint and credentials are given once, for the whole run")
    }
    let names = Column.allCases.map(\.rawValue)
    let near = NearestName.of(lower, among: names)
    // Of a shop's forty columns some are like one of ours by chance; a slip seldom changes the first letter.
    guard !takesKnown || near.map({ $0.first == lower.first }) ?? false else { return .ignored }
    let meant = KnownNames.column(of: name)?.column.description ?? near
    return .unknown("is unknown" + (meant.map { ", did you mean \"\($0)\"?" } ?? ""))
  }

  /// Whether the columns or the options say what a name stands for.
  func isGiven(_ name: String) -> Bool { given(name) != nil }

  /// What the columns and the options say about a name; nil where they don't.
  private func given(_ name: String) -> Meaning? {
    if let column = renamed[name] { return .column(column) }
    if ignored.contains(name) { return .ignored }
    if let column = ColumnName(name) { return .column(column) }
    let lower = ColumnNames.folded(name)
    if let column = renamed.first(where: { ColumnNames.folded($0.key) == lower })?.value {
      return .column(column)
    }
    if ignored.contains(where: { ColumnNames.folded($0) == lower }) { return .ignored }
    if SourceTable.isNote(lower) { return .ignored }
    return ColumnName(lower).map(Meaning.column)
  }

  /// Whether a name is one that a header may have: its column's, an ignored one or a known other one.
  func isKnown(_ name: String) -> Bool {
    isGiven(name) || KnownNames.column(of: name) != nil
  }

  /// The name as it shows: without what can't be seen, and with single blanks.
  static func visible(_ name: String) -> String {
    let seen = name.unicodeScalars.map { $0.isWhiteSpace ? " " : $0.isInvisible ? "" : String($0) }
    return seen.joined().split(separator: " ").joined(separator: " ")
  }

  private static func folded(_ name: String) -> String {
    name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x80 }
      ? name.lowercased() : visible(name).lowercased()
  }

  /// The names of `--map` and `--ignore-column` that are not among `names`.
  func unused(by names: [String]) -> [String] {
    let lower = Set(names.map(ColumnNames.folded))
    let given = renamed.keys.sorted() + ignored.sorted()
    return given.filter { !lower.contains(ColumnNames.folded($0)) }
  }

  /// A name as a message may show it: what looks like somebody's data (a file without a header) is left out.
  static func shown(_ name: String, column: Int?) -> String {
    let place = column.map { "column \($0)" } ?? "the field"
    return isHarmless(name) ? "\(place) \"\(Sanitizer.clean(name, limit: 60))\"" : place
  }

  /// Whether a text can't be somebody's address or number.
  static func isHarmless(_ name: String) -> Bool {
    let digits = name.utf8.count { $0.isASCIIDigit }
    return name.utf8.count <= 60 && digits < 4 && !name.utf8.contains(UInt8(ascii: "@"))
  }

  /// The next step for unknown names.
  static let hint =
    "correct the names, or give --map \"NAME=column\" to rename, --ignore-column NAME to drop, --map-known to take "
    + "every known name"
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
    if !SourceTable.isNote(name.lowercased()) { ignored.append(name) }
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

  private func quoted(_ name: String) -> String {
    ColumnNames.isHarmless(name) ? "\"\(Sanitizer.clean(name, limit: 60))\"" : "(not shown)"
  }
}
