import IntakeCore

/// The bytes that a row is known by in the ledger, with a tag, so that an id never equals an e-mail address.
///
/// Bytes are compared as they are: an accented letter in one piece and one in two (NFC, NFD) make two
/// identities, for normalising takes tables that only Foundation has. Ids and addresses are ASCII in practice.
enum RowIdentity {
  /// The `id`, else the `reference`, else the e-mail in lower case, else every cell of the row.
  static func of(_ row: RawRow) -> Personal<[UInt8]> {
    let id = cell(.id, of: row) ?? cell(.reference, of: row)
    if let id { return Personal(Array("id:".utf8) + id.utf8) }
    if let email = cell(.email, of: row) {
      return Personal(Array("email:".utf8) + normalized(email: email))
    }
    return Personal(Array("row:".utf8) + (row.cells.isEmpty ? row.evidence : canonical(row.cells)))
  }

  /// An address in the form in which two are compared: ASCII letters in lower case.
  static func normalized(email: String) -> [UInt8] {
    email.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
  }

  private static func cell(_ column: Column, of row: RawRow) -> String? {
    row.cells.first { $0.name == ColumnName(column) }?.text
  }

  /// All cells by the names of their columns, with lengths, so that the order of the columns does not matter.
  private static func canonical(_ cells: [RawCell]) -> [UInt8] {
    cells.map { Array("\($0.name)=\($0.text.utf8.count):\($0.text);".utf8) }
      .sorted { $0.lexicographicallyPrecedes($1) }
      .flatMap { $0 }
  }
}
