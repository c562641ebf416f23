/// What a row was made of, in the pieces by which a later run tells whether anything of it changed.
///
/// The ledger keeps a keyed hash of each piece, so that it tells nothing about the customer.
public struct RowOrigin: Sendable {
  /// The name by which the operator knows the row: `id`, else `reference`; a label, often used again by the next batch.
  public let label: String?
  /// Every cell but the id, which is a label or what the row goes by, the e-mail where the row goes by it in any
  /// letters, and the paths of the scans.
  public let cells: Personal<[UInt8]>
  /// Path, size and time of change of each scan; nil where no scan is sent.
  public let files: Personal<[UInt8]>?
  /// The SHA-256 of the bytes of each scan; nil until all of them have been read.
  public var images: Personal<[UInt8]>?
  /// All cells, and the size of each scan: what ledgers of format 1 have instead; made when one asks for it.
  public let inFormat1: @Sendable () -> Personal<[UInt8]>

  /// Looks at a row whose customer the target knows by `identity`; asks the system about its scans but reads none.
  public init(of record: IntakeRecord, identity: Personal<[UInt8]>, sendsImages: Bool) {
    label = record.row.label
    var left: Set<Column> = [.front, .back, .id]
    if RowIdentity.email(in: identity) != nil { left.insert(.email) }
    cells = Personal(RowOrigin.text(of: record.fields, without: left))
    files = sendsImages ? Personal(record.images.flatMap(RowOrigin.text)) : nil
    inFormat1 = {
      let sizes = record.images.flatMap { file in
        Array(";\(file.side.rawValue)=\(file.stamp.map { String($0.size) } ?? "?")".utf8)
      }
      return Personal(RowOrigin.text(of: record.fields, without: []) + sizes)
    }
  }

  private static func text(of file: ImageFile) -> [UInt8] {
    let state = file.stamp.map { "\($0.size),\($0.changed)" } ?? "?"
    return Array(";\(file.side.rawValue)=\(state),\(file.path)".utf8)
  }

  /// Takes the pieces as they are.
  public init(
    label: String?, cells: Personal<[UInt8]>, files: Personal<[UInt8]>?,
    inFormat1: Personal<[UInt8]>
  ) {
    (self.label, self.cells, self.files) = (label, cells, files)
    self.inFormat1 = { inFormat1 }
  }

  /// The cells by the names of their columns, in the order of the names.
  private static func text(of fields: CustomerFields, without left: Set<Column>) -> [UInt8] {
    let names = fields.columns.filter { !left.contains($0.column) }
      .map { ($0, $0.description) }.sorted { $0.1 < $1.1 }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    for (column, name) in names {
      let cell = (fields[column.column, column.number]?.exposed ?? "").utf8
      // With its length before it, no cell can pass for two.
      bytes += "\(name)=\(cell.count):".utf8
      bytes += cell
    }
    return bytes
  }
}

/// How a row compares with what it was at its last attempt.
public enum RowChange: Sendable, Equatable {
  /// It is the same, or the ledger doesn't know better.
  case none
  /// The cells are the same; only the bytes of the scans can tell about them.
  case perhapsImages
  /// It is not the same, which may still come to the same request.
  case content
}
