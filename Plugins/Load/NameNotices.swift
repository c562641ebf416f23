import IntakeCore

/// What is told about names that were renamed or dropped: a line each kind, however many there are.
struct NameNotices {
  /// `column` or `field`.
  let noun: String
  /// The names that were dropped.
  var ignored: [String] = []
  private var renamed: [(name: String, column: ColumnName)] = []

  init(noun: String) { self.noun = noun }

  /// Takes note of a name; one that is spelt as the column is nothing to tell.
  mutating func note(_ name: String, readAs column: ColumnName) {
    guard name != column.description else { return }
    renamed.append((name, column))
  }

  /// The lines, none where there is nothing to tell.
  var lines: [String] {
    var lines: [String] = []
    if renamed.count == 1 {
      let (name, column) = renamed[0]
      lines.append("\(noun) \(NameNotices.quoted(name)) is read as \"\(column)\"")
    } else if renamed.count > 1 {
      let pairs = renamed.map { "\(NameNotices.quoted($0.name)) as \"\($0.column)\"" }
      lines.append("\(noun)s read under other names: " + pairs.joined(separator: ", "))
    }
    if ignored.count == 1 { lines.append("\(noun) \(NameNotices.quoted(ignored[0])) is ignored") }
    if ignored.count > 1 {
      let names = ignored.map(NameNotices.quoted).joined(separator: ", ")
      lines.append("\(noun)s \(names) are ignored")
    }
    return lines
  }

  private static func quoted(_ name: String) -> String {
    "\"\(Sanitizer.clean(name, limit: 60))\""
  }
}
