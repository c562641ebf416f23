import IntakeCore
import TestSupport
import Testing

@testable import IntakeLedger

/// What an index reads again is what it would have kept.
@Suite(.timeLimit(.minutes(20)))
struct LedgerIndexTests {
  /// A ledger that grows line by line, with an index of each kind.
  private struct Growing {
    let file = LossyFile()
    var (kept, read): (LedgerIndex, LedgerIndex)
    private var tip = LedgerTip()

    init() { (kept, read) = (LedgerIndex(), LedgerIndex(readingAgain: file)) }

    mutating func add(_ record: LedgerRecord) throws {
      let line = record.line(number: tip.count, synced: tip.count, after: tip.checksum)
      try file.append(line.bytes)
      try kept.apply(record, at: tip.end)
      try read.apply(record, at: tip.end)
      tip.advance(by: line.bytes.count, checksum: line.checksum)
    }
  }

  private func record(_ kind: LedgerRecord.Kind, _ key: Fingerprint, at line: Int) -> LedgerRecord {
    LedgerRecord(kind, at: UTCTime(seconds: 1_795_000_000 + Double(line)), key: key)
  }

  private func run(at line: Int) -> LedgerRecord {
    var open = LedgerRecord(.open, at: UTCTime(seconds: 1_795_000_000 + Double(line)))
    (open.tool, open.target, open.host, open.process) = ("test", "target", "host", 1)
    open.keyProof = Fingerprint(high: 1, low: 1)
    return open
  }

  private func random(
    _ key: Fingerprint, at line: Int, _ random: inout SeededRandom
  ) -> LedgerRecord {
    func print() -> Fingerprint {
      let short = UInt64.random(in: 1...3, using: &random)
      return Fingerprint(high: short << 32, low: short)
    }
    switch Int.random(in: 0..<12, using: &random) {
    case 0: return record(.start, key, at: line)
    case 1...4:
      var intent = record(.intent, key, at: line)
      (intent.digest, intent.cells) = (print(), print())
      if Bool.random(using: &random) { (intent.files, intent.images) = (print(), print()) }
      (intent.attempt, intent.operation) = (1, "create")
      return intent
    case 5:
      var step = record(.step, key, at: line)
      (step.step, step.part) = (.random(in: 0...2, using: &random), "part")
      step.verdict = (Bool.random(using: &random) ? StepState.begun : .accepted).rawValue
      return step
    case 6:
      var mark = record(.mark, key, at: line)
      mark.verdict = (Bool.random(using: &random) ? Settled.accepted : .notAccepted).rawValue
      mark.author = "operator:test"
      return mark
    default:
      let verdicts: [Verdict] = [.accepted, .accepted, .accepted, .rejected, .failed, .inDoubt]
      let verdict = verdicts.randomElement(using: &random) ?? .failed
      let attempts = Int.random(in: 0...1, using: &random)
      var outcome = LedgerRecord(
        .test(RowKey(key.description), verdict, attempts: attempts), key: key)
      // A scan ended the process that decoded it.
      if verdict == .rejected, Bool.random(using: &random) { outcome.files = print() }
      return outcome
    }
  }

  /// Keys that are alike in the part that the index keeps, and keys that are not.
  private static let keys = (0..<12).map {
    Fingerprint(high: UInt64($0), low: $0 < 6 ? 7 : UInt64($0) << 20)
  }

  @Test(arguments: 1...60)
  func whatIsReadAgainIsWhatWasKept(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var ledger = Growing()
    try ledger.add(run(at: 0))
    for line in 1...150 {
      let key = Self.keys.randomElement(using: &random) ?? Self.keys[0]
      let isRun = Int.random(in: 0..<12, using: &random) == 0
      let next = isRun ? run(at: line) : self.random(key, at: line, &random)
      if next.kind == .outcome {
        #expect(try ledger.read.isNews(next) == ledger.kept.isNews(next), "line \(line)")
      }
      try ledger.add(next)
      for key in Self.keys {
        let (kept, read) = (try ledger.kept.state(of: key), try ledger.read.state(of: key))
        #expect("\(kept as Any)" == "\(read as Any)", "line \(line)")
      }
      #expect(ledger.read.inFlight == ledger.kept.inFlight && ledger.read.run == ledger.kept.run)
      #expect(ledger.read.counts == ledger.kept.counts, "line \(line)")
    }
  }

