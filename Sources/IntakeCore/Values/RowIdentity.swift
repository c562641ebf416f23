/// The bytes that a row's ledger key is made of, tagged by their kind so that kinds never collide.
///
/// They are compared as they are: normalising (NFC, NFD) takes tables that only Foundation has.
public enum RowIdentity {
  /// A row that the operator has named: the `id` cell, or `reference` where there is none.
  public static func of(id: String) -> Personal<[UInt8]> { tagged("id:", id.utf8) }

  /// A row known by its customer's e-mail, whose letter case does not count.
  public static func of(email: String) -> Personal<[UInt8]> {
    tagged("email:", EmailAddress.folded(email))
  }

  /// Whether a row is known by its customer's e-mail.
  static func isEmail(_ identity: Personal<[UInt8]>) -> Bool {
    identity.exposed.starts(with: "email:".utf8)
  }

  /// The folded address of a row that is known by its customer's e-mail, nil for another.
  public static func email(in identity: Personal<[UInt8]>) -> String? {
    guard isEmail(identity) else { return nil }
    return String(decoding: identity.exposed.dropFirst("email:".utf8.count), as: UTF8.self)
  }

  /// A row known by all its cells.
  public static func of(cells: [UInt8]) -> Personal<[UInt8]> { tagged("row:", cells) }

  private static func tagged(
    _ tag: StaticString, _ content: some Collection<UInt8>
  ) -> Personal<[UInt8]> {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tag.utf8CodeUnitCount + content.count)
    tag.withUTF8Buffer { bytes += $0 }
    bytes += content
    return Personal(bytes)
  }
}

/// What a row is looked up by in a ledger.
public struct RowName: Sendable, Hashable {
  /// What the target knows the customer by.
  public let identity: Personal<[UInt8]>
  /// What the loader tells rows apart by, which is how ledgers of format 1 know them.
  public let inFormat1: Personal<[UInt8]>

  /// Names a row.
  public init(_ identity: Personal<[UInt8]>, inFormat1: Personal<[UInt8]>) {
    self.identity = identity
    self.inFormat1 = inFormat1
  }
}

extension Assembler {
  /// What a row is looked up by; the loader's identity where it lacks what the target knows customers by.
  public func name(of record: IntakeRecord) -> RowName {
    RowName(identity(of: record) ?? record.identity, inFormat1: record.identity)
  }
}

/// One of n parts of a batch, chosen by a hash of the row's identity, so that editing a manifest moves no other row.
public struct Shard: Sendable, Equatable, CustomStringConvertible {
  /// Which part, 1 to `count`.
  public let index: Int
  /// How many parts there are.
  public let count: Int

  /// Names a part; nil unless 1 ≤ index ≤ count.
  public init?(index: Int, of count: Int) {
    guard count >= 1, (1...count).contains(index) else { return nil }
    self.index = index
    self.count = count
  }

  /// Whether a row belongs to this part.
  ///
  /// Plain FNV-1a with a finishing mix (the constants of MurmurHash3's fmix64): every machine must agree
  /// without sharing a key, and nothing of it is written down.
  public func contains(_ identity: Personal<[UInt8]>) -> Bool {
    var hash = Checksums.fnv64(identity.exposed)
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    hash ^= hash >> 33
    return Int(hash % UInt64(count)) == index - 1
  }

  /// `2/5`.
  public var description: String { "\(index)/\(count)" }
}
