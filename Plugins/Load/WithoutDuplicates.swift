import IntakeCore
import Synchronization

/// Passes rows on and turns those that repeat an earlier one into bad rows.
///
/// Rows stream, so it is always the later one that is refused; the first may be on its way already. Rows
/// that are bad for another reason are compared and not remembered: they do not stand in the way of a good one.
final class WithoutDuplicates: RowSource {
  private let rows: any RowSource
  private let seen = Mutex(SeenRows())

  init(_ rows: any RowSource) { self.rows = rows }

  var notices: [String] { rows.notices }
  var warnings: [String] { rows.warnings }

  func next() async throws -> LoadedRow? {
    guard let row = try await rows.next() else { return nil }
    let print = RowPrint(row.record)
    guard case .bad(let record, let failures) = row else {
      guard let clash = seen.withLock({ $0.clashRemembering(print) }) else { return row }
      return .bad(row.record, [clash.failure(for: row.record)])
    }
    guard let clash = seen.withLock({ $0.clash(of: print) }) else { return row }
    // First, for it is what tells that the row's key is that of another row, whose standing must stay.
    return .bad(record, [clash.failure(for: record)] + failures)
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
