import IntakeCore
import TestSupport
import Testing

/// Entries are found by their hashes, however alike those are.
@Suite(.timeLimit(.minutes(20)))
struct HashTableTests {
  private struct Entry: HashTableEntry, Equatable {
    let hash: UInt64
    var number: Int
    static let free = Entry(hash: 0, number: 0)
  }

  /// Hashes spread over all bits, in one part of the table, at its end, and from few that come again and again.
  static let kinds: [@Sendable (inout SeededRandom) -> UInt64] = [
    { .random(in: 1 ... .max, using: &$0) },
    { .random(in: 1...1 << 50, using: &$0) },
    { .max - .random(in: 0...5_000, using: &$0) },
    { 1 << 63 | .random(in: 0..<40, using: &$0) << 32 },
  ]

  @Test(arguments: kinds.indices)
  func everyEntryIsFound(kind: Int) {
    var random = SeededRandom(seed: UInt64(kind) + 1)
    var table = HashTable<Entry>()
    var expected: [UInt64: [Int]] = [:]
    for number in 0..<3_000 {
      let hash = Self.kinds[kind](&random)
      #expect((table[hash] != nil) == (expected[hash] != nil))
      let place = table.insert(Entry(hash: hash, number: number))
      #expect(table[place] == Entry(hash: hash, number: number))
      expected[hash, default: []].append(number)
    }
    #expect(table.count == 3_000)
    for (hash, numbers) in expected {
      #expect(table[hash]?.number == numbers[0], "the first one of its hash")
      for number in numbers {
        #expect(table.place(of: hash) { $0.number == number }.map { table[$0].number } == number)
      }
      #expect(table.place(of: hash) { $0.number == -1 } == nil)
    }
    for _ in 0..<3_000 {
      let hash = Self.kinds[0](&random)
      #expect((table[hash] != nil) == (expected[hash] != nil))
    }
  }

  @Test func anEntryCanBeReplaced() {
    var table = HashTable<Entry>()
    for hash in 1...100 as ClosedRange<UInt64> { table.insert(Entry(hash: hash << 40, number: 1)) }
    if let place = table.place(of: 50 << 40, where: { _ in true }) { table[place].number = 2 }
    #expect(table[50 << 40]?.number == 2 && table[51 << 40]?.number == 1 && table.count == 100)
  }

  @Test func whatTheLookupThrowsIsThrown() {
    struct Unreadable: Error {}
    var table = HashTable<Entry>()
    table.insert(Entry(hash: 1, number: 1))
    #expect(throws: Unreadable.self) {
      _ = try table.place(of: 1) { (_) throws(Unreadable) in throw Unreadable() }
    }
    #expect(throws: Never.self) {
      _ = try table.place(of: 2) { (_) throws(Unreadable) in throw Unreadable() }
    }
  }
}
