/// Writes one line of a ledger.
struct LineBuilder {
  private(set) var bytes: [UInt8] = []

  /// The line of a record with its newline.
  static func line(
    _ record: LedgerRecord, number: Int, synced: Int, after previous: UInt32
  ) -> (bytes: [UInt8], checksum: UInt32) {
    var builder = LineBuilder()
    builder.bytes.reserveCapacity(320)
    builder.add(.version, LineFormat.version)
    builder.add(.number, number)
    builder.add(.synced, synced)
    builder.add(.kind, record.kind.rawValue)
    builder.add(record)
    return builder.sealed(after: previous)
  }

  /// The fields of a record as one JSON object, without numbering and checksum.
  static func object(_ record: LedgerRecord) -> [UInt8] {
    var builder = LineBuilder()
    builder.add(.kind, record.kind.rawValue)
    builder.add(record)
    return builder.bytes + [UInt8(ascii: "}")]
  }

  private mutating func sealed(after previous: UInt32) -> (bytes: [UInt8], checksum: UInt32) {
    let checksum = LineFormat.checksum(bytes, 0..<bytes.count, after: previous)
    add(.checksum, String(decoding: LineFormat.hex(checksum), as: UTF8.self))
    bytes += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
    return (bytes, checksum)
  }

  private mutating func add(_ record: LedgerRecord) {
    add(.tool, record.tool)
    add(.target, record.target)
    add(.shard, record.shard)
    add(.host, record.host)
    add(.process, record.process)
    add(.keyProof, record.keyProof)
    add(.key, record.key)
    add(.customer, record.customer)
    add(.digest, record.digest)
    add(.source, record.source)
    add(.attempt, record.attempt)
    add(.operation, record.operation)
    add(.step, record.step)
    add(.part, record.part)
    add(.verdict, record.verdict)
    add(.stage, record.stage)
    add(.code, record.code)
    add(.column, record.column)
    add(.side, record.side)
    add(.http, record.http)
    add(.status, record.status)
    add(.type, record.type)
    add(.bytes, record.bytes)
    add(.milliseconds, record.milliseconds)
    add(.row, record.row)
    add(.author, record.author)
    add(.time, record.time.description)
  }

  private mutating func add(_ name: FieldName, _ text: String?) {
    guard let text else { return }
    begin(name)
    bytes.append(UInt8(ascii: "\""))
    bytes += text.utf8
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func add(_ name: FieldName, _ fingerprint: Fingerprint?) {
    guard let fingerprint else { return }
    begin(name)
    bytes.append(UInt8(ascii: "\""))
    fingerprint.write(to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func add(_ name: FieldName, _ number: Int?) {
    guard let number else { return }
    begin(name)
    bytes += String(max(0, number)).utf8
  }

  private mutating func begin(_ name: FieldName) {
    bytes.append(bytes.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
    bytes.append(UInt8(ascii: "\""))
    name.text.withUTF8Buffer { bytes += $0 }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
  }
}
