import IntakeCore

/// What is remembered of a row: hashes (SipHash, seeded anew in each run), never the content.
///
/// With 64 bits, the chance that any two of a million rows share a hash without being alike is 1 in 37 million.
struct RowPrint: Sendable {
  /// Of the row's identity.
  let identity: UInt64
  /// Of the e-mail in lower case; 0 when there is none.
  let email: UInt64
  /// Of all cells; 32 bits, for it is compared only where the identity is the same.
  let content: UInt32
  let line: UInt32

  init(_ record: IntakeRecord) {
    identity = RowPrint.hash(record.identity.exposed, salt: 0)
    email =
      record.fields[.email].map {
        max(1, RowPrint.hash(RowIdentity.normalized(email: $0.exposed), salt: 1))
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
  /// FNV-1a is enough here and five times as fast: two rows of one identity are never both sent, so who
  /// makes their hashes equal only changes the word that the second one is refused with.
  private static func content(of fields: CustomerFields) -> UInt32 {
    var sum: UInt64 = 0
    for name in fields.columns {
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      func mix(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      }
      mix(name.column.rawValue.utf8)
      mix(CollectionOfOne(UInt8(truncatingIfNeeded: name.number)))
      if let cell = fields[name.column, name.number] { mix(cell.exposed.utf8) }
      sum &+= hash ^ (hash >> 29)
    }
    return UInt32(truncatingIfNeeded: sum ^ (sum >> 32))
  }
}
