import IntakeCore

/// The proof that the ledgers of a batch that was cut into parts are all there.
enum ShardCover {
  /// Checks which parts (`i/n`) the runs of each ledger took.
  ///
  /// - Returns: the number of parts, nil when no run took a part only.
  /// - Throws: `JournalError` that names the parts that are missing, or taken by two ledgers.
  static func check(_ ledgers: [(path: String, shards: Set<String>)]) throws(JournalError) -> Int? {
    // Runs over a merged ledger, and the line of the merge itself, take the whole; they prove nothing.
    var owners: [Int: String] = [:]
    var total: Int?
    for (path, shards) in ledgers {
      for shard in shards.sorted() where !shard.isEmpty {
        let (number, count) = try parts(of: shard, path)
        guard total ?? count == count else {
          throw JournalError(
            "ledger \(path) is of \(count) shards and another of \(total ?? 0): merge those of one batch"
          )
        }
        total = count
        if let other = owners.updateValue(path, forKey: number) {
          throw JournalError(
            "ledgers \(other) and \(path) are both of shard \(shard): give one of them")
        }
      }
    }
    guard let total else { return nil }
    if let path = ledgers.first(where: { $0.shards.allSatisfy(\.isEmpty) })?.path {
      throw JournalError("ledger \(path) is of no shard and others are: leave it out")
    }
    let missing = (1...total).filter { owners[$0] == nil }
    guard missing.isEmpty else {
      let list = missing.prefix(20).map { "\($0)/\(total)" }.joined(separator: ", ")
      throw JournalError(
        "\(missing.count) of \(total) shards are missing (\(list)): run them, or give their ledgers too"
      )
    }
    return total
  }

  private static func parts(
    of shard: String, _ path: String
  ) throws(JournalError) -> (number: Int, count: Int) {
    let numbers = shard.split(separator: "/").map { Int($0) ?? 0 }
    guard numbers.count == 2, (1...1_000_000).contains(numbers[1]),
      (1...numbers[1]).contains(numbers[0])
    else {
      throw JournalError("ledger \(path) names a shard \(shard), which is not of the form i/n")
    }
    return (numbers[0], numbers[1])
  }
}
