import IntakeCore
import IntakeLedger
import IntakeSystem
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What `ledger show`, `verify`, `stats`, `prune` and `merge` stand on.
@Suite(.timeLimit(.minutes(20)))
struct ReadingTests {
  let folder = TemporaryFolder()

  private func makeLedger(
    _ name: String, shard: String? = nil, accepted: [String], rejected: [String] = [],
    inDoubt: [String] = []
  ) async throws -> String {
    let path = folder.path + "/" + name
    let ledger = try await Ledger.open(path, shard: shard)
    for row in accepted { try await ledger.send(row) }
    for row in rejected { try await ledger.send(row, .rejected) }
    for row in inDoubt { try await ledger.intend(.test(), for: ledger.key(row), attempt: 1) }
    await ledger.close()
    return path
  }

  @Test func aLedgerInUseCanBeRead() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    try await ledger.send("row-1")
    #expect(try LedgerReader(folder.ledger).lines == 3)
    try await ledger.send("row-2")
    #expect(try LedgerReader(folder.ledger).lines == 5)
    await ledger.close()
  }

  @Test func aTornEndIsReportedAndNotTouched() async throws {
    let path = try await makeLedger("a", accepted: ["row-1"])
    let torn = Array(Bytes.read(path).dropLast(7))
    Bytes.write(torn, to: path)
    let check = try LedgerReader.verify(path)
    #expect(check.lines == 2 && check.tornBytes == torn.count - check.bytes && check.tornBytes > 0)
    #expect(Bytes.read(path) == torn)
  }

  @Test func damageIsReportedWithItsLine() async throws {
    let path = try await makeLedger("a", accepted: ["row-1", "row-2"])
    var bytes = Bytes.read(path)
    bytes[bytes.count / 2] ^= 1
    Bytes.write(bytes, to: path)
    let error = #expect(throws: JournalError.self) { _ = try LedgerReader.verify(path) }
    #expect(error?.description.contains("damaged at line 3") == true)
  }

  @Test func linesComeInOrderWithTheirNumbers() async throws {
    let path = try await makeLedger("a", accepted: ["row-1"], inDoubt: ["row-2"])
    var seen: [String] = []
    try LedgerReader(path).forEachLine { record, number in
      seen.append("\(number) \(record.kind.rawValue)")
    }
    #expect(seen == ["1 open", "2 intent", "3 outcome", "4 intent"])
  }

  @Test func statisticsCountRowsByStandingAndCode() async throws {
    let start = UTCTime.now()
    let path = try await makeLedger(
      "a", accepted: ["1", "2", "3"], rejected: ["4", "5"], inDoubt: ["6"])
    let statistics = try LedgerReader(path)
    #expect(statistics.rows.accepted == 3 && statistics.rows.notAccepted == 2)
    #expect(statistics.rows.inDoubt == 1 && statistics.rows.total == 6)
    #expect(statistics.codes == ["refused_by_target": 2])
    #expect(statistics.target == "dcams" && statistics.runs.count == 1)
    #expect(statistics.operations == ["createOrUpdateCustomer"])
    let first = try #require(statistics.first)
    let last = try #require(statistics.last)
    #expect(start <= first && first <= last && last <= .now())
  }

  @Test func anAttemptWithoutAnswerSilencesTheOutcomeBefore() async throws {
    let path = try await makeLedger("a", accepted: [], rejected: ["1", "2"])
    let ledger = try await Ledger.open(path)
    for row in ["1", "2"] {
      try await ledger.intend(.test(), for: ledger.key(row), attempt: 1)
    }
    try await ledger.record(.test(ledger.key("2"), .inDoubt, attempts: 1))
    await ledger.close()
    var rows: [RowKey: LedgerRow] = [:]
    try LedgerReader(path).forEachRow { rows[$0.key] = $0 }
    let silent = try #require(rows[ledger.key("1")])
    #expect(silent.isUnanswered && silent.outcome == nil && silent.line == 2)
    let told = try #require(rows[ledger.key("2")])
    #expect(!told.isUnanswered && told.outcome?.verdict == "in_doubt")
    #expect(try LedgerReader(path).codes.values.reduce(0, +) == 1)
  }

  @Test func aLaterRunThatOnlyStopsLeavesTheStoryOfTheKill() async throws {
    let path = try await makeLedger("a", accepted: [], inDoubt: ["1"])
    let ledger = try await Ledger.open(path)
    let key = ledger.key("1")
    try await ledger.record(.test(key, .failed))
    #expect(try ledger.known("1").lastOutcome == nil)
    try await ledger.record(.test(key, .inDoubt))
    #expect(try ledger.known("1").lastOutcome?.verdict == .inDoubt)
    await ledger.close()
  }

  @Test func aRowIsFoundByItsIdentity() async throws {
    let path = try await makeLedger("a", accepted: ["row-1"], inDoubt: ["row-2"])
    let reader = try LedgerReader(path)
    let keys = try reader.keys(named: "row-2")
    #expect(keys.count == 1)
    #expect(try reader.keys(named: "row-3").isEmpty)
    var standings: [RowKey: Standing] = [:]
    try reader.forEachRow { standings[$0.key] = $0.standing }
    #expect(standings[keys[0]] == .inDoubt && standings.count == 2)
  }

  @Test func aRowThatWasNeverSentIsFoundToo() async throws {
    let settings = LedgerSettings(
      path: folder.ledger, target: "dcams", operation: "createOrUpdateCustomer")
    let ledger = try await Ledger.open(settings)
    try await ledger.record(.test(ledger.key("bad"), .rejected))
    await ledger.close()
    #expect(try LedgerReader(folder.ledger).keys(named: "bad").count == 1)
  }

  @Test func withoutItsKeyFileNoRowIsFound() async throws {
    let path = try await makeLedger("a", accepted: ["1"])
    unlink(path + ".key")
    #expect(throws: JournalError.self) {
      _ = try LedgerReader(path).keys(named: "1")
    }
    #expect(try LedgerReader(path).rows.accepted == 1)
  }

  @Test func timesAreWrittenAndReadAsTheCalendarHasThem() async throws {
    #expect(UTCTime(seconds: 0).rfc3339 == "1970-01-01T00:00:00Z")
    #expect(UTCTime(seconds: 951_782_400).rfc3339 == "2000-02-29T00:00:00Z")
    #expect(UTCTime(seconds: 4_107_542_399).rfc3339 == "2100-02-28T23:59:59Z")
    let before = UTCTime.now()
    let path = try await makeLedger("a", accepted: ["1"])
    let after = UTCTime.now()
    try LedgerReader(path).forEachLine { record, _ in
      #expect(before <= record.time && record.time <= after)
    }
  }
}

