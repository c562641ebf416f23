import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A row that brings the program down: noted by the crash itself, tried once more, then left out.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct PoisonTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  @Test(arguments: [SIGSEGV, SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGTRAP])
  func aCrashIsNotedAgainstTheRowOfItsThread(number: Int32) async throws {
    let path = folder.path + "/note"
    await #expect(processExitsWith: .signal(number)) {
      [path = path as String, number = number as Int32] in
      CrashNote.arm(path)
      CrashNote.working(on: "row-of-another-thread")
      let isStarted = SystemThread.start {
        CrashNote.working(on: "row-that-crashes")
        // `abort` lets the signal through where the parent of this process has blocked it.
        if number == SIGABRT { abort() } else { raise(number) }
      }
      if isStarted { sleep(10) }
    }
    #expect(CrashNote.take(from: path) == ["row-that-crashes"])
    #expect(CrashNote.take(from: path) == [])
  }

  @Test func aCrashBetweenRowsIsNobodysFault() async throws {
    let path = folder.path + "/note"
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
      CrashNote.arm(path)
      CrashNote.working(on: "row-that-is-done")
      CrashNote.working(on: nil)
      raise(SIGSEGV)
    }
    #expect(!DurableFile.exists(path))
  }

  @Test func aCrashWithinAJobIsItsRowsFault() async throws {
    let path = folder.path + "/note"
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
      CrashNote.arm(path)
      let pool = try WorkerPool(threads: 1)
      await Task(executorPreference: pool.noting("row-that-crashes")) { _ = raise(SIGSEGV) }.value
    }
    #expect(CrashNote.take(from: path) == ["row-that-crashes"])
  }

  /// A stage that waits goes on in any thread of the pool, after others have used it.
  @Test func aCrashAfterAWaitIsItsRowsFault() async throws {
    let path = folder.path + "/note"
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
      CrashNote.arm(path)
      let pool = try WorkerPool(threads: 2)
      let neighbours = (0..<50).map { number in
        Task(executorPreference: pool.noting("row-\(number)")) {
          for _ in 0..<10 { try await Task.sleep(for: .milliseconds(1)) }
        }
      }
      await Task(executorPreference: pool.noting("row-that-crashes")) {
        for _ in 0..<5 { try? await Task.sleep(for: .milliseconds(1)) }
        raise(SIGSEGV)
      }.value
      for neighbour in neighbours { try await neighbour.value }
    }
    #expect(CrashNote.take(from: path) == ["row-that-crashes"])
  }

  @Test func aStageThatWaitsIsNotBlamedForItsNeighbour() async throws {
    let path = folder.path + "/note"
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
      CrashNote.arm(path)
      let pool = try WorkerPool(threads: 1)
      let waiting = Task(executorPreference: pool.noting("row-that-waits")) {
        try await Task.sleep(for: .seconds(30))
      }
      try await Task.sleep(for: .milliseconds(300))
      await Task(executorPreference: pool) { _ = raise(SIGSEGV) }.value
      waiting.cancel()
    }
    #expect(CrashNote.take(from: path) == [])
  }

  @Test func twoCrashesLeaveTheRowOutAndTheRestGoesThrough() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["400@1-4"])
    let first = try await program.start(batch.arguments(sandbox)).wait()
    let key = try #require(first.row("R-2")?["key"]?.string)
    // What the handler of a crash leaves behind, once in each of two runs.
    folder.write("batch.ledger.crashed", key + "\n")
    let second = try await program.start(batch.arguments(sandbox, "--limit", "0")).wait()
    #expect(second.code == 0, "\(second.errors)")
    folder.write("batch.ledger.crashed", key + "\n")
    let third = try await program.start(batch.arguments(sandbox)).wait()
    #expect(third.code == 3, "\(third.errors)")
    #expect(third.outcomes == ["accepted": 3, "rejected": 1])
    #expect(third.row("R-2")?["code"]?.string == "quarantined")
    #expect(!DurableFile.exists(batch.ledger + ".crashed"))
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.outcomes == ["skipped": 3, "rejected": 1])
    let last = try await program.start(batch.arguments(sandbox, "--only", "failed")).wait()
    #expect(last.outcomes == ["accepted": 1], "\(last.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [first, third, again]) == [])
  }

  @Test func oneCrashIsTriedAgain() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["400@1-3"])
    let first = try await program.start(batch.arguments(sandbox)).wait()
    let key = try #require(first.row("R-1")?["key"]?.string)
    folder.write("batch.ledger.crashed", key + "\n")
    let second = try await program.start(batch.arguments(sandbox)).wait()
    #expect(second.outcomes == ["accepted": 3], "\(second.errors)")
  }

  @Test func quarantineIsWrittenDownOnce() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["400@1-3"])
    let first = try await program.start(batch.arguments(sandbox)).wait()
    let key = try #require(first.row("R-1")?["key"]?.string)
    folder.write("batch.ledger.crashed", key + "\n" + key + "\n")
    var lines: [Int] = []
    for _ in 0..<3 {
      _ = try await program.start(batch.arguments(sandbox)).wait()
      let check = try await program.run("ledger", "verify", "--json", batch.ledger)
      lines.append(try #require(check.rows.first?["lines"]?.integer))
    }
    // A run over rows that are all settled writes that it began and that it ended, and nothing else.
    #expect([lines[1] - lines[0], lines[2] - lines[1]] == [2, 2])
  }

  @Test func aCrashSaysWhatToDoAndShowsNoMemory() async throws {
    let batch = CustomerBatch(rows: 40, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["hang:accepted@2-5"])
    let running = try program.start(
      batch.arguments(sandbox, "--concurrency", "4", "--set", "submit.timeout=600"))
    while try sandbox.customers() < 5 { try await Task.sleep(for: .milliseconds(10)) }
    running.signal(SIGSEGV)
    let result = try await running.wait()
    #expect(result.code == 256 + SIGSEGV)
    #expect(
      result.errors.split(separator: "\n").last
        == "docintake: error: crashed; run the same command again, it goes on")
    #expect(result.errors.split(separator: "\n").count == 2, "\(result.errors)")
    let again = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect(again.code == 5, "\(again.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [again]) == [])
  }
}
