import IntakeCore

/// The columns of a CSV manifest in the order of its cells, or those of the fields of a JSON object.
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

  private let cells: [String]
  private let names: ColumnNames
  let meanings: [ColumnNames.Meaning]
  private(set) var places: [Place] = []
  private var problems: [String] = []

  /// Looks at the cells of a header, which have numbers, or at the names of fields, which have none.
  ///
  /// - Parameter known: what the names mean, where that was found out before.
  init(
    _ cells: [String] = [], _ names: ColumnNames = ColumnNames(), areNumbered: Bool = true,
    meanings known: [ColumnNames.Meaning]? = nil
  ) {
    (self.cells, self.names) = (cells, names)
    meanings =
      known ?? cells.map { $0.isEmpty && areNumbered ? .ignored : names.meaning(of: $0) }
    var taken: [ColumnName: Int] = [:]
    for case (let index, .column(let column)) in meanings.enumerated() {
      // Two fields of one row are that row's mistake.
      if let first = taken.updateValue(index, forKey: column), areNumbered {
        problems.append("columns \(first + 1) and \(index + 1) both stand for \"\(column)\"")
      }
    }
    // A column's own name comes first, then the more usual of two known ones.
    let ranked = meanings.enumerated().sorted { ($0.1.rank, $0.0) < ($1.1.rank, $1.0) }
    for case (let index, .known(let column, _)) in ranked where taken[column] == nil {
      taken[column] = index
    }
    let hasNames = taken[ColumnName(.fn)] != nil && taken[ColumnName(.ln)] != nil
    for (index, cell) in cells.enumerated() {
      let shown = ColumnNames.shown(cell, column: areNumbered ? index + 1 : nil)
      switch meanings[index] {
      case .column(let column): places.append(.column(column))
      case .known(let column, _): places.append(taken[column] == index ? .column(column) : .ignored)
      case .ignored:
        places.append(cell.isEmpty ? .unnamed : .ignored)
        if names.takesKnown, !hasNames, !names.isGiven(cell), KnownNames.isFullName(cell) {
          problems.append("\(shown) holds first and last name in one: split it into fn and ln")
        }
      case .unknown(let reason):
        places.append(cell.isEmpty ? .unnamed : .ignored)
        // A field without a name is that row's mistake, too.
        if !cell.isEmpty { problems.append("\(shown) \(reason)") }
      }
    }
  }

  /// Refuses the header of a CSV manifest that cannot be used.
  func check() throws(StageFailure) {
    let hint = "the first line must name the columns: " + Column.names.joined(separator: ", ")
    if places.allSatisfy({ $0.column == nil }) {
      guard !problems.isEmpty else { throw unusable("the header names no column", hint: hint) }
      // Names in a first line that holds data are not shown: somebody's address may be among them.
      guard looksLikeNames else {
        throw unusable("the first line isn't a header: it names no known column", hint: hint)
      }
    }
    try checkNames()
  }

  /// Refuses names that cannot be used, with everything that is wrong and the options that read them.
  func checkNames(of place: String = "") throws(StageFailure) {
    guard !problems.isEmpty else { return }
    // All of them, so that one correction is enough; with a hundred wrong names it is the wrong file.
    let shown = problems.prefix(100).joined(separator: "; ")
    let more = problems.count > 100 ? "; and \(problems.count - 100) more" : ""
    throw unusable(place + shown + more, hint: ColumnNames.hint, remedy: remedy)
  }

  /// Whether most cells are misspelt columns and none is somebody's address or number.
  private var looksLikeNames: Bool {
    cells.count { ColumnNames.guess($0) != nil } * 2 > cells.count
      && cells.allSatisfy(ColumnNames.isHarmless)
  }

  /// `--map` for each name that is known or misspelt, `--ignore-column` for the others; none where a name can't be given.
  private var remedy: [String] {
    guard !cells.contains(where: { $0.utf8.contains(0) }) else { return [] }
    let unknown = cells.indices.filter { index in
      if case .unknown = meanings[index] { ColumnNames.isHarmless(cells[index]) } else { false }
    }
    let guesses = unknown.compactMap { index in
      ColumnNames.guess(cells[index]).map { (index, $0.column, $0.rank) }
    }
    var taken = Set(places.compactMap(\.column))
    var mapped: [Int: ColumnName] = [:]
    for (index, column, _) in guesses.sorted(by: { ($0.2, $0.0) < ($1.2, $1.0) })
    where taken.insert(column).inserted {
      mapped[index] = column
    }
    return unknown.flatMap { index in
      let name = ColumnNames.visible(cells[index])
      return mapped[index].map { ["--map", "\(name)=\($0)"] } ?? ["--ignore-column", name]
    }
  }

  /// The cells up to the last one that has a name: those behind it may be left out.
  var namedCount: Int { (places.lastIndex { $0 != .unnamed } ?? -1) + 1 }

  /// What the operator should know about the header of a CSV manifest.
  var notices: [String] {
    var notices = renamedAndIgnored("column")
    let unnamed = places.count { $0 == .unnamed }
    if unnamed > 0 {
      notices.append(
        "\(unnamed == 1 ? "a column without a name is" : "\(unnamed) columns without a name are") "
          + "ignored as long as \(unnamed == 1 ? "it is" : "they are") empty")
    }
    if !places.contains(.column(ColumnName(.id))), !places.contains(.column(ColumnName(.reference)))
    {
      notices.append("no id or reference column: rows are known by their line and ledger key only")
    }
    return notices
  }

  /// What is likely a mistake of the operator.
  var warnings: [String] {
    names.unused(by: cells).map {
      "there is no column \"\(Sanitizer.clean($0, limit: 60))\" to rename or ignore"
    }
  }

  /// The names that are not those of their columns, one line for the renamed and one for the dropped ones.
  func renamedAndIgnored(_ noun: String) -> [String] {
    func quoted(_ name: String) -> String {
      ColumnNames.isHarmless(name) ? "\"\(Sanitizer.clean(name, limit: 60))\"" : "(not shown)"
    }
    let renamed = zip(cells, places).compactMap { cell, place -> (name: String, column: String)? in
      guard let column = place.column?.description, column != cell else { return nil }
      return (quoted(cell), "\"\(column)\"")
    }
    // The columns that a file of refused rows adds are nobody's mistake.
    let ignored = zip(cells, places)
      .filter { $1 == .ignored && !SourceTable.isNote($0.lowercased()) }.map { quoted($0.0) }
    var lines: [String] = []
    if renamed.count == 1 {
      lines.append("\(noun) \(renamed[0].name) is read as \(renamed[0].column)")
    } else if renamed.count > 1 {
      let pairs = renamed.map { "\($0.name) as \($0.column)" }
      lines.append("\(noun)s read under other names: " + pairs.joined(separator: ", "))
    }
    if !ignored.isEmpty {
      let list = ignored.joined(separator: ", ")
      lines.append(
        ignored.count == 1 ? "\(noun) \(list) is ignored" : "\(noun)s \(list) are ignored")
    }
    return lines
  }
}

extension Column {
  static let names = allCases.map(\.rawValue)
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

  var renamed: [String: ColumnName] = [:]
  var ignored: Set<String> = []
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
    let guess = ColumnNames.guess(name)?.column.description
    // Of a shop's forty columns some resemble one of ours by chance; a slip seldom changes the first letter.
    guard !takesKnown || guess.map({ $0.first == lower.first }) ?? false else { return .ignored }
    return .unknown("is unknown" + (guess.map { ", did you mean \"\($0)\"?" } ?? ""))
  }

  /// The column that an unknown name most likely stands for; one that was only misspelt has the last rank.
  static func guess(_ name: String) -> (column: ColumnName, rank: Int)? {
    KnownNames.column(of: name)
      ?? NearestName.of(visible(name), among: Column.names).flatMap(ColumnName.init)
      .map { ($0, .max) }
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
