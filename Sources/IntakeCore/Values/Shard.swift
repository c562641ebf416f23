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
