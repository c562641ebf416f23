/// What a row was made of, in pieces that show a later run whether anything changed.
///
/// The ledger keeps a keyed hash of each piece, so that it tells nothing about the customer.
public struct RowOrigin: Sendable {
  /// The operator's name for the row: `id`, else `reference`; a label, often used again by the next batch.
  public let label: String?
  /// Every cell except the id, the paths of the scans and, where the row is known by its e-mail, that e-mail.
  public let cells: Personal<[UInt8]>
  /// Path, size and time of change of each scan; nil where no scan is sent.
  public let files: Personal<[UInt8]>?
  /// The SHA-256 of the bytes of each scan; nil until all of them have been read.
  public var images: Personal<[UInt8]>?
  /// All cells, and the size of each scan: what ledgers of format 1 have instead; made on demand.
  public let inFormat1: @Sendable () -> Personal<[UInt8]>

  /// Looks at a row whose customer the target knows by `identity`; asks the system about its scans but reads none.
  public init(of record: IntakeRecord, identity: Personal<[UInt8]>, sendsImages: Bool) {
    label = record.row.label
    var left: [Column] = [.front, .back, .id]
    if RowIdentity.isEmail(identity) { left.append(.email) }
    cells = Personal(RowOrigin.text(of: record.fields, without: left))
    files = sendsImages ? Personal(RowOrigin.text(ofScans: record.images)) : nil
    inFormat1 = { [fields = record.fields, images = record.images] in
      let sizes = images.flatMap { file in
        Array(";\(file.side.rawValue)=\(file.stamp.map { String($0.size) } ?? "?")".utf8)
      }
      return Personal(RowOrigin.text(of: fields, without: []) + sizes)
    }
  }

  private static func text(ofScans files: [ImageFile]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(128)
    for file in files {
      bytes.append(UInt8(ascii: ";"))
      bytes += file.side.rawValue.utf8
      bytes.append(UInt8(ascii: "="))
      if let stamp = file.stamp {
        bytes += String(stamp.size).utf8
        bytes.append(UInt8(ascii: ","))
        bytes += String(stamp.changed).utf8
      } else {
        bytes.append(UInt8(ascii: "?"))
      }
      bytes.append(UInt8(ascii: ","))
      bytes += file.path.utf8
    }
    return bytes
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
  private static func text(of fields: CustomerFields, without left: [Column]) -> [UInt8] {
    var cells: [(name: String, text: String)] = []
    cells.reserveCapacity(fields.cells.count)
    for cell in fields.cells where !left.contains(cell.name.column) {
      cells.append((cell.name.description, cell.text.exposed))
    }
    cells.sort { $0.name < $1.name }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    for cell in cells {
      // With its length before it, no cell can pass for two.
      bytes += cell.name.utf8
      bytes.append(UInt8(ascii: "="))
      bytes += String(cell.text.utf8.count).utf8
      bytes.append(UInt8(ascii: ":"))
      bytes += cell.text.utf8
    }
    return bytes
  }
}

/// How a row compares with what it was at its last attempt.
public enum RowChange: Sendable, Equatable {
  /// It is the same, as far as the ledger knows.
  case none
  /// The cells are the same; about the scans, only their bytes can tell.
  case perhapsImages
  /// It is not the same, though the request may still be.
  case content
}