  /// Adds the two lines of an accepted row.
  private func accept(_ key: Fingerprint, in ledger: inout Growing) throws {
    var intent = record(.intent, key, at: 1)
    (intent.digest, intent.cells, intent.attempt, intent.operation) = (key, key, 1, "create")
    try ledger.add(intent)
    try ledger.add(LedgerRecord(.test(RowKey(key.description), .accepted, attempts: 1), key: key))
  }

  /// The point of it: a row that is over leaves nothing behind but where its lines are.
  @Test func anAcceptedRowIsNotKept() throws {
    var ledger = Growing()
    try ledger.add(run(at: 0))
    for key in Self.keys { try accept(key, in: &ledger) }
    #expect(ledger.kept.states.count == 12 && ledger.read.states.count == 1)
    #expect(ledger.read.counts.accepted == 12)
  }

  @Test func aFileThatCannotBeReadAgainIsAnError() throws {
    var ledger = Growing()
    try ledger.add(run(at: 0))
    try accept(Self.keys[0], in: &ledger)
    ledger.file.truncate(to: 10)
    #expect(throws: JournalError.self) { _ = try ledger.read.standing(of: Self.keys[0]) }
    #expect(try ledger.read.standing(of: Self.keys[9]) == .unknown)
  }

  /// Whoever copies another ledger over one that is in use must not make its rows unknown: they would be sent again.
  @Test func aRowInAnothersPlaceIsAnError() throws {
    var (ledger, other) = (Growing(), Growing())
    try ledger.add(run(at: 0))
    try other.add(run(at: 0))
    try accept(Self.keys[7], in: &ledger)
    try accept(Self.keys[8], in: &other)
    ledger.file.truncate(to: 0)
    try ledger.file.append(other.file.read(at: 0, count: other.file.size()))
    #expect(throws: JournalError.self) { _ = try ledger.read.standing(of: Self.keys[7]) }
  }

  /// While a ledger is checked a piece may be read that holds its torn end, in whose place other lines come.
  @Test func whatWasReadOfATornEndIsForgotten() throws {
    var ledger = Growing()
    try ledger.add(run(at: 0))
    try accept(Self.keys[7], in: &ledger)
    let end = ledger.file.size()
    // The torn end holds what could pass for the lines of the next row.
    var other = Growing()
    try other.add(run(at: 0))
    try accept(Self.keys[7], in: &other)
    try accept(Self.keys[8], in: &other)
    try ledger.file.append(Array(other.file.read(at: 0, count: other.file.size())[end...]))
    #expect(try ledger.read.standing(of: Self.keys[7]) == .accepted)
    ledger.file.truncate(to: end)
    ledger.read.forgetWhatWasRead()
    try accept(Self.keys[9], in: &ledger)
    #expect(try ledger.read.standing(of: Self.keys[9]) == .accepted)
  }

  @Test(arguments: [
    (1, 2, UInt8(0)), (1 << 36 - 1, 1 << 36, 255), (1 << 35, 1 << 35 + 1 << 20 - 1, 129),
  ])
  func aPlaceIsWhatItWasMadeOf(intent: Int, outcome: Int, steps: UInt8) throws {
    let place = try #require(RowState.Place(intent: intent, outcome: outcome, steps: steps))
    #expect((place.intent, place.outcome, place.steps) == (intent, outcome, steps))
  }

  @Test(arguments: [(0, 1), (1 << 36, 1 << 36 + 1), (1, 1 + 1 << 20), (5, 5), (5, 4)])
  func aPlaceThatDoesNotFitIsNone(intent: Int, outcome: Int) {
    #expect(RowState.Place(intent: intent, outcome: outcome, steps: 0) == nil)
  }
}
