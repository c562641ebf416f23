import IntakeCore

/// How the scans of rows without a path are called, such as `scans/{id}-front.*`: cells by the names of their columns,
/// `*` for any letters and `?` for one.
struct PathPattern: Sendable {
  /// A part of a name that is looked for.
  enum Piece: Sendable, Equatable {
    case text(String)
    case cell(ColumnName)
    case anyLetters
    case oneLetter
  }

  private let side: Side
  private let folder: [Piece]
  private let name: [Piece]

  /// Reads a pattern; `option` is what the plan calls it.
  init(_ text: String, side: Side) throws(OptionError) {
    self.side = side
    func wrong(_ why: String) -> OptionError {
      OptionError(
        option: side.rawValue,
        "option \"\(side.rawValue)\" of stage \"load\" \(why), as in {id}-\(side.rawValue).*, not \(text.quoted())"
      )
    }
    var (folder, pieces): ([Piece], [Piece]) = ([], [])
    var rest = text[...]
    while let letter = rest.popFirst() {
      switch letter {
      case "*": pieces.append(.anyLetters)
      case "?": pieces.append(.oneLetter)
      case "{":
        guard let end = rest.firstIndex(of: "}") else { throw wrong("lacks a }") }
        guard let column = ColumnName(String(rest[..<end])),
          ![.front, .back].contains(column.column)
        else { throw wrong("names a column in braces") }
        pieces.append(.cell(column))
        rest = rest[rest.index(after: end)...]
      case "/":
        folder += pieces + [.text("/")]
        pieces = []
      default: pieces.append(.text(String(letter)))
      }
    }
    let cells = (folder + pieces).filter { if case .cell = $0 { true } else { false } }
    guard !cells.isEmpty else { throw wrong("needs a column, else every row has the same scan") }
    guard !folder.contains(.anyLetters), !folder.contains(.oneLetter) else {
      throw wrong("takes * and ? in the name of the file only")
    }
    (self.folder, name) = (folder, pieces)
  }

  /// The path of the one file that fits a row.
  ///
  /// - Throws: `StageFailure` about a cell that is missing or cannot be part of a name, no file, or more than one.
  func path(for row: RawRow, in root: ImageRoot) throws(StageFailure) -> String {
    let start = try filled(folder, row).map(PathPattern.shown).joined()
    let wanted = try filled(name, row)
    let text = wanted.map(PathPattern.shown).joined()
    guard wanted.contains(.anyLetters) || wanted.contains(.oneLetter) else { return start + text }
    let names = root.sortedNames(in: start.isEmpty ? "." : String(start.dropLast()))
    let found = names.fitting(wanted)
    guard let first = found.first else {
      // No name of a file is in the detail: it may be a person's, and a detail goes into logs.
      throw failure(
        .fileNotFound, "no file fits the pattern", file: start + text,
        similar: similar(to: wanted, in: names).map { start + $0 })
    }
    guard found.count == 1 else {
      throw failure(.ambiguousFile, "\(found.count) files fit the pattern", file: start + text)
    }
    return start + first
  }

  /// The pieces with the row's cells in their places.
  private func filled(_ pieces: [Piece], _ row: RawRow) throws(StageFailure) -> [Piece] {
    var result: [Piece] = []
    for piece in pieces {
      guard case .cell(let name) = piece else {
        result.append(piece)
        continue
      }
      guard let cell = row.cells.first(where: { $0.name == name })?.text else {
        throw StageFailure(
          .missingValue, "column \"\(name)\" is empty, and scans are called after it", column: name)
      }
      guard cell != ".", cell != "..", !cell.contains(where: { $0 == "/" || $0 == "\\" }) else {
        throw StageFailure(
          .invalidValue,
          "column \"\(name)\" holds what no file name can, and scans are called after it",
          column: name)
      }
      result.append(.text(cell))
    }
    return result
  }

  /// A name that begins as the pattern does up to its first cell: of the same row, with another ending.
  private func similar(to wanted: [Piece], in names: SortedNames) -> String? {
    guard let cell = name.firstIndex(where: { if case .cell = $0 { true } else { false } }),
      !wanted[...cell].contains(.anyLetters), !wanted[...cell].contains(.oneLetter)
    else { return nil }
    return names.fitting(wanted[...cell] + [.anyLetters]).first
  }

  private static func shown(_ piece: Piece) -> String {
    switch piece {
    case .text(let text): text
    case .cell(let name): "{\(name)}"
    case .anyLetters: "*"
    case .oneLetter: "?"
    }
  }

  private func failure(
    _ code: FailureCode, _ detail: String, file: String, similar: String? = nil
  ) -> StageFailure {
    StageFailure(
      code, "\(side.rawValue): \(detail)", column: ColumnName(side == .front ? .front : .back),
      side: side, file: file, similar: similar)
  }
}

/// The names in a folder in their order without regard to case, to be found by how they begin.
struct SortedNames: Sendable {
  /// Two names a row of half a million; more take more memory than a batch should.
  static let most = 1_000_000

  private let names: [(folded: String, name: String)]

  init(_ names: [String]) {
    self.names = names.map { ($0.lowercased(), $0) }.sorted { $0.0 < $1.0 }
  }

  /// The names that pieces of a pattern fit, in any case.
  func fitting(_ pieces: some Sequence<PathPattern.Piece>) -> [String] {
    var letters: [Letter] = []
    for piece in pieces {
      switch piece {
      case .text(let text): letters += text.lowercased().map(Letter.exactly)
      case .cell: return []
      case .oneLetter: letters.append(.one)
      case .anyLetters: letters.append(.any)
      }
    }
    let start = String(
      letters.prefix { if case .exactly = $0 { true } else { false } }
        .compactMap { if case .exactly(let letter) = $0 { letter } else { nil } })
    var found: [String] = []
    for (folded, name) in names[firstIndex(from: start)...] {
      guard folded.hasPrefix(start) else { break }
      if SortedNames.fits(letters[...], Array(folded)[...]) { found.append(name) }
    }
    return found
  }

  private enum Letter {
    case exactly(Character)
    case one, any
  }

  private func firstIndex(from start: String) -> Int {
    var (low, high) = (0, names.count)
    while low < high {
      let middle = (low + high) / 2
      if names[middle].folded < start { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func fits(_ pattern: ArraySlice<Letter>, _ name: ArraySlice<Character>) -> Bool {
    guard let letter = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    switch letter {
    case .exactly(let wanted): return name.first == wanted && fits(rest, name.dropFirst())
    case .one: return !name.isEmpty && fits(rest, name.dropFirst())
    case .any:
      // Names have 255 bytes at most, and patterns few stars.
      return name.indices.contains { fits(rest, name[$0...]) } || fits(rest, [])
    }
  }
}
