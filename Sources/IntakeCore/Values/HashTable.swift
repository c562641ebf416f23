/// What a `HashTable` holds: a value of fixed size that knows the hash it is found by.
public protocol HashTableEntry: BitwiseCopyable, Sendable {
  /// 64 random bits, of which the first count most; never 0, which marks a free slot.
  var hash: UInt64 { get }
  /// A free slot, whose hash is 0.
  static var free: Self { get }
}

/// Entries found by their hashes, in about a tenth more memory than they take themselves.
///
/// Linear probing with the entries in the order of their hashes: a search ends at the first greater one, so the
/// slots can be fifteen sixteenths full, where a dictionary keeps a quarter to five eighths of them free.
public struct HashTable<Entry: HashTableEntry>: Sendable {
  /// By the first bits of the hash.
  ///
  /// When the table grows, one part after the other is copied, into the memory that those before it have left: there is
  /// never a second table.
  @usableFromInline var parts = [[Entry]](repeating: [], count: 1 << HashTable.partBits)
  @usableFromInline static var partBits: Int { 6 }
  /// Slots of a part that entries belong in; those behind take what the last of them have no room for.
  @usableFromInline var homes = 0
  @usableFromInline var filled = 0

  /// Entries in the table.
  public var count: Int { filled }

  /// A table without entries.
  @inlinable public init() {}

  /// Where an entry is, until the next one is inserted.
  public struct Place: Sendable {
    @usableFromInline let part: Int
    @usableFromInline let slot: Int

    @inlinable init(part: Int, slot: Int) { (self.part, self.slot) = (part, slot) }
  }

  /// The entry at a place; may be replaced by one with the same hash.
  @inlinable public subscript(place: Place) -> Entry {
    get { parts[place.part][place.slot] }
    set { parts[place.part][place.slot] = newValue }
  }

  /// The slot that an entry with that hash would have if there were no others.
  @inlinable func home(of hash: UInt64) -> Place {
    let rest = hash << UInt64(HashTable.partBits)
    return Place(
      part: Int(truncatingIfNeeded: hash >> UInt64(64 - HashTable.partBits)),
      slot: Int(truncatingIfNeeded: rest.multipliedFullWidth(by: UInt64(homes)).high))
  }

  /// Where the first entry is that has the hash and is wanted; nil when there is none.
  @inlinable public func place<Failure: Error>(
    of hash: UInt64, where isWanted: (Entry) throws(Failure) -> Bool
  ) throws(Failure) -> Place? {
    let home = home(of: hash)
    let slots = parts[home.part]
    var slot = home.slot
    while slot < slots.count, slots[slot].hash != 0, slots[slot].hash <= hash {
      if slots[slot].hash == hash, try isWanted(slots[slot]) {
        return Place(part: home.part, slot: slot)
      }
      slot += 1
    }
    return nil
  }

  /// The first entry that has a hash.
  @inlinable public subscript(hash: UInt64) -> Entry? {
    place(of: hash) { _ in true }.map { self[$0] }
  }

  /// Adds an entry, behind those with the same hash; where it is.
  @inlinable @discardableResult public mutating func insert(_ entry: Entry) -> Place {
    filled += 1
    if 16 * filled > 15 * homes * parts.count { grow() }
    let home = home(of: entry.hash)
    let slot = HashTable.insert(entry, into: &parts[home.part], from: home.slot)
    return Place(part: home.part, slot: slot)
  }

  /// Puts an entry where its hash belongs, and moves those behind it by one.
  @inlinable static func insert(_ entry: Entry, into slots: inout [Entry], from home: Int) -> Int {
    var slot = home
    while slot < slots.count, slots[slot].hash != 0, slots[slot].hash <= entry.hash { slot += 1 }
    var end = slot
    while end < slots.count, slots[end].hash != 0 { end += 1 }
    if end == slots.count { slots.append(.free) }
    while end > slot {
      slots[end] = slots[end - 1]
      end -= 1
    }
    slots[slot] = entry
    return slot
  }

  /// Makes room for a sixteenth more.
  @inlinable mutating func grow() {
    homes += max(4, homes / 16)
    for part in parts.indices {
      // Where the hashes are random, 64 more are enough.
      var slots = [Entry](repeating: .free, count: homes + min(64, homes / 4))
      var next = 0
      for entry in parts[part] where entry.hash != 0 {
        next = max(next, home(of: entry.hash).slot)
        if next == slots.count { slots.append(.free) }
        slots[next] = entry
        next += 1
      }
      parts[part] = slots
    }
  }
}
