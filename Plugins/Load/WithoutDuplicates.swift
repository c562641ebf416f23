import IntakeCore
import Synchronization

/// Passes rows on and turns those that repeat an earlier one into bad rows.
///
/// Because rows stream, it is always the later one that is refused; the first may be on its way already. That
/// holds for a first one that is bad for another reason, too: which of the two is right only the operator knows.
final class WithoutDuplicates: RowSource {
  private let rows: any RowSource
  private let seen = Mutex(SeenRows())

  init(_ rows: any RowSource) { self.rows = rows }

  var notices: [String] { rows.notices }
  var warnings: [String] { rows.warnings }
  var findings: [(level: LogLevel, text: String)] { rows.findings }
  var columns: Set<ColumnName>? { rows.columns }
  var expected: ExpectedRows? { rows.expected }

  func next() async throws -> LoadedRow? { try await rows.next().map(checked) }

  func nextAtHand() throws -> LoadedRow? { try rows.nextAtHand().map(checked) }

  private func checked(_ row: LoadedRow) -> LoadedRow {
    let print = RowPrint(row)
    // The cells of a shifted row stand under wrong headers: nobody repeats them.
    let clash = seen.withLock { row.isShifted ? $0.clash(of: print) : $0.clashRemembering(print) }
    guard let clash else { return row }
    // First, because it tells the engine that the key belongs to another row, whose standing must stay.
    return LoadedRow(
      row.record, failures: [clash.failure(for: row.record)] + row.failures, source: row.source)
  }
}

/// What a row repeats of an earlier one, which starts on that line.
enum Clash: Equatable {
  case sameRow(line: Int)
  case sameIdentity(line: Int)
  case sameEmail(line: Int)

  func failure(for record: IntakeRecord) -> StageFailure {
    switch self {
    case .sameRow(let line):
      return StageFailure(.duplicateRow, "the row says the same as the one at line \(line)")
    case .sameIdentity(let line):
      let columns: [Column] = [.id, .reference, .email]
      let column = columns.first { record.fields[$0] != nil } ?? .id
      return StageFailure(
        .conflictingRow, "\(column.rawValue) is the same as at line \(line), the rest is not",
        column: ColumnName(column))
    case .sameEmail(let line):
      return StageFailure(
        .conflictingRow, "email is the same as at line \(line), which has another id",
        column: ColumnName(.email))
    }
  }
}

/// What is remembered of a row: hashes (SipHash, with a new key in each run), never the content.
///
/// With 64 bits, the chance that any two of a million rows share a hash without being alike is 1 in 37 million.
struct RowPrint: Sendable {
  /// Of the row's identity.
  let identity: UInt64
  /// Of the e-mail in lower case; 0 when there is none.
  let email: UInt64
  /// Of all cells; 32 bits, because it is compared only where the identity is the same.
  let content: UInt32
  let line: UInt32

  init(_ row: LoadedRow) {
    let record = row.record
    identity = RowPrint.hash(record.identity.exposed, salt: 0)
    // Customers of whom nobody knows the address may all have "n/a" there.
    let isAddress = !row.failures.contains { $0.column == ColumnName(.email) }
    email =
      record.fields[.email].map { email in
        isAddress ? max(1, RowPrint.hash(EmailAddress.folded(email.exposed), salt: 1)) : 0
      } ?? 0
    content = RowPrint.content(of: record.fields)
    line = UInt32(clamping: record.row.line)
  }

  private static func hash(_ bytes: [UInt8], salt: Int) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(salt)
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  /// A sum over the cells: the order of the columns does not matter, and no row needs sorting.
  ///
  /// FNV-1a is enough here and five times as fast: two rows of one identity are never both sent, so whoever
  /// makes their hashes equal only changes the words that the second one is refused with.
  private static func content(of fields: CustomerFields) -> UInt32 {
    var sum: UInt64 = 0
    for (name, cell) in fields.cells {
      var hash = Checksums.fnv64(name.column.rawValue.utf8)
      hash = Checksums.fnv64(CollectionOfOne(UInt8(truncatingIfNeeded: name.number)), after: hash)
      hash = Checksums.fnv64(cell.exposed.utf8, after: hash)
      sum &+= hash ^ (hash >> 29)
    }
    return UInt32(truncatingIfNeeded: sum ^ (sum >> 32))
  }
}

/// The rows seen so far: 24 bytes each, and 8 to 16 more for finding them by identity and by e-mail.
struct SeenRows {
  private var prints = PrintList()
  private var byIdentity = PrintIndex()
  private var byEmail = PrintIndex()

  /// What the row repeats of an earlier one; remembers it when that is nothing.
  mutating func clashRemembering(_ print: RowPrint) -> Clash? {
    if let clash = clash(of: print) { return clash }
    let row = prints.append(print)
    byIdentity.insert(row, print.identity) { [prints] in prints[$0].identity }
    if print.email != 0 { byEmail.insert(row, print.email) { [prints] in prints[$0].email } }
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
}

/// Prints by number, in pieces of 16,384 (400 KB): growing never copies what is there.
private struct PrintList {
  private var pieces: [[RowPrint]] = []
  private static let pieceSize = 16_384

  subscript(row: Int) -> RowPrint {
    pieces[row / PrintList.pieceSize][row % PrintList.pieceSize]
  }

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
private struct PrintIndex {
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
