import IntakeCore

/// How the names of a header or of JSON fields are understood: the columns, `--map` and `--ignore-column`.
struct ColumnNames: Sendable {
  /// What a name stands for.
  enum Meaning: Equatable {
    case column(ColumnName)
    case ignored
    /// No column; why, and what to do, in words.
    case unknown(String)
  }

  private let renamed: [String: ColumnName]
  private let ignored: Set<String>

  /// What a row must not decide: where a request goes, and as whom.
  private static let foreign: Set<String> = [
    "endpoint", "url", "uri", "host", "server", "proxy", "user", "username", "pass", "password",
    "passwd", "secret", "token", "credentials", "authorization", "apikey", "api_key", "api-key",
    "privatekey", "private_key",
  ]

  init(renamed: [String: ColumnName] = [:], ignored: [String] = []) {
    self.renamed = renamed
    self.ignored = Set(ignored)
  }

  /// Finds a name as it stands, then in lower case.
  func meaning(of name: String) -> Meaning {
    if let column = renamed[name] { return .column(column) }
    if ignored.contains(name) { return .ignored }
    if let column = ColumnName(name) { return .column(column) }
    return meaningIgnoringCase(of: name)
  }

  private func meaningIgnoringCase(of name: String) -> Meaning {
    let lower = name.lowercased()
    if let column = renamed.first(where: { $0.key.lowercased() == lower })?.value {
      return .column(column)
    }
    if ignored.contains(where: { $0.lowercased() == lower }) { return .ignored }
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

  /// Whether a text is no address and no number of somebody.
  static func isHarmless(_ name: String) -> Bool {
    let digits = name.utf8.count { isDigit($0) }
    return name.utf8.count <= 40 && digits < 4 && !name.utf8.contains(UInt8(ascii: "@"))
  }

  /// The next step for unknown names.
  static let hint =
    "correct the name, or give --map \"NAME=column\" to rename or --ignore-column NAME to drop it"
}
