import IntakeCore
import IntakeLedger
import TestSupport
import Testing

/// What a caller was told is on disk is there after any power cut, and what is there is a beginning of what was written.
@Suite(.timeLimit(.minutes(20)))
struct PowerCutTests {
  /// One life of a ledger over several power cuts.
  private struct Life {
    let file = LossyFile()
    var random: SeededRandom
    var tip = LedgerTip()
    var written: [LedgerRecord] = []
    var acknowledged = 0

    init(seed: Int) { random = SeededRandom(seed: seed) }

    mutating func work() {
      var writer = LineWriter(file, at: tip)
      if random.next() % 4 == 0 { file.limit(to: Int.random(in: 0..<2000, using: &random)) }
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        for _ in 0..<Int.random(in: 1...4, using: &random) { append(&writer) }
        if random.next() % 16 == 0 { file.fail() }
        guard random.next() % 3 != 0 else { continue }
        if (try? writer.synchronize()) != nil { acknowledged = written.count }
      }
    }

    private mutating func append(_ writer: inout LineWriter) {
      var record = LedgerRecord(.intent, at: UTCTime(seconds: 1_790_000_000))
      record.key = Fingerprint(high: random.next(), low: random.next())
      record.digest = Fingerprint(high: random.next(), low: random.next())
      record.operation = String(repeating: "x", count: Int.random(in: 0...60, using: &random))
      record.attempt = 1
      if (try? writer.append(record)) != nil { written.append(record) }
    }

    /// What a new process finds.
    mutating func recover() throws -> [LedgerRecord] {
      file.crash(&random)
      var found: [LedgerRecord] = []
      var scan = LedgerScan(file)
      tip = try scan.run { (record, _) throws(JournalError) in found.append(record) }
      file.truncate(to: tip.end)
      try file.synchronize()
      return found
    }
  }

  @Test(arguments: 0..<8)
  func acknowledgedLinesSurvive(part: Int) throws {
    for seed in part * 500..<(part + 1) * 500 {
      var life = Life(seed: seed)
      for generation in 0..<3 {
        life.work()
        let found = try life.recover()
        let isPrefix = life.written.starts(with: found)
        #expect(
          isPrefix && found.count >= life.acknowledged, "seed \(seed), generation \(generation)")
        life.written = found
        life.acknowledged = found.count
      }
    }
  }

  @Test func nothingIsWrittenAfterAFailedSynchronisation() throws {
    let file = LossyFile()
    var writer = LineWriter(file, at: LedgerTip())
    let record = LedgerRecord(.start, at: .now(), key: Fingerprint(high: 1, low: 2))
    _ = try writer.append(record)
    file.fail()
    #expect(throws: JournalError.self) { try writer.synchronize() }
    let size = file.size()
    #expect(throws: JournalError.self) { _ = try writer.append(record) }
    #expect(throws: JournalError.self) { try writer.synchronize() }
    #expect(file.size() == size)
  }

  @Test func aFullDiskLeavesNoHalfLine() throws {
    let file = LossyFile()
    var writer = LineWriter(file, at: LedgerTip())
    let record = LedgerRecord(.start, at: .now(), key: Fingerprint(high: 1, low: 2))
    _ = try writer.append(record)
    let size = file.size()
    file.limit(to: 17)
    let error = #expect(throws: JournalError.self) { _ = try writer.append(record) }
    #expect(error?.description.contains("free disk space") == true)
    #expect(file.size() == size)
    file.limit(to: 10_000)
    _ = try writer.append(record)
    #expect(file.size() > size)
  }
}
