import IntakeCore

/// Brings a cell into the form in which it is judged: white space, invisible characters, texts that mean "nothing".
///
/// A cell of plain bytes passes without being looked at twice, as nearly every cell does.
struct CellCleaner: Sendable {
  let notes: ManifestNotes
  /// Texts that mean an empty cell, in lower case.
  let nulls: Set<String>
  let suspicious: Load.Suspicious

  /// Adds a cell to its row unless it holds nothing; `text` is without ASCII white space around it.
  func add(_ name: ColumnName, _ text: String, _ kinds: ByteKinds, to row: inout RawRow) {
    let isFolded = kinds.isEmpty || kinds == .blank && !CellCleaner.hasDoubleBlank(text)
    if isFolded, nulls.isEmpty,
      SuspiciousValue.isSurelyFine(text, name.column, hasBlank: !kinds.isEmpty)
    {
      row.cells.append(RawCell(name: name, text: text, isPlain: true))
    } else {
      let text = isFolded ? text : cleaned(text, name, line: row.line)
      addJudged(name, text, isPlain: isFolded, to: &row)
    }
  }

  private func addJudged(
    _ name: ColumnName, _ text: String, isPlain: Bool, to row: inout RawRow
  ) {
    let line = row.line
    var text = text
    guard !text.isEmpty else { return }
    if !nulls.isEmpty, nulls.contains(text.lowercased()) {
      return notes.count(.nullText, line: line, name)
    }
    if let problem = SuspiciousValue.problem(in: text, of: name.column) {
      if suspicious == .refuse {
        row.suspicions.append((name, problem))
      } else if let inner = SuspiciousValue.unwrapped(text) {
        notes.count(.wrapper, line: line, name)
        text = inner
      }
      if suspicious == .warn { notes.count(.suspicious, line: line, name) }
    }
    row.cells.append(RawCell(name: name, text: text, isPlain: isPlain))
  }

  private static func hasDoubleBlank(_ text: String) -> Bool {
    var last: UInt8 = 0
    for byte in text.utf8 {
      if byte == 0x20, last == 0x20 { return true }
      last = byte
    }
    return false
  }

  private func cleaned(_ text: String, _ name: ColumnName, line: Int) -> String {
    let scalars = text.unicodeScalars
    let isLeft = { (scalar: Unicode.Scalar) in scalar.isWhiteSpace || scalar.isInvisible }
    guard let first = scalars.firstIndex(where: { !isLeft($0) }),
      let last = scalars.lastIndex(where: { !isLeft($0) })
    else {
      notes.count(.invisible, line: line, name)
      return ""
    }
    let ends = [scalars[..<first], scalars[scalars.index(after: last)...]]
    if ends.contains(where: { $0.contains(where: \.isInvisible) }) {
      notes.count(.invisible, line: line, name)
    } else if ends.contains(where: { !$0.isEmpty }) {
      notes.count(.whiteSpace, line: line, name)
    }
    let middle = scalars[first...last]
    // What is inside an address of a mailbox or a file names another one: it is judged as it is.
    guard ![.email, .front, .back].contains(name.column) else { return String(middle) }
    return folded(middle, name, line: line)
  }

  /// Each run of white space as one blank, or in an address as a comma and a blank where it breaks the line.
  private func folded(
    _ scalars: Substring.UnicodeScalarView, _ name: ColumnName, line: Int
  ) -> String {
    guard var run = scalars.firstIndex(where: \.isWhiteSpace) else { return String(scalars) }
    let isAddress = name.column == .addr || name.column == .addr2
    var (result, rest, isFolded, isBroken) = (String.UnicodeScalarView(), scalars, false, false)
    while true {
      result.append(contentsOf: rest[..<run])
      let end = rest[run...].firstIndex { !$0.isWhiteSpace } ?? rest.endIndex
      let white = rest[run..<end]
      if isAddress, white.contains(where: \.isLineBreak) {
        isBroken = true
        if let before = result.last, before != ",", before != ";" { result.append(",") }
      } else if white.count > 1 || white.first != " " {
        isFolded = true
      }
      result.append(" ")
      rest = rest[end...]
      guard let next = rest.firstIndex(where: \.isWhiteSpace) else { break }
      run = next
    }
    result.append(contentsOf: rest)
    if isBroken { notes.count(.lineBreak, line: line, name) }
    if isFolded { notes.count(.whiteSpace, line: line, name) }
    return String(result)
  }
}

extension Unicode.Scalar {
  /// White space of every kind, line breaks among it; Unicode's own property lacks U+180E.
  var isWhiteSpace: Bool {
    value < 0x80 ? value == 0x20 || (0x09...0x0D).contains(value) : properties.isWhitespace
  }

  /// Whether it ends a line.
  var isLineBreak: Bool { [0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029].contains(value) }

  /// What shows as nothing: soft hyphens, joiners, marks of direction, byte order marks.
  var isInvisible: Bool {
    switch value {
    case 0xAD, 0x34F, 0x61C, 0x180E, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF,
      0xFFF9...0xFFFB, 0xE0000...0xE007F:
      true
    default: false
    }
  }
}
