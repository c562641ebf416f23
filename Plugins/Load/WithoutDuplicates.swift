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
        hint: Clash.hint("names are used again, as in a manifest that was merged from several"),
        column: ColumnName(column))
    case .sameEmail(let line):
      return StageFailure(
        .conflictingRow, "email is the same as at line \(line), which has another id",
        hint: Clash.hint("customers share an address"), column: ColumnName(.email))
    }
  }

  /// The next step; a customer whom the target takes for the same is refused even then.
  private static func hint(_ exception: String) -> String {
    "keep the row that is right and remove the other; where \(exception), give --set load.duplicates=allow"
  }
}

/// What is remembered of a row: hashes (SipHash, with a new key in each run), never the content.
///
/// With 64 bits, the chance that any two of a million rows share a hash without being alike is 1 in 37 million.
struct RowPrint: Sendable {
  /// Of the row's identity; never 0.
  let identity: UInt64
  /// Of the e-mail in lower case; 0 when there is none.
  let email: UInt64
  /// Of all cells; 32 bits, because it is compared only where the identity is the same.
  let content: UInt32
  let line: UInt32

  init(_ row: LoadedRow) {
    let record = row.record
    identity = max(1, RowPrint.hash(record.identity.exposed, salt: 0))
    // Customers whose address nobody knows may all have "n/a" there.
    let isAddress = !row.failures.contains { $0.column == ColumnName(.email) }
    let address = isAddress ? record.fields[.email] : nil
    email =
      address.map { max(1, RowPrint.hash(EmailAddress.folded($0.exposed), salt: 1)) } ?? 0
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

/// The rows seen so far: 28 bytes each, and 3 for room in the tables; with what the allocator adds 34.
struct SeenRows {
  private var identities = HashTable<Identity>()
  private var emails = HashTable<Email>()

  private struct Identity: HashTableEntry {
    let hash: UInt64
    let content: UInt32
    let line: UInt32
    static let free = Identity(hash: 0, content: 0, line: 0)
  }

  /// The hash in two halves: eight bytes that are aligned would make it sixteen.
  private struct Email: HashTableEntry {
    private let high, low: UInt32
    let line: UInt32
    static let free = Email(0, line: 0)

    init(_ hash: UInt64, line: UInt32) {
      high = UInt32(truncatingIfNeeded: hash >> 32)
      low = UInt32(truncatingIfNeeded: hash)
      self.line = line
    }

    var hash: UInt64 { UInt64(high) << 32 | UInt64(low) }
  }

  /// What the row repeats of an earlier one; remembers it when that is nothing.
  mutating func clashRemembering(_ print: RowPrint) -> Clash? {
    if let clash = clash(of: print) { return clash }
    identities.insert(Identity(hash: print.identity, content: print.content, line: print.line))
    if print.email != 0 { emails.insert(Email(print.email, line: print.line)) }
    return nil
  }

  /// What the row repeats of an earlier one.
  func clash(of print: RowPrint) -> Clash? {
    if let earlier = identities[print.identity] {
      return earlier.content == print.content
        ? .sameRow(line: Int(earlier.line)) : .sameIdentity(line: Int(earlier.line))
    }
    return emails[print.email].map { .sameEmail(line: Int($0.line)) }
  }
}
