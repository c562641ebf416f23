/// The bytes that make a row's ledger key, tagged by their kind so that kinds never collide.
///
/// Bytes are compared as they are: an accented letter in one piece and one in two (NFC, NFD) make two
/// identities, for normalising takes tables that only Foundation has. Ids and addresses are ASCII in practice.
public enum RowIdentity {
  /// A row that the operator has named: the `id` cell, or `reference` where there is none.
  public static func of(id: String) -> Personal<[UInt8]> { tagged("id", Array(id.utf8)) }

  /// A row known by its customer's e-mail, whose letter case does not count.
  public static func of(email: String) -> Personal<[UInt8]> {
    tagged("email", normalized(email: email))
  }

  /// A row known by all its cells.
  public static func of(cells: [UInt8]) -> Personal<[UInt8]> { tagged("row", cells) }

  /// An address in the form in which two are compared: ASCII letters in lower case.
  public static func normalized(email: String) -> [UInt8] {
    EmailAddress.folded(email)
  }

  private static func tagged(_ kind: String, _ bytes: [UInt8]) -> Personal<[UInt8]> {
    Personal(Array((kind + ":").utf8) + bytes)
  }
}
