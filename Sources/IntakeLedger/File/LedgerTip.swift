/// Where the next line goes and what it is chained to.
package struct LedgerTip: Sendable, Equatable {
  /// Lines so far: the number of the next one.
  package private(set) var count = 0
  /// The checksum of the last line.
  package private(set) var checksum: UInt32 = 0
  /// Bytes so far.
  package private(set) var end = 0

  package init() {}

  mutating func advance(by size: Int, checksum: UInt32) {
    count += 1
    end += size
    self.checksum = checksum
  }
}
