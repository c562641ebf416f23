import IntakeCore
import IntakeSystem

/// Tells a damaged ledger from a file that never was one.
enum LedgerKind {
  /// What the first line of every ledger begins with.
  private static let start = LineFormat.prefix + Array("0,\"s\":0,\"t\":\"open\"".utf8)

  /// Refuses a file that does not begin as a ledger does; an empty one is a new ledger.
  ///
  /// Half of the bytes have to agree, counted by their places: a disk that damages a ledger leaves more of
  /// it, and a manifest in JSON Lines has no more than the first two in common with one.
  static func check(_ file: any JournalFile) throws(JournalError) {
    let bytes = try JournalError.explaining("ledger \(file.path) cannot be read") {
      () throws(SystemCallFailure) in try file.read(at: 0, count: start.count)
    }
    let expected = start.prefix(bytes.count)
    // A power cut leaves zeros where a block was never written.
    let alike = zip(bytes, expected).count { $0 == $1 || $0 == 0 }
    guard 2 * alike < expected.count else { return }
    throw JournalError(
      "\(file.path) is no ledger: name the file that an earlier run gave as its ledger, or one that is "
        + "not there yet", line: 1)
  }
}