// Pruning.
extension ReadingTests {
  @Test func forgottenRowsLeaveNoByteBehind() async throws {
    let path = try await makeLedger("a", accepted: ["row-1", "row-2"], inDoubt: ["row-3"])
    let keys =
      try LedgerReader(path).keys(named: "row-1")
      + LedgerReader(path).keys(named: "row-3")
    let pruning = try await LedgerPruning.run(path, olderThan: nil, forgetting: keys)
    #expect(pruning.removedRows == 2 && pruning.removedLines == 3 && pruning.keptLines == 3)
    for key in keys { #expect(!Bytes.text(path).contains(key.description)) }
    let ledger = try await Ledger.open(path)
    #expect(try ledger.standing(of: ledger.key("row-1")) == .unknown)
    #expect(try ledger.standing(of: ledger.key("row-2")) == .accepted)
    await ledger.close()
  }

  @Test func oldRowsGoAndRowsInDoubtStay() async throws {
    let path = try await makeLedger(
      "a", accepted: ["row-1"], rejected: ["row-2"], inDoubt: ["row-3"])
    let early = UTCTime(seconds: UTCTime.now().seconds - 3600)
    let late = UTCTime(seconds: UTCTime.now().seconds + 3600)
    #expect(try await LedgerPruning.run(path, olderThan: early).removedRows == 0)
    #expect(try await LedgerPruning.run(path, olderThan: late).removedRows == 2)
    let counts = try LedgerReader(path).rows
    #expect(counts.inDoubt == 1 && counts.total == 1)
  }

  @Test func aLedgerInUseIsNotPruned() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    await #expect(throws: JournalError.self) {
      _ = try await LedgerPruning.run(folder.ledger, olderThan: .now())
    }
    await ledger.close()
  }

  @Test func whatACrashLeftOfADraftIsInNobodysWay() async throws {
    let path = try await makeLedger("a", accepted: ["row-1"])
    Bytes.write(Array("half".utf8), to: path + ".draft")
    let late = UTCTime(seconds: UTCTime.now().seconds + 3600)
    #expect(try await LedgerPruning.run(path, olderThan: late).keptLines == 1)
    #expect(folder.names() == ["a", "a.draft", "a.key"])
  }
}

// Merging.
extension ReadingTests {
  private var merged: String { folder.path + "/merged" }

  private func refusal(_ inputs: [String]) async -> String {
    do {
      _ = try await LedgerMerge.run(inputs, output: merged)
      return "merged"
    } catch {
      return error.description
    }
  }

  @Test func aMergedLedgerKnowsTheRowsOfAllMachines() async throws {
    let a = try await makeLedger("a", shard: "1/2", accepted: ["1", "2"], inDoubt: ["3"])
    let b = try await makeLedger("b", shard: "2/2", accepted: ["4"], rejected: ["5"])
    let merge = try await LedgerMerge.run([a, b], output: merged)
    #expect(merge.shards == 2 && merge.rows.total == 5 && merge.rows.accepted == 3)
    // A process of their number is there, but the lock says that it is not the run: here it is this one.
    #expect(merge.parts.allSatisfy { $0.lastRun?.ending == .killed } && merge.unfinished == [a, b])
    let ledger = try await Ledger.open(merged)
    let standings = try ["1", "3", "4", "5", "6"].map { try ledger.standing(of: ledger.key($0)) }
    #expect(standings == [.accepted, .inDoubt, .accepted, .notAccepted, .unknown])
    #expect(try ledger.known("4").isUnchanged(.test("{}")))
    #expect(try !ledger.known("4").isUnchanged(.test("{ }")))
    try await ledger.send("6")
    await ledger.close()
    #expect(try LedgerReader(merged).keys(named: "5").count == 1)
  }

