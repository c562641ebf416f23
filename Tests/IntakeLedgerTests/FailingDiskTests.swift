import IntakeCore
import IntakeLedger
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// When the disk fails, everybody who waits is told, and nothing is claimed that is not so.
@Suite(.timeLimit(.minutes(20)))
struct FailingDiskTests {
  let folder = TemporaryFolder()

  private func simulated(_ file: LossyFile) throws -> Ledger {
    try Ledger(file, LedgerSettings(path: "", target: "dcams"), keys: .random())
  }

  @Test func whoeverReturnsHasTheLineOnDisk() async throws {
    let file = LossyFile()
    file.slow(toMicroseconds: 3000)
    let ledger = try simulated(file)
    let before = file.synchronizations
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<16 {
        group.addTask {
          for row in 0..<10 {
            let key = ledger.key("\(task)-\(row)")
            do {
              try await ledger.intend(.test(), for: key, attempt: 1)
              #expect(file.durableText.contains("\"intent\",\"k\":\"\(key)\""))
              try await ledger.record(.test(key, .accepted, attempts: 1))
              #expect(file.durableText.contains("\"outcome\",\"k\":\"\(key)\""))
            } catch {
              Issue.record(error)
            }
          }
        }
      }
    }
    let synchronizations = file.synchronizations - before
    // How many lines share one depends on how the tasks are scheduled; that some do does not.
    #expect(synchronizations < 320, "\(synchronizations) for 320 lines: they share them")
    await ledger.close()
    let check = try LedgerScanCount.lines(of: file)
    #expect(check == 321)
  }

  /// An intent that stands in the file but not in the index would leave a row in doubt that nobody sent.
  @Test func aRowThatCannotBeReadAgainGetsNoLine() async throws {
    let file = LossyFile()
    let ledger = try simulated(file)
    let key = ledger.key("row-1")
    try await ledger.send("row-1")
    file.truncate(to: 100)
    await #expect(throws: JournalError.self) {
      try await ledger.intend(.test("{}"), for: key, attempt: 1)
    }
    #expect(file.size() == 100)
    await ledger.close()
  }

  @Test func afterAFailedSynchronisationEveryCallFails() async throws {
    let file = LossyFile()
    let ledger = try simulated(file)
    let key = ledger.key("row-1")
    try await ledger.intend(.test(), for: key, attempt: 1)
    file.fail()
    let count = file.synchronizations
    for _ in 0..<3 {
      await #expect(throws: JournalError.self) {
        try await ledger.record(.test(key, .accepted, attempts: 1))
      }
      await #expect(throws: JournalError.self) {
        try await ledger.intend(.test(), for: ledger.key("row-2"), attempt: 1)
      }
    }
    #expect(file.synchronizations == count + 1, "a failed fsync is never tried again")
    await ledger.close()
  }

  @Test(arguments: [true, false])
  func aLedgerThatIsTakenAwayWhileInUseIsNoticed(isDeleted: Bool) async throws {
    let ledger = try await Ledger.open(folder.ledger)
    try await ledger.send("row-1")
    if isDeleted {
      unlink(folder.ledger)
    } else {
      rename(folder.ledger, folder.path + "/elsewhere")
      Bytes.write([], to: folder.ledger)
    }
    let error = await #expect(throws: JournalError.self) { try await ledger.send("row-2") }
    #expect(error?.description.contains("deleted, renamed or replaced") == true)
    await #expect(throws: JournalError.self) { try await ledger.send("row-3") }
    await ledger.close()
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a tmpfs"))
  func onAFullDiskWhatIsInFlightCanStillBeWrittenDown() async throws {
    let disk = try #require(SmallDisk())
    let ledger = try await Ledger.open(disk.path + "/batch.ledger")
    var inFlight: [RowKey] = []
    var refusal: JournalError?
    while refusal == nil, inFlight.count < 1000 {
      let key = ledger.key("row-\(inFlight.count)")
      do throws(JournalError) {
        try await ledger.intend(.test(), for: key, attempt: 1)
        inFlight.append(key)
      } catch {
        refusal = error
      }
    }
    #expect(refusal?.description.contains("free disk space") == true)
    disk.fill()
    for key in inFlight { try await ledger.record(.test(key, .rejected, attempts: 1)) }
    await ledger.close()
    let counts = try LedgerReader(disk.path + "/batch.ledger").rows
    #expect(counts.notAccepted == inFlight.count && counts.total == inFlight.count)
    #expect(inFlight.count > 10)
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a tmpfs"))
  func aTornEndOnAFullDiskIsLeftAlone() async throws {
    let disk = try #require(SmallDisk())
    let path = disk.path + "/batch.ledger"
    let ledger = try await Ledger.open(path)
    try await ledger.send("row-1")
    await ledger.close()
    let torn = Array(Bytes.read(path).dropLast(20))
    Bytes.write(torn, to: path)
    disk.fill()
    let error = await #expect(throws: JournalError.self) { _ = try await Ledger.open(path) }
    #expect(error?.description.contains("free disk space") == true)
    #expect(Bytes.read(path) == torn)
  }
}

/// Counts the good lines of a simulated file.
enum LedgerScanCount {
  static func lines(of file: LossyFile) throws -> Int {
    var count = 0
    var scan = LedgerScan(file)
    _ = try scan.run { (_, _) throws(JournalError) in count += 1 }
    return count
  }
}
