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
  private static func content(of fields: CustomerFields) -> UInt32 {
    var sum: UInt64 = 0
    for name in fields.columns {
      var hasher = Hasher()
      hasher.combine(name)
      var text = fields[name.column, name.number]?.exposed ?? ""
      text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
      sum &+= UInt64(bitPattern: Int64(hasher.finalize()))
    }
    return UInt32(truncatingIfNeeded: sum ^ (sum >> 32))
  }
}