  @Test func aMissingShardIsNamed() async throws {
    let a = try await makeLedger("a", shard: "1/4", accepted: ["1"])
    let b = try await makeLedger("b", shard: "3/4", accepted: ["2"])
    #expect(await refusal([a, b]).contains("2 of 4 shards are missing (2/4, 4/4)"))
    #expect(folder.names().contains("merged") == false)
  }

  @Test func theSameShardTwiceIsRefused() async throws {
    let a = try await makeLedger("a", shard: "1/1", accepted: ["1"])
    let b = try await makeLedger("b", shard: "1/1", accepted: ["2"])
    #expect(await refusal([a, b]).contains("both of shard 1/1"))
  }

  @Test func shardsOfDifferentBatchesAreRefused() async throws {
    let a = try await makeLedger("a", shard: "1/2", accepted: ["1"])
    let b = try await makeLedger("b", shard: "2/3", accepted: ["2"])
    #expect(await refusal([a, b]).contains("merge those of one batch"))
    let c = try await makeLedger("c", accepted: ["3"])
    let d = try await makeLedger("d", shard: "1/1", accepted: ["4"])
    #expect(await refusal([c, d]).contains("is of no shard"))
  }

  @Test func aLedgerGivenTwiceIsRefused() async throws {
    let a = try await makeLedger("a", accepted: ["1"])
    #expect(await refusal([a, a]).contains("give each ledger once"))
  }

  @Test func ledgersOfDifferentTargetsAreRefused() async throws {
    let a = try await makeLedger("a", accepted: ["1"])
    let path = folder.path + "/noah"
    await (try Ledger.open(LedgerSettings(path: path, target: "noah"))).close()
    #expect(await refusal([a, path]).contains("merge ledgers of one target only"))
  }

  @Test func anExistingFileIsNeverReplaced() async throws {
    let a = try await makeLedger("a", accepted: ["1"])
    Bytes.write([1], to: merged)
    #expect(await refusal([a]).contains("is there already"))
    #expect(Bytes.read(merged) == [1])
  }

  /// As after a crash between the two files, or a full disk.
  @Test func aMergeIsRepeatedWithTheKeysThatItLeft() async throws {
    let a = try await makeLedger("a", accepted: ["1"])
    #expect(await refusal([a]) == "merged")
    try DurableFile.remove(merged)
    #expect(await refusal([a]) == "merged")
    try DurableFile.remove(merged)
    let b = try await makeLedger("b", accepted: ["1"])
    #expect(await refusal([b]).contains("merged.key is there already"))
    #expect(!folder.names().contains("merged"))
  }

  @Test func ofManyMergesIntoOneFileOneSucceeds() async throws {
    let a = try await makeLedger("a", accepted: ["1"])
    let results = await withTaskGroup(of: String.self) { group in
      for _ in 0..<8 { group.addTask { await refusal([a]) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count { $0 == "merged" } == 1)
    #expect(results.allSatisfy { $0 == "merged" || $0.contains("merged is there already") })
    #expect(try LedgerReader(merged).keys(named: "1").count == 1)
    #expect(folder.names() == ["a", "a.key", "merged", "merged.key"])
  }

  @Test func aLedgerInUseIsNotMerged() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    #expect(await refusal([folder.ledger]).contains("is in use"))
    await ledger.close()
  }

  @Test func aMergeIsNoRunAndBeginsWithTheFirstShard() async throws {
    let a = try await makeLedger("a", shard: "1/2", accepted: ["1"])
    let first = try LedgerReader(a).first
    // Ledgers keep whole seconds.
    try await Task.sleep(for: .milliseconds(1_100))
    let b = try await makeLedger("b", shard: "2/2", accepted: ["2"])
    _ = try await LedgerMerge.run([b, a], output: merged)
    let statistics = try LedgerReader(merged)
    #expect(statistics.first == first && statistics.runs.count == 2)
    #expect(statistics.shard == nil && statistics.shards == ["1/2", "2/2"])
  }

  @Test func mergedLedgersCanBeMergedAgain() async throws {
    let a = try await makeLedger("a", shard: "1/3", accepted: ["1"])
    let b = try await makeLedger("b", shard: "2/3", accepted: ["2"])
    let c = try await makeLedger("c", shard: "3/3", accepted: ["3"])
    let all = try await LedgerMerge.run([a, b, c], output: merged)
    let again = try await LedgerMerge.run([merged], output: folder.path + "/again")
    #expect(all.rows == again.rows && again.shards == 3)
  }
}
