/// The rows seen so far: 24 bytes each, and 8 to 16 more for finding them by identity and by e-mail.
struct SeenRows {
  private var prints = PrintList()
  private var byIdentity = PrintIndex()
  private var byEmail = PrintIndex()

  /// What the row repeats of an earlier one; remembers it when that is nothing.
  mutating func clashRemembering(_ print: RowPrint) -> Clash? {
    if let clash = clash(of: print) { return clash }
    remember(print)
    return nil
  }

  /// What the row repeats of an earlier one.
  func clash(of print: RowPrint) -> Clash? {
    if let known = byIdentity.find(print.identity, in: { prints[$0].identity }) {
      let earlier = prints[known]
      return earlier.content == print.content
        ? .sameRow(line: Int(earlier.line)) : .sameIdentity(line: Int(earlier.line))
    }
    if print.email != 0, let known = byEmail.find(print.email, in: { prints[$0].email }) {
      return .sameEmail(line: Int(prints[known].line))
    }
    return nil
  }

  private mutating func remember(_ print: RowPrint) {
    let row = prints.append(print)
    byIdentity.insert(row, print.identity, in: prints.identity(of:))
    if print.email != 0 { byEmail.insert(row, print.email, in: prints.email(of:)) }
  }
}

/// Prints by number, in pieces of 16,384 (400 KB): growing never copies what is there.
struct PrintList {
  private var pieces: [[RowPrint]] = []
  private static let pieceSize = 16_384

  subscript(row: Int) -> RowPrint {
    pieces[row / PrintList.pieceSize][row % PrintList.pieceSize]
  }

  func identity(of row: Int) -> UInt64 { self[row].identity }
  func email(of row: Int) -> UInt64 { self[row].email }

  /// Adds a print and returns its number.
  mutating func append(_ print: RowPrint) -> Int {
    if (pieces.last?.count ?? PrintList.pieceSize) == PrintList.pieceSize {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(PrintList.pieceSize)
    }
    pieces[pieces.count - 1].append(print)
    return (pieces.count - 1) * PrintList.pieceSize + pieces[pieces.count - 1].count - 1
  }
}

/// Finds rows by a hash: open addressing over row numbers of 4 bytes, at most seven eighths full.
struct PrintIndex {
  /// Row number + 1; 0 is free.
  private var slots = [UInt32](repeating: 0, count: 1_024)
  private var used = 0

  /// The row of that hash, nil when there is none.
  func find(_ hash: UInt64, in hashOf: (Int) -> UInt64) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let row = Int(slots[slot]) - 1
      if hashOf(row) == hash { return row }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Adds a row that is not there yet; doubles the table when it is full.
  mutating func insert(_ row: Int, _ hash: UInt64, in hashOf: (Int) -> UInt64) {
    if used * 8 >= slots.count * 7 {
      let rows = slots.filter { $0 != 0 }
      slots = [UInt32](repeating: 0, count: slots.count * 2)
      for row in rows { place(row, hashOf(Int(row) - 1)) }
    }
    place(UInt32(truncatingIfNeeded: row + 1), hash)
    used += 1
  }

  private mutating func place(_ entry: UInt32, _ hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = entry
  }
}
