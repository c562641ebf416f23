/// What a `HashTable` holds: a value of fixed size that knows the hash it is found by.
public protocol HashTableEntry: BitwiseCopyable, Sendable {
  /// 64 random bits, of which the first count most; never 0, which marks a free slot.
  var hash: UInt64 { get }
  /// A free slot, whose hash is 0.
  static var free: Self { get }
}

/// Entries found by their hashes, in at most a seventh more memory than they take themselves.
///
/// Linear probing with the entries in the order of their hashes: a search ends at the first greater one, so the
/// slots can be fifteen sixteenths full, where a dictionary keeps up to five eighths of its slots free.
/// Swift's `Dictionary` takes 32 to 64 bytes where an entry here takes 12.
public struct HashTable<Entry: HashTableEntry>: Sendable {
  /// By the first bits of the hash: growing copies one part at a time, so there are never two tables of all entries.
  @usableFromInline var parts = [Part](repeating: Part(), count: 1 << HashTable.partBits)
  @usableFromInline static var partBits: Int { 6 }

  /// A table without entries.
  @inlinable public init() {}

  /// Where an entry is, until the next one is inserted.
  public struct Place: Sendable {
    @usableFromInline let part: Int
    @usableFromInline let slot: Int

    @inlinable init(part: Int, slot: Int) { (self.part, self.slot) = (part, slot) }
  }

  /// The entry at a place, or another one with the same hash.
  @inlinable public subscript(place: Place) -> Entry {
    get { parts[place.part].slots[place.slot] }
    set { parts[place.part].slots[place.slot] = newValue }
  }

  /// Where the first entry is that has a hash and is the one that is looked for; nil when there is none.
  @inlinable public func place<Failure: Error>(
    of hash: UInt64, where isWanted: (Entry) throws(Failure) -> Bool
  ) throws(Failure) -> Place? {
    let part = Int(truncatingIfNeeded: hash >> (64 - HashTable.partBits))
    let slots = parts[part].slots
    var slot = parts[part].home(of: hash)
    while slot < slots.count, slots[slot].hash != 0, slots[slot].hash <= hash {
      if slots[slot].hash == hash, try isWanted(slots[slot]) {
        return Place(part: part, slot: slot)
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
    let part = Int(truncatingIfNeeded: entry.hash >> (64 - HashTable.partBits))
    return Place(part: part, slot: parts[part].insert(entry))
  }

  /// Entries in the table.
  public var count: Int { parts.reduce(0) { $0 + $1.count } }

  @usableFromInline struct Part: Sendable {
    @usableFromInline var slots: [Entry] = []
    /// Slots that entries belong in; those behind take what the last of them have no room for.
    @usableFromInline var homes = 0
    @usableFromInline var count = 0

    @inlinable init() {}

    /// The slot of the first entry with that hash, were there no others.
    @inlinable func home(of hash: UInt64) -> Int {
      let rest = hash << UInt64(HashTable.partBits)
      return Int(truncatingIfNeeded: rest.multipliedFullWidth(by: UInt64(homes)).high)
    }

    /// Puts an entry where it belongs, and those behind it one further.
    @inlinable mutating func insert(_ entry: Entry) -> Int {
      count += 1
      if 16 * count > 15 * homes { grow() }
      var slot = home(of: entry.hash)
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
    @usableFromInline mutating func grow() {
      let entries = slots
      homes += max(8, homes / 16)
      // Where the hashes are random, 32 more are enough.
      slots = [Entry](repeating: .free, count: homes + min(32, homes / 8))
      var next = 0
      for entry in entries where entry.hash != 0 {
        next = max(next, home(of: entry.hash))
        if next == slots.count { slots.append(.free) }
        slots[next] = entry
        next += 1
      }
    }
  }
}
