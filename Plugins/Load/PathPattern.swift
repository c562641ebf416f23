import IntakeCore

/// What the scans of rows without a path are called, such as `scans/{id}-front.*`: `{id}` stands for the row's cell,
/// `*` for any letters and `?` for one.
struct PathPattern: Sendable {
  enum Piece: Sendable, Equatable {
    case letter(Character)
    case cell(ColumnName)
    case anyLetters, oneLetter
    /// Between a cell and any letters: not inside a number, which would be that of another row.
    case edge

    var isWildcard: Bool { self == .anyLetters || self == .oneLetter }

    fileprivate var letter: Character? {
      if case .letter(let letter) = self { letter } else { nil }
    }

    fileprivate var column: ColumnName? {
      if case .cell(let name) = self { name } else { nil }
    }

    /// A letter in lower case, which may be several.
    fileprivate var folded: [Piece] {
      letter.map { String($0).lowercased().map(Piece.letter) } ?? [self]
    }

    /// How a pattern writes it.
    fileprivate var text: String {
      switch self {
      case .letter(let letter): String(letter)
      case .cell(let name): "{\(name)}"
      case .anyLetters: "*"
      case .oneLetter: "?"
      case .edge: ""
      }
    }
  }

  private let side: Side
  private let folder: [Piece]
  private let name: [Piece]

  /// Reads a pattern, the option of the side.
  init(_ text: String, side: Side) throws(OptionError) {
    self.side = side
    func wrong(_ why: String) -> OptionError {
      OptionError(
        option: side.rawValue,
        "option \"\(side.rawValue)\" of stage \"load\" \(why), as in {id}-\(side.rawValue).*, not \(text.quoted())"
      )
    }
    var pieces: [Piece] = []
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
      default: pieces.append(.letter(letter))
      }
    }
    guard pieces.contains(where: { $0.column != nil }) else {
      throw wrong("needs a column, else every row has the same scan")
    }
    let nameStart = pieces.lastIndex(of: .letter("/")).map { $0 + 1 } ?? 0
    folder = Array(pieces[..<nameStart])
    name = Array(pieces[nameStart...])
    guard !folder.contains(where: \.isWildcard) else {
      throw wrong("takes * and ? in the name of the file only")
    }
  }

  /// The path of the one file that fits a row.
  ///
  /// - Throws: `StageFailure` about a cell that is missing or cannot be part of a name, no file, or more than one.
  func path(for row: RawRow, in root: ImageRoot) throws(StageFailure) -> String {
    let start = try filled(folder, row).map(\.text).joined()
    let wanted = try filled(name, row)
    let path = start + wanted.map(\.text).joined()
    guard wanted.contains(where: \.isWildcard) else { return path }
    let names = root.names(in: start)
    let found = names.fitting(wanted)
    guard let first = found.first else {
      // File names stay out of the detail: they may be people's names, and details go into logs.
      throw .scan(
        side, .fileNotFound, ": no file fits the pattern", hint: root.hint, file: path,
        similar: try similar(to: wanted, of: row, in: names).map { start + $0 })
    }
    guard found.count == 1 else {
      throw .scan(side, .ambiguousFile, ": \(found.count) files fit the pattern", file: path)
    }
    return start + first
  }

  /// The pieces with the row's cells in their places.
  private func filled(_ pieces: [Piece], _ row: RawRow) throws(StageFailure) -> [Piece] {
    var result: [Piece] = []
    for (index, piece) in pieces.enumerated() {
      guard let name = piece.column else {
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
      if index > 0, pieces[index - 1] == .anyLetters { result.append(.edge) }
      result += cell.map(Piece.letter)
      if pieces.dropFirst(index + 1).first == .anyLetters { result.append(.edge) }
    }
    return result
  }

  /// A name that begins as the pattern does up to its last cell, and has another ending: the cells of the next row may
  /// begin as those of this one do.
  private func similar(to wanted: [Piece], of row: RawRow, in names: FolderNames)
    throws(StageFailure) -> String?
  {
    guard let cell = name.lastIndex(where: { $0.column != nil }),
      !name[..<cell].contains(where: \.isWildcard)
    else { return nil }
    let start = try filled(Array(name[...cell]), row)
    let numbers = ImageRoot.numbers(in: wanted.map(\.text).joined())
    return names.fitting(start + [.anyLetters]).first { found in
      let next = found.dropFirst(start.count).first
      return next?.isLetter != true && ImageRoot.numbers(in: found) == numbers
    }
  }
}

/// The names in a folder in their order without regard to case, to be found whatever their case and Unicode form are:
/// strings are equal where they show the same letters, composed or not.
struct FolderNames: Sendable {
  /// Two names a row of half a million; more take more memory than a batch should.
  static let most = 1_000_000

  private let names: [(folded: String, name: String)]
  var count: Int { names.count }

  init(_ names: [String]) {
    self.names = names.map { ($0.lowercased(), $0) }.sorted { $0.0 < $1.0 }
  }

  /// The name itself, or the only one that is alike.
  func name(like wanted: String) -> String? {
    let folded = wanted.lowercased()
    let alike = names[firstIndex(from: folded)...].prefix { $0.folded == folded }.map(\.name)
    return alike.first { $0.utf8.elementsEqual(wanted.utf8) }
      ?? (alike.count == 1 && names.count < FolderNames.most ? alike[0] : nil)
  }

  /// The names that a pattern without cells fits, in any case.
  func fitting(_ pattern: [PathPattern.Piece]) -> [String] {
    let pattern = pattern.flatMap(\.folded)
    let start = String(pattern.prefix { $0.letter != nil }.compactMap(\.letter))
    return names[firstIndex(from: start)...].prefix { $0.folded.hasPrefix(start) }
      .filter { FolderNames.fits(pattern[...], Array($0.folded)) }.map(\.name)
  }

  private func firstIndex(from start: String) -> Int {
    var (low, high) = (0, names.count)
    while low < high {
      let middle = (low + high) / 2
      if names[middle].folded < start { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether a pattern fits a name from a place on.
  private static func fits(
    _ pattern: ArraySlice<PathPattern.Piece>, _ name: [Character], from place: Int = 0
  ) -> Bool {
    guard let piece = pattern.first else { return place == name.count }
    let rest = pattern.dropFirst()
    switch piece {
    // Names have 255 bytes at most, and patterns few stars.
    case .anyLetters: return (place...name.count).contains { fits(rest, name, from: $0) }
    case .edge:
      let around = name[max(0, place - 1)..<min(place + 1, name.count)]
      return !(around.count == 2 && around.allSatisfy(\.isNumber))
        && fits(rest, name, from: place)
    default:
      return place < name.count && (piece == .oneLetter || piece.letter == name[place])
        && fits(rest, name, from: place + 1)
    }
  }
}
